import { describe, expect, it } from 'vitest';
import { testJob } from '../../../support/session/test-site.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { toySetLayout } from '../../../support/tree/toy-trees.js';
import { TreeWorld } from '../../../support/tree/tree-world.js';

const pointsOf = async (world: TreeWorld) =>
  (await world.record()).points.map(({ source, health }) => `${source.restorePointId} ${health}`);

/** Every read of a file of this ending fails, as long as the worker is about to die. */
function stoppedAt(world: TreeWorld, ending: string): () => void {
  const { openRead } = world.source;
  world.source.openRead = (name) =>
    name.endsWith(ending)
      ? Promise.reject(new Error('stopped'))
      : openRead.call(world.source, name);
  return () => (world.source.openRead = openRead);
}

describe('a session after one that was stopped', { timeout: 60_000 }, () => {
  it('calls no point good of which a health check has found a file cut, and keeps the older one', async () => {
    const { type } = toySetLayout;
    const rules = { ...type.rules, retentionByDaysOnly: false };
    makeTreesKnown({ ...toySetLayout, type: { ...type, rules } });
    const retention = { type: 'restorePoints', value: 3 } as const;
    const world = new TreeWorld('db', 'toysets', testJob({ transactionLogs: true, retention }));
    const namesOf = (day: number) => [`db-${day}.a.set`, `db-${day}.done`];
    const write = async (day: number) => {
      for (const name of namesOf(day)) await world.write(name, `content of ${day}, some bytes`);
    };
    for (const day of [18, 19, 20]) {
      await write(day);
      await world.copy();
    }
    await world.damage('db-20.a.set', 'cut');
    for (const day of [18, 19, 20]) for (const name of namesOf(day)) await world.remove(name);
    await world.verify();
    await write(21);
    await world.copy();
    expect(await pointsOf(world)).toEqual([
      'db-18 good',
      'db-19 good',
      'db-20 corrupt',
      'db-21 good',
    ]);
    await write(22);
    const again = stoppedAt(world, 'db-22.a.set');
    expect((await world.copy()).result).toBe('failed');
    again();

    await world.copy();

    expect(await pointsOf(world)).toEqual([
      'db-19 good',
      'db-20 corrupt',
      'db-21 good',
      'db-22 good',
    ]);
    expect((await world.record()).lost?.files.map(({ path }) => path)).toEqual(['db-20.a.set']);
    expect((await world.copied()).has('db-19.a.set')).toBe(true);
  });
});
