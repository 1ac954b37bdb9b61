import { expect, it } from 'vitest';
import type { SimulatedRepository } from '../../../../support/repository/simulated-repository.js';
import { digests, folder, LARGE, storeWorld } from '../../../../support/tree/copied-trees.js';
import { filesBelow } from '../../../../support/tree/tree-world.js';

/** Of a file system that stores bytes as they are, and keeps nothing back. */
function folderOf(freeBytes: number): SimulatedRepository {
  const target = folder();
  target.capacity = () => Promise.resolve({ totalBytes: 0, freeBytes, isPlain: true });
  return target;
}

/** Units 16 to 75 of 64 KiB lie whole between bytes 1,000,000 and 5,000,000, which are zeros. */
const HOLES = 60 * 65_536;

it('refuses to begin a restore of files that its folder cannot hold, and leaves nothing there', async () => {
  const world = await storeWorld();
  const target = folderOf(LARGE - HOLES);
  const { result, code, reason } = await world.restore(target, 's24');
  expect({ result, code }).toEqual({ result: 'failed', code: 'REPOSITORY_FULL' });
  expect(reason).toContain('bytes at least');
  expect((await filesBelow(target, '')).size).toBe(0);
});

it('counts no zeros of large files, which leave holes', async () => {
  const world = await storeWorld();
  const small = [...world.files].filter(([path]) => path !== 'index/large');
  const bytes = small.reduce((sum, [, { length }]) => sum + length, LARGE - HOLES);
  const target = folderOf(bytes);
  expect((await world.restore(target, 's24')).result).toBe('success');
  expect(digests(await filesBelow(target, ''))).toEqual(digests(world.files));
});
