import { describe, expect, it } from 'vitest';
import { workloadTypes } from '../../../../src/layout/layouts.js';
import { digests, folder, setWorld, storeWorld } from '../../../support/tree/copied-trees.js';
import { filesBelow } from '../../../support/tree/tree-world.js';

/** CONTRIBUTING.md, How to add: a layout of a tree. The rows of `toy-trees.ts` are all that knows these two tools. */
describe('a layout of a tree that a row was added for', () => {
  it('has a store copied whole, with its points, and restored as it lay', async () => {
    const world = await storeWorld();
    expect(workloadTypes()).toContainEqual(
      expect.objectContaining({ id: 'toy-store', restoredWith: 'its own tool', linesInPlace: [] }),
    );
    expect(digests(await world.copied())).toEqual(digests(world.files));
    const { workload, points } = await world.record();
    expect(workload).toMatchObject({ id: 'toy:store', name: 'store', type: 'toy-store' });
    expect(points.map(({ source, createdAt }) => [source.restorePointId, createdAt])).toEqual([
      ['s23', '2026-11-23T22:00:00.000Z'],
      ['s24', '2026-11-24T22:00:00.000Z'],
    ]);
    const restored = folder();
    expect((await world.restore(restored, 's24')).result).toBe('success');
    expect(digests(await filesBelow(restored, ''))).toEqual(digests(world.files));
  });

  it('has the sets of whole points copied, and of each restored what it needs', async () => {
    const world = await setWorld();
    // A full that has not been closed: no point that is whole lists its file.
    await world.write('db-24.a.set', 'begun');
    await world.copy();
    world.files.delete('db-24.a.set');
    expect(digests(await world.copied())).toEqual(digests(world.files));
    const { points } = await world.record();
    expect(points.map(({ source }) => source.restorePointId)).toEqual([
      ...['db-22', 'log-22-1', 'log-22-2', 'db-23', 'log-23-1', 'log-23-2'],
    ]);
    const restored = folder();
    expect((await world.restore(restored, 'log-23-1')).result).toBe('success');
    expect([...(await filesBelow(restored, '')).keys()].sort()).toEqual([
      ...['db-23.a.set', 'db-23.done', 'log-23-1.log'],
    ]);
  });
});
