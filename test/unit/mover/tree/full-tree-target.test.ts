import { describe, expect, it } from 'vitest';
import { BackupError } from '../../../../src/domain/errors.js';
import type { CopyJob } from '../../../../src/domain/jobs/copy-job.js';
import { testJob } from '../../../support/session/test-site.js';
import { denied } from '../../../support/tree/storage-answers.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { toySetLayout, toyStoreLayout } from '../../../support/tree/toy-trees.js';
import { DAY_MS, TreeWorld } from '../../../support/tree/tree-world.js';

const days = (value: number): CopyJob =>
  testJob({ retention: { type: 'days', value }, compact: null });

/** What is written to such files of the target finds no room, for as long as it is full. */
function fill({ target }: TreeWorld, paths: RegExp): { isFull: boolean } {
  const state = { isFull: true };
  const openWork = target.openWork.bind(target);
  Object.assign(target, {
    openWork: (...order: Parameters<typeof openWork>) => {
      if (state.isFull && paths.test(order[0]))
        return Promise.reject(new BackupError('REPOSITORY_FULL', 'no space is left'));
      return openWork(...order);
    },
  });
  return state;
}

describe('a target without room for sets', () => {
  const backUp = async (world: TreeWorld, day: number) => {
    await world.write(`db-${day}.a.set`, `data of ${day}`);
    await world.write(`db-${day}.done`, '');
  };
  /** Fulls of five days, of which the last is not copied yet, and three are kept at least. */
  async function fiveDays(): Promise<TreeWorld> {
    makeTreesKnown(toySetLayout);
    const world = new TreeWorld('sets', 'toysets', days(30));
    for (const day of [20, 21, 22, 23]) await backUp(world, day);
    await world.copy();
    await backUp(world, 24);
    return world;
  }
  const points = async (world: TreeWorld) =>
    (await world.record()).points.map(({ source }) => source.restorePointId);

  it.each([
    ['while files are copied, of which some are there', /\.staging\/2\.journal$/, true],
    ['before anything is planned', /\.staging\/0\./, false],
  ])('loses what retention lets go when it is full %s', async (_, paths, isBegun) => {
    const world = await fiveDays();
    const storage = fill(world, paths);
    const { tasks } = await world.copy({}, days(1));
    expect(tasks[0]).toMatchObject({ result: 'failed', code: 'REPOSITORY_FULL' });
    expect(tasks[0]!.notes).toContain('2 files and 1 restore point were removed');
    expect(await points(world)).toEqual(['db-21', 'db-22', 'db-23']);
    const left = [...(await world.copied()).keys()];
    expect(left).not.toContain('db-20.a.set');
    expect(left.includes('db-24.a.set')).toBe(isBegun);

    storage.isFull = false;
    expect((await world.copy({}, days(1))).result).toBe('success');
    expect(await points(world)).toEqual(['db-22', 'db-23', 'db-24']);
    expect((await world.copied()).get('db-24.a.set')?.toString()).toBe('data of 24');
  });

  it.each([
    ['while the lost one is to be sent again', /\.staging\/2\.journal$/, 'db-23.done'],
    ['before anything is planned', /\.staging\/0\./, 'db-23.a.set'],
  ])(
    'counts on no point of which a file is not there when it is full %s',
    async (_, paths, lost) => {
      const world = await fiveDays();
      await world.damage(lost, null);
      const storage = fill(world, paths);
      await world.copy({}, days(1));
      // Three that are whole stay, and the one that may become whole.
      expect(await points(world)).toEqual(['db-20', 'db-21', 'db-22', 'db-23']);
      storage.isFull = false;
      await world.copy({}, days(1));
      expect(await points(world)).toEqual(['db-22', 'db-23', 'db-24']);
      expect((await world.copied()).has(lost)).toBe(true);
    },
  );

  it('lets no point go because a file of it is not seen', async () => {
    makeTreesKnown(toySetLayout);
    const world = new TreeWorld('sets', 'toysets', days(1));
    for (const day of [20, 21, 22]) await backUp(world, day);
    await world.copy();
    await backUp(world, 24);
    await world.damage('db-20.done', null);
    const storage = fill(world, /\.staging\/2\.journal$/);
    expect((await world.copy()).tasks[0]).toMatchObject({ code: 'REPOSITORY_FULL' });
    // A policy of days never leaves less than three.
    expect(await points(world)).toEqual(['db-20', 'db-21', 'db-22']);
    expect((await world.copied()).has('db-20.a.set')).toBe(true);
    storage.isFull = false;
    await world.copy();
    expect(await points(world)).toEqual(['db-21', 'db-22', 'db-24']);
  });

  it('loses nothing when nothing may go, and keeps what was staged of a large file', async () => {
    const world = await fiveDays();
    await world.write('db-24.big.set', Buffer.alloc(9 * 1024 ** 2, 7));
    const storage = fill(world, /\.staging\/2\.journal$/);
    expect((await world.copy()).tasks[0]).toMatchObject({ code: 'REPOSITORY_FULL' });
    expect(await points(world)).toEqual(['db-20', 'db-21', 'db-22', 'db-23']);
    expect(await world.target.stat(`${world.tree}/.staging`)).not.toBeNull();
    storage.isFull = false;
    expect((await world.copy()).result).toBe('success');
    expect(await points(world)).toHaveLength(5);
  });
});

