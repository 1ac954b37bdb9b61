import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { processEntry } from '../../support/process-entry.js';

const LONGHAUL = fileURLToPath(new URL('../../../src/bin/longhaul.ts', import.meta.url));

it('says in words that the output cannot be written', async () => {
  const full = openSync('/dev/full', 'w');
  const stdio = ['ignore', full, 'pipe'] as const;
  const entry = await processEntry(LONGHAUL);
  const { status, stderr } = spawnSync(process.execPath, [entry, '--help'], { stdio: [...stdio] });
  closeSync(full);
  expect(stderr.toString()).toMatch(
    /^OUTPUT_NOT_WRITTEN: the output of the command could not be written: ENOSPC.*\n.*\n$/,
  );
  expect(status).toBe(5);
});

it('ends without a word when its reader has gone', async () => {
  const entry = await processEntry(LONGHAUL);
  const child = spawn(process.execPath, [entry, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let errors = '';
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  const [code] = (await once(child, 'exit')) as [number];
  expect([code, errors]).toEqual([0, '']);
});
