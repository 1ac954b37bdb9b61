import { describe, expect, it } from 'vitest';
import { folderWorkloadId } from '../../../../src/layout/names/workload-id.js';
import { holdLease } from '../../../../src/chain/leases.js';
import { testJob } from '../../../support/session/test-site.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { toySetLayout, toyStoreLayout } from '../../../support/tree/toy-trees.js';
import { DAY_MS, filesBelow, TreeWorld } from '../../../support/tree/tree-world.js';

const OTHERS = ['a', 'b', 'c'];

/** Four stores, of which one is looked at. */
async function fourStores(removedWorkloadsAfterDays: number | null = 10): Promise<TreeWorld> {
  makeTreesKnown(toyStoreLayout);
  const world = new TreeWorld('store', 'toy', testJob({ removedWorkloadsAfterDays }));
  const snapshot = JSON.stringify({ at: Date.UTC(2026, 10, 24, 22), needs: [] });
  for (const root of [world.root, ...OTHERS]) {
    await world.source.put(`${root}/STORE`, Buffer.from('v1'));
    await world.source.put(`${root}/data/${'0'.repeat(64)}.tmp`, Buffer.from(''));
    await world.source.put(`${root}/snapshots/s1.json`, Buffer.from(snapshot));
  }
  await world.copy();
  return world;
}

async function look(world: TreeWorld, days: number): Promise<string[]> {
  const told: string[] = [];
  for (let day = 0; day < days; day++) {
    world.nowMs += DAY_MS;
    const { tasks } = await world.copy();
    told.push(
      ...tasks
        .filter(({ workload }) => workload === world.root)
        .map(({ result, reason, notes }) => `${result}: ${reason ?? notes.join()}`),
    );
  }
  return told;
}

describe('a tree that no source shows any more', () => {
  it('is missed for days, announced, and removed with all its files', async () => {
    const world = await fourStores();
    await world.source.removeAll(world.root);
    const told = await look(world, 11);
    expect(told[0]).toMatch(/^nothingToCopy: no source shows it any more/);
    expect(told[8]).toMatch(/^warning: .* (is|are) to be deleted on /);
    const removedAt = told.findIndex((text) => text.startsWith('success'));
    expect(removedAt).toBeGreaterThanOrEqual(9);
    expect(told[removedAt]).toMatch(/its one restore point goes: 1 was deleted$/);
    expect((await filesBelow(world.target, `${world.tree}/files`)).size).toBe(0);
    expect((await world.record()).points).toEqual([]);
    expect(told.slice(removedAt + 1)).toEqual([]);
    for (const root of OTHERS)
      expect((await filesBelow(world.target, `nightly/toy%3A${root}/files`)).size).toBe(2);
  });

  it('stays when a source shows it again, as if it had never been away', async () => {
    const world = await fourStores();
    const kept = await filesBelow(world.source, world.root);
    await world.source.removeAll(world.root);
    await look(world, 9);
    for (const [path, bytes] of kept) await world.source.put(`${world.root}/${path}`, bytes);
    await look(world, 1);
    expect((await world.record()).presence.absence).toBeNull();
    expect((await filesBelow(world.target, `${world.tree}/files`)).size).toBe(2);
  });

  it('stays where nothing is said of removed workloads, and while somebody reads it', async () => {
    const unasked = await fourStores(null);
    await unasked.source.removeAll(unasked.root);
    await look(unasked, 6);
    expect((await filesBelow(unasked.target, `${unasked.tree}/files`)).size).toBe(2);

    const world = await fourStores(4);
    await world.source.removeAll(world.root);
    await look(world, 4);
    await holdLease(world.target, world.tree, 'reader', {
      ...{ restorePointId: 'any', purpose: 'restore' },
      expiresAtMs: world.nowMs + DAY_MS + 10 * 60_000,
    });
    const told = await look(world, 1);
    expect((await filesBelow(world.target, `${world.tree}/files`)).size).toBe(2);
    expect(told[0]).toContain('nothing was removed: restore point any is being read');
  });

  it('is doubted with its source, when that lacks most of what it had', async () => {
    const world = await fourStores(3);
    for (const root of [world.root, ...OTHERS]) await world.source.removeAll(root);
    await world.source.put('something', Buffer.from('else'));
    await look(world, 6);
    expect((await filesBelow(world.target, `${world.tree}/files`)).size).toBe(2);
  });

  describe('and whose files are there', () => {
    /** A release that does not take sets with an odd part any more. */
    async function narrowed(): Promise<TreeWorld> {
      let isNarrow = false;
      makeTreesKnown({
        ...toySetLayout,
        claim: (names) =>
          isNarrow && names.files.includes('db-24.odd.set') ? null : toySetLayout.claim(names),
        scan: async (...asked) =>
          (await toySetLayout.scan(...asked)).map((tree) => ({
            ...tree,
            id: folderWorkloadId('toy-sets', tree.root),
          })),
      });
      const retention = { type: 'days', value: 90 } as const;
      const job = testJob({ transactionLogs: true, removedWorkloadsAfterDays: 5, retention });
      const world = new TreeWorld('dumps/store', 'toy', job, 'toy-sets-dumps:store');
      for (const root of [world.root, ...OTHERS]) {
        const part = root === world.root ? 'odd' : 'a';
        await world.source.put(`${root}/db-24.${part}.set`, Buffer.from('v1'));
        await world.source.put(`${root}/db-24.done`, Buffer.from(''));
      }
      await world.copy();
      isNarrow = true;
      return world;
    }

    const tasksOf = async (world: TreeWorld, days: number) => {
      const told: string[] = [];
      for (let day = 0; day < days; day++) {
        world.nowMs += DAY_MS;
        const { tasks } = await world.copy();
        for (const { workload, result, reason, notes } of tasks)
          if (workload === world.root) told.push(`${result}: ${reason ?? notes.join()}`);
      }
      return told;
    };

    it('is not counted as gone while a release does not recognise them', async () => {
      const world = await narrowed();
      const told = await tasksOf(world, 8);
      expect(new Set(told).size).toBe(1);
      expect(told[0]).toMatch(
        /^warning: .* files of its newest backup still lie in "dumps\/store"/,
      );
      const { points, presence } = await world.record();
      expect([points.length, presence.absence]).toEqual([1, null]);
    });

    it('is counted anew when they were there meanwhile', async () => {
      const world = await narrowed();
      await world.source.remove(`${world.root}/db-24.done`);
      await tasksOf(world, 4);
      expect((await world.record()).presence.absence).toMatchObject({ missedDays: 4 });
      await world.source.put(`${world.root}/db-24.done`, Buffer.from(''));
      expect((await tasksOf(world, 1)).at(-1)).toContain('still lie');
      expect((await world.record()).presence.absence).toBeNull();
      await world.source.remove(`${world.root}/db-24.done`);
      await tasksOf(world, 3);
      const { points, presence } = await world.record();
      expect([points.length, presence.absence?.missedDays]).toEqual([1, 3]);
    });

    it('is counted from the day on which one of them is gone', async () => {
      const world = await narrowed();
      await tasksOf(world, 2);
      await world.source.remove(`${world.root}/db-24.done`);
      const told = await tasksOf(world, 8);
      expect(told[0]).not.toContain('still lie');
      expect((await world.record()).points).toEqual([]);
    });
  });
});