it('a target without room for a store loses what its source removed long enough ago', async () => {
  makeTreesKnown(toyStoreLayout);
  const world = new TreeWorld('store', 'toy', days(3));
  await world.write('STORE', 'v1');
  for (const path of ['data/1', 'data/2', 'data/3']) await world.write(path, path);
  await world.write('snapshots/s0.json', JSON.stringify({ at: world.nowMs }));
  await world.copy();
  await world.remove('data/1');
  await world.copy();
  world.nowMs += 2.5 * DAY_MS;
  await world.write('snapshots/s1.json', JSON.stringify({ at: world.nowMs }));
  await world.copy();
  world.nowMs += DAY_MS;
  await world.write('data/4', 'new');
  await world.write('snapshots/s2.json', JSON.stringify({ at: world.nowMs }));
  const storage = fill(world, /\.staging\/3\.journal$/);
  expect((await world.copy()).tasks[0]).toMatchObject({ code: 'REPOSITORY_FULL' });
  const left = [...(await world.copied()).keys()];
  expect(left).not.toContain('data/1');
  expect(left).toContain('data/4');
  storage.isFull = false;
  expect((await world.copy()).result).toBe('success');
});

it.each([
  ['stopped by that', true],
  ['without a file that cannot be read', false],
])(
  'a target that stays full goes on to lose what its source had removed before its copy was %s: %s',
  async (_, isFreed) => {
    makeTreesKnown(toyStoreLayout);
    const world = new TreeWorld('store', 'toy', days(1));
    await world.write('STORE', 'v1');
    for (let i = 1; i < 7; i++) await world.write(`data/${i}`, `${i}`);
    // Its clock is half a day ahead: ages go on for as long after it, also where no later point comes.
    await world.write('snapshots/s0.json', JSON.stringify({ at: world.nowMs + 0.5 * DAY_MS }));
    await world.copy();
    await world.remove('data/1');
    await world.copy();
    world.nowMs += 0.5 * DAY_MS;
    await world.remove('data/2');
    await world.write('snapshots/s1.json', JSON.stringify({ at: world.nowMs + 0.5 * DAY_MS }));
    await world.write('data/7', 'for it');
    const { openRead } = world.source;
    if (!isFreed)
      world.source.openRead = (path) =>
        path.endsWith('data/7') ? Promise.reject(denied(path)) : openRead.call(world.source, path);
    await world.copy();
    world.source.openRead = openRead;
    await world.write('data/8', 'new');
    await world.write('snapshots/s2.json', JSON.stringify({ at: world.nowMs }));
    const storage = fill(world, /\.staging\/3\.journal$/);
    const removed = async () => {
      world.nowMs += 0.6 * DAY_MS;
      expect((await world.copy()).tasks[0]).toMatchObject({ code: 'REPOSITORY_FULL' });
      const left = await world.copied();
      return ['data/1', 'data/2'].filter((path) => !left.has(path));
    };
    expect(await removed()).toEqual(isFreed ? ['data/1'] : []);
    expect(await removed()).toEqual(isFreed ? ['data/1', 'data/2'] : []);
    storage.isFull = false;
    expect((await world.copy()).result).toBe('success');
    expect(await removedOf(world)).toEqual([]);
  },
);

