import { rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { testJob } from '../../../support/session/test-site.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { OneDump } from '../../../support/tree/one-dump.js';
import { toySetLayout, toyStoreLayout } from '../../../support/tree/toy-trees.js';
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

describe('a session after one that was stopped', () => {
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

describe('a file of the last class that goes while it is copied', () => {
  it.each([1, 2])(
    'leaves no point good that has files of the dump before it (read number %i)',
    async (number) => {
      const files = (day: string) => ({
        'store/dump/shop/orders.bson': `orders of ${day}`,
        'store/dump/shop/orders.metadata.json': `metadata ${day}`,
        'store/dump/shop/users.bson': `users of ${day}`,
        'store/dump/shop/users.metadata.json': `metadata of users ${day}`,
      });
      const dump = await OneDump.of(files);
      await dump.write('monday');
      expect((await dump.session()).result).toBe('success');
      const { points: before } = await dump.record();
      await dump.write('tuesday');
      const { openRead } = dump.source.repository;
      let reads = 0;
      dump.source.repository.openRead = async (path) => {
        if (path.endsWith('.bson') && ++reads === number)
          await rm(dump.source.at('store/dump'), { recursive: true });
        return openRead.call(dump.source.repository, path);
      };

      const { result } = await dump.session();

      expect(result).not.toBe('success');
      const { points } = await dump.record();
      expect(points.filter(({ createdAt }) => createdAt !== before[0]!.createdAt)).toEqual([]);
    },
  );

  it('leaves no point of a store good whose own file is not there', async () => {
    makeTreesKnown(toyStoreLayout);
    const world = new TreeWorld();
    await world.write('STORE', 'v1');
    await world.write('data/1', 'x');
    await world.write('index/i', 'i');
    for (const at of [1, 2, 3]) await world.write(`snapshots/s${at}.json`, JSON.stringify({ at }));
    const { openRead } = world.source;
    world.source.openRead = async (name) => {
      if (name.endsWith('data/1')) {
        world.source.openRead = openRead;
        await world.remove('snapshots/s1.json');
      }
      return openRead.call(world.source, name);
    };

    expect((await world.copy()).result).toBe('success');

    expect(await pointsOf(world)).toEqual(['s2 good', 's3 good']);
    expect(await world.copied()).toEqual(world.files);
  });
});
