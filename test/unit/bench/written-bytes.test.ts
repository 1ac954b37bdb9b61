import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { outputOf } from '../../../bench/commands.js';
import { dataBytes } from '../../../bench/kill-suite.js';
import { makeSparseChain } from '../../../bench/source-chains.js';

const KIB = 1024;
const MIB = 1024 * KIB;

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-bench-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

it('counts what was written to a half copied file, also when it is not synced, and not its holes', async () => {
  const path = join(await temporaryFolder(), 'image.qcow2');
  const file = await open(path, 'w');
  await file.write(Buffer.alloc(64 * KIB, 1), 0, 64 * KIB, 64 * KIB);
  await file.write(Buffer.alloc(128 * KIB, 2), 0, 128 * KIB, 8 * MIB);
  expect(await dataBytes(path)).toBe(192 * KIB);
  await file.close();
});

it('makes an increment of the changed size, spread over a disk of the size asked for', async () => {
  const size = { diskGiB: 64, changedMiB: 4 };
  const { files } = await makeSparseChain(await temporaryFolder(), size);
  const map = JSON.parse(await outputOf('qemu-img', 'map', '--output=json', files[1])) as {
    start: number;
    length: number;
    depth: number;
    data: boolean;
  }[];
  const changed = map.filter(({ depth, data }) => depth === 0 && data);
  expect(changed.map(({ start }) => start / 1024 ** 3)).toEqual([0, 16, 32, 48]);
  expect(changed.map(({ length }) => length / MIB)).toEqual([1, 1, 1, 1]);
  expect(map.reduce((sum, { length }) => sum + length, 0)).toBe(64 * 1024 ** 3);
});
