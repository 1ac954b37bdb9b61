import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const LONGHAUL = fileURLToPath(new URL('../../../src/bin/longhaul.ts', import.meta.url));
const NODE = ['--import', 'tsx', LONGHAUL];

it('says in words that the output cannot be written', () => {
  const full = openSync('/dev/full', 'w');
  const stdio = ['ignore', full, 'pipe'] as const;
  const { status, stderr } = spawnSync(process.execPath, [...NODE, '--help'], {
    stdio: [...stdio],
  });
  closeSync(full);
  expect(stderr.toString()).toMatch(
    /^OUTPUT_NOT_WRITTEN: the output of the command could not be written: ENOSPC.*\n.*\n$/,
  );
  expect(status).toBe(5);
});

it('ends without a word when its reader has gone', async () => {
  const child = spawn(process.execPath, [...NODE, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let errors = '';
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  const [code] = (await once(child, 'exit')) as [number];
  expect([code, errors]).toEqual([0, '']);
});
