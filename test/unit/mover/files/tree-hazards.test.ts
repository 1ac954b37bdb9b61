import { describe, expect, it } from 'vitest';
import type { TreeLayout } from '../../../../src/layout/tree-layout.js';
import type { RepositoryEntry } from '../../../../src/repository/backup-repository.js';
import { makeTreesKnown, toyStoreLayout } from '../../../support/tree/toy-trees.js';
import { TreeWorld } from '../../../support/tree/tree-world.js';

/** Of the first tree that a layout finds in a folder, other facts. */
function withFound(
  layout: TreeLayout,
  change: (found: Awaited<ReturnType<TreeLayout['scan']>>[number]) => object,
): TreeLayout {
  return {
    ...layout,
    scan: async (reader, folder, claimed) =>
      (await layout.scan(reader, folder, claimed)).map((found) => ({ ...found, ...change(found) })),
  };
}

describe('a tree that shares its root', () => {
  it('has what lies in its own folders, however deep they are', async () => {
    makeTreesKnown(
      withFound(toyStoreLayout, () => ({ within: ['STORE', 'data/main', 'snapshots'] })),
    );
    const world = new TreeWorld();
    await world.write('STORE', 'v1');
    await world.write('data/main/1/a', 'a');
    await world.write('snapshots/s1.json', JSON.stringify({ at: 1 }));
    await world.source.put('store/data/mainframe/b', Buffer.from('of another'));
    expect((await world.copy()).result).toBe('success');
    expect(await world.copied()).toEqual(world.files);
  });
});

describe('a store whose tool touches its files', () => {
  it('is what it was: only times of use and links have changed', async () => {
    makeTreesKnown(toyStoreLayout);
    const world = new TreeWorld();
    await world.write('STORE', 'v1');
    for (let i = 0; i < 10; i++) await world.write(`data/${i}`, `chunk ${i}`);
    await world.write('snapshots/s1.json', JSON.stringify({ at: 1 }));
    await world.copy();
    const { list } = world.source;
    world.source.list = async (folder): Promise<RepositoryEntry[]> =>
      (await list.call(world.source, folder)).map((entry) => ({
        ...entry,
        ...(folder.startsWith('store/data')
          ? { stamp: { ...entry.stamp, changedAtNs: `${BigInt(entry.stamp.changedAtNs) + 5n}` } }
          : {}),
      }));
    const outcome = await world.copy();
    expect({ result: outcome.result, reason: outcome.tasks[0]?.reason }).toMatchObject({
      result: 'nothingToCopy',
    });
  });
});
