import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { launchServer } from '../../../src/temporal/server-process.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longhaul-server-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What the server is told of its account. */
async function accountOfServer(environment: Record<string, string>): Promise<string> {
  const binaryPath = join(folder, 'temporal');
  await writeFile(binaryPath, '#!/bin/sh\necho "$USER at $HOME with $OTHER" >&2\n');
  await chmod(binaryPath, 0o755);
  const databasePath = join(folder, 'temporal.db');
  const own = { PATH: '/usr/bin:/bin', OTHER: 'other', ...environment };
  const server = await launchServer({
    ...{ binaryPath, databasePath, port: 1, uiPort: 2 },
    environment: own,
  });
  return server.ended;
}

it('tells the Temporal server who it runs as where the account has no name', async () => {
  expect(await accountOfServer({})).toContain(`longhaul at ${folder} with other`);
  expect(await accountOfServer({ USER: '', HOME: '/' })).toContain('longhaul at / with other');
  const named = { USER: 'backup', HOME: '/backup' };
  expect(await accountOfServer(named)).toContain('backup at /backup with other');
});