/** What the source has and the copy has not. */
async function removedOf(world: TreeWorld): Promise<string[]> {
  const copied = await world.copied();
  return [...world.files.keys()].filter((path) => !copied.has(path));
}

it('a target without room for a store that has a file which cannot be read frees nothing, and says so, and names the file', async () => {
  makeTreesKnown(toyStoreLayout);
  const world = new TreeWorld('store', 'toy', days(3));
  await world.write('STORE', 'v1');
  for (const path of ['data/1', 'data/2', 'data/3']) await world.write(path, path);
  await world.write('snapshots/s1.json', JSON.stringify({ at: world.nowMs }));
  await world.copy();
  await world.write('data/4', 'new');
  await world.write('data/5', 'new');
  const { openRead } = world.source;
  world.source.openRead = (path) =>
    path.endsWith('data/4') ? Promise.reject(denied(path)) : openRead.call(world.source, path);
  await world.write('snapshots/s2.json', JSON.stringify({ at: world.nowMs }));
  fill(world, /\.staging\/3\.journal$/);
  const [task] = (await world.copy()).tasks;
  expect(task).toMatchObject({ result: 'failed', code: 'REPOSITORY_FULL' });
  expect(task!.notes).toEqual([
    'nothing was removed from the copy, because files of the source could not be copied',
    '"data/4" was not copied: its storage does not let the account that Longhaul runs as read it',
  ]);
});

/** A store of so many files, of which `data/1` has gone long enough ago, and the first of the others are lost and gone from the source, too; what is new finds no room. */
async function storeThatLost(lostCount: number, fileCount: number) {
  makeTreesKnown(toyStoreLayout);
  const world = new TreeWorld('store', 'toy', days(1));
  await world.write('STORE', 'v1');
  for (let i = 1; i <= fileCount; i++) await world.write(`data/${i}`, `${i}`);
  await world.write('snapshots/s0.json', JSON.stringify({ at: world.nowMs }));
  await world.copy();
  await world.remove('data/1');
  await world.copy();
  world.nowMs += 0.8 * DAY_MS;
  for (let i = 2; i < 2 + lostCount; i++) {
    await world.damage(`data/${i}`, null);
    await world.remove(`data/${i}`);
  }
  await world.write('snapshots/s1.json', JSON.stringify({ at: world.nowMs }));
  await world.copy();
  world.nowMs += 0.6 * DAY_MS;
  await world.write('data/901', 'new');
  await world.write('snapshots/s2.json', JSON.stringify({ at: world.nowMs }));
  const storage = fill(world, /\.staging\/3\.journal$/);
  const isLeft = async () => {
    expect((await world.copy()).tasks[0]).toMatchObject({ code: 'REPOSITORY_FULL' });
    return (await world.copied()).has('data/1');
  };
  return { world, storage, isLeft };
}

it('a target that is full frees nothing while files are lost that its points may need, until a check has judged them', async () => {
  const { world, storage, isLeft } = await storeThatLost(1, 8);
  expect(await isLeft()).toBe(true);
  await world.verify();
  expect(await isLeft()).toBe(false);
  storage.isFull = false;
  expect((await world.copy()).tasks[0]).toMatchObject({ result: 'warning' });
});

it('a target that is full goes on to free a store once a check has judged more than a hundred lost files', async () => {
  const { world, isLeft } = await storeThatLost(110, 399);
  expect(await isLeft()).toBe(true);
  await world.verify();
  expect(await isLeft()).toBe(false);
});

