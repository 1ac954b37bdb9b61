import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { syncFileSystem, tellsFailedWrites } from '../../../src/repository/file-calls.js';

/** syncfs(2), VERSIONS: from Linux 5.8 on it reports what could not be written. */
it.each([
  ['3.10.0-1160.el7.x86_64', false],
  ['4.18.0-553.el8_10.x86_64', false],
  ['5.4.0-200-generic', false],
  ['5.7.19', false],
  ['5.8.0', true],
  ['5.10.0-32-amd64', true],
  ['6.1.0-37-amd64', true],
  ['10.0.1', true],
  ['', false],
])('a sync of a whole file system by Linux %s tells of failed writes: %s', (kernel, expected) => {
  expect(tellsFailedWrites(kernel)).toBe(expected);
});

it('syncs no file system as a whole where the kernel does not tell whether that worked', async () => {
  const path = mkdtempSync(join(tmpdir(), 'longhaul-sync-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  const folder = await open(path);
  try {
    expect(await syncFileSystem(folder, '5.7.19')).toBe(false);
    expect(await syncFileSystem(folder, '6.1.0')).toBe(true);
  } finally {
    await folder.close();
  }
});
