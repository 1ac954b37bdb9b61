import { expect, it } from 'vitest';
import { holdLease, LEASE_MS } from '../../../../src/chain/leases.js';
import type { CopyJob } from '../../../../src/domain/jobs/copy-job.js';
import { testJob } from '../../../support/session/test-site.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { toySetLayout } from '../../../support/tree/toy-trees.js';
import { DAY_MS, TreeWorld } from '../../../support/tree/tree-world.js';
import { LocalSessions } from '../../../support/workflows/local-sessions.js';

const days = (value: number): CopyJob =>
  testJob({ transactionLogs: true, retention: { type: 'days', value }, compact: null });

async function backUp(world: TreeWorld, ...numbers: readonly number[]): Promise<void> {
  for (const day of numbers) {
    await world.write(`db-${day}.a.set`, `data of ${day}`);
    await world.write(`db-${day}.done`, '');
  }
}

const pointsOf = async (world: TreeWorld) =>
  (await world.record()).points.map(({ source }) => source.restorePointId);

it('a removal that a reader came to while it was announced is taken back, and done by the next session', async () => {
  makeTreesKnown(toySetLayout);
  const world = new TreeWorld('sets', 'toysets', days(30));
  await backUp(world, 20, 21, 22);
  await world.copy();
  await backUp(world, 23);
  // What is to go is listed between the first look for readers and the announcement.
  const openWrite = world.target.openWrite.bind(world.target);
  let leases = 0;
  world.target.openWrite = async (path, create) => {
    if (path.includes('/remove-') && leases++ === 0)
      await holdLease(world.target, world.tree, 'reader', {
        ...{ restorePointId: 'db-20', purpose: 'restore' },
        expiresAtMs: world.nowMs + LEASE_MS,
      });
    return openWrite(path, create);
  };
  const { tasks } = await world.copy({}, days(1));
  expect(leases).toBeGreaterThan(0);
  expect(tasks[0]!.notes).toContain('nothing was removed: restore point db-20 is being read');
  expect(await pointsOf(world)).toEqual(['db-20', 'db-21', 'db-22', 'db-23']);
  expect((await world.record()).pending).toBeNull();
  expect((await world.copied()).size).toBe(8);
  const names = (await world.target.list(`${world.tree}/.index`)).map(({ name }) => name);
  expect(names.filter((name) => name.startsWith('remove'))).toEqual([]);
  world.nowMs += LEASE_MS;
  await world.copy({}, days(1));
  expect(await pointsOf(world)).toEqual(['db-21', 'db-22', 'db-23']);
});

it('a log that the target may not change yet keeps the full that it needs', async () => {
  makeTreesKnown(toySetLayout);
  const world = new TreeWorld('sets', 'toysets', days(1));
  const copy = (nowMs: number) =>
    new LocalSessions([world.source, world.target], { immutableForDays: 7 }).tryToCopy(
      days(1),
      nowMs,
    );
  const { nowMs } = world;
  await backUp(world, 25);
  await copy(nowMs + DAY_MS);
  await world.write('log-25-1.log', 'log');
  await copy(nowMs + 6 * DAY_MS);
  for (const name of ['db-25.a.set', 'db-25.done', 'log-25-1.log']) await world.remove(name);
  await backUp(world, 33, 34, 35);
  await copy(nowMs + 10.5 * DAY_MS);
  expect(await pointsOf(world)).toEqual(['db-25', 'log-25-1', 'db-33', 'db-34', 'db-35']);
  // The log is three days older than it has to be by then, and needs nothing any more.
  await backUp(world, 40);
  await copy(nowMs + 15.5 * DAY_MS);
  expect(await pointsOf(world)).toEqual(['db-33', 'db-34', 'db-35', 'db-40']);
});