it('a target that is full frees nothing of a store while a file is not there that is to be sent again', async () => {
  makeTreesKnown(toyStoreLayout);
  const world = new TreeWorld('store', 'toy', days(1));
  await world.write('STORE', 'v1');
  for (let i = 1; i < 9; i++) await world.write(`data/${i}`, `${i}`);
  await world.write('snapshots/s0.json', JSON.stringify({ at: world.nowMs }));
  await world.copy();
  await world.remove('data/1');
  await world.copy();
  world.nowMs += 1.4 * DAY_MS;
  await world.damage('data/2', null);
  await world.write('snapshots/s1.json', JSON.stringify({ at: world.nowMs }));
  const storage = fill(world, /\.staging\/\d\.journal$/);
  const [task] = (await world.copy()).tasks;
  expect(task).toMatchObject({ code: 'REPOSITORY_FULL' });
  expect(task!.notes).toContainEqual(
    expect.stringMatching(/^nothing was removed: a file of the copy is not there as copied; /),
  );
  expect((await world.copied()).has('data/1')).toBe(true);
  storage.isFull = false;
  await world.copy();
  const copied = await world.copied();
  expect([copied.has('data/1'), copied.get('data/2')?.toString()]).toEqual([false, '2']);
});

describe('what was begun of a large file', () => {
  const LARGE_BYTES = 9 * 1024 ** 2;
  const begun = async (world: TreeWorld) =>
    (await world.target.list(`${world.tree}/.staging/large`)).map(({ name }) => name);

  /** The first part of the large file is there, and the second finds no room. */
  async function withBegun(): Promise<{ world: TreeWorld; storage: { isFull: boolean } }> {
    makeTreesKnown(toyStoreLayout);
    const world = new TreeWorld('store', 'toy', days(3));
    await world.write('STORE', 'v1');
    await world.write('data/1', 'one');
    await world.write('index/large', Buffer.alloc(LARGE_BYTES, 1));
    await world.write('snapshots/s1.json', JSON.stringify({ at: world.nowMs }));
    const storage = { isFull: true };
    const openWrite = world.target.openWrite.bind(world.target);
    world.target.openWrite = async (path, mode) => {
      const file = await openWrite(path, mode);
      const write = file.write.bind(file);
      file.write = (bytes, offset) =>
        storage.isFull && path.includes('/large/') && offset >= 8 * 1024 ** 2
          ? Promise.reject(new BackupError('REPOSITORY_FULL', 'no space is left'))
          : write(bytes, offset);
      return file;
    };
    expect((await world.copy()).tasks[0]).toMatchObject({ code: 'REPOSITORY_FULL' });
    expect(await begun(world)).toHaveLength(2);
    return { world, storage };
  }

  it('is kept for the session that goes on with it', async () => {
    const { world, storage } = await withBegun();
    const before = await begun(world);
    expect((await world.copy()).tasks[0]).toMatchObject({ code: 'REPOSITORY_FULL' });
    expect(await begun(world)).toEqual(before);
    storage.isFull = false;
    expect((await world.copy()).result).toBe('success');
  });

  it.each<[string, RegExp, (world: TreeWorld) => Promise<unknown>]>([
    ['gone from its source', /\.staging\/3\.journal$/, (world) => world.remove('index/large')],
    [
      'another one now',
      /\.staging\/3\.journal$/,
      (world) => world.write('index/large', Buffer.alloc(LARGE_BYTES, 2)),
    ],
  ])('goes from a full target when that file is %s', async (_, full, change) => {
    const { world, storage } = await withBegun();
    storage.isFull = false;
    const before = await begun(world);
    const again = fill(world, full);
    await change(world);
    expect((await world.copy()).tasks[0]).toMatchObject({ code: 'REPOSITORY_FULL' });
    const after = await begun(world);
    expect(after.filter((name) => before.includes(name))).toEqual([]);
    again.isFull = false;
    expect((await world.copy()).result).toBe('success');
  });
});
