import { expect, it } from 'vitest';
import { BackupError } from '../../../../src/domain/errors.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { toyStoreLayout } from '../../../support/tree/toy-trees.js';
import { DAY_MS, TreeWorld } from '../../../support/tree/tree-world.js';

const FILES = 20;

async function filledWorld(): Promise<TreeWorld> {
  makeTreesKnown(toyStoreLayout);
  const world = new TreeWorld();
  await world.write('STORE', 'v1');
  for (let i = 0; i < FILES; i++) await world.write(`data/${i}`, `chunk ${i}`);
  await world.write('snapshots/s1.json', JSON.stringify({ at: world.nowMs }));
  await world.copy();
  return world;
}

const CASES = [
  ['writes over', (world: TreeWorld, path: string) => world.write(path, 'locked')],
  [
    'locks under another name',
    async (world: TreeWorld, path: string) => {
      await world.write(`${path}.locked`, 'locked');
      await world.remove(path);
    },
  ],
] as const;

it.each(CASES)(
  'a store of which something %s a tenth each day stops before half of it is lost',
  async (_, lose) => {
    const world = await filledWorld();
    let at = 0;
    for (let days = 0; days < 8; days++) {
      world.nowMs += DAY_MS;
      for (const end = at + 2; at < end; at++) await lose(world, `data/${at}`);
      const { result, tasks } = await world.copy();
      if (result !== 'actionRequired') continue;
      expect(tasks[0]).toMatchObject({ code: 'SOURCE_SUSPICIOUS' });
      const { guard } = await world.record();
      expect(guard.map(({ rewritten }) => rewritten)).toEqual([0, 2, 2, 2, 2, 2]);
      // An operator may agree, and then it is over.
      expect((await world.copy({ acceptChanges: true })).result).toBe('success');
      expect((await world.record()).guard).toHaveLength(1);
      await lose(world, `data/${at}`);
      expect((await world.copy()).result).toBe('success');
      return;
    }
    expect.unreachable('nothing stopped it');
  },
);

it.each<[string, RegExp, number]>([
  ['when one of them was copied', /data\/3$/, 1],
  ['when all of them were copied', /index\/new$/, 7],
])(
  'files that are written over count once, although the session that found them was stopped %s',
  async (_, stopsAt, entered) => {
    for (const [name, lose] of CASES) {
      const world = await filledWorld();
      for (let at = 0; at < 6; at++) await lose(world, `data/${at}`);
      await world.write('STORE', 'locked');
      await world.write('index/new', 'where they are');
      const { openRead } = world.source;
      const isStop = (path: string) => stopsAt.test(path.replace(/\.locked$/, ''));
      world.source.openRead = (path) =>
        isStop(path)
          ? Promise.reject(new BackupError('REPOSITORY_FULL', 'no answer'))
          : openRead.call(world.source, path);
      const counted = async () =>
        (await world.record()).guard.reduce((sum, { rewritten }) => sum + rewritten, 0);
      expect((await world.copy()).result, name).toBe('failed');
      // Whoever comes next enters what there is.
      await world.verify();
      expect(await counted(), name).toBe(entered);
      world.source.openRead = openRead;
      expect((await world.copy()).result, name).toBe('success');
      expect(await counted(), name).toBe(7);
    }
  },
);
