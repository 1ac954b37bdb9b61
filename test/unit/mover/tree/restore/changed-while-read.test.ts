import { describe, expect, it } from 'vitest';
import { holdLease, LEASE_MS } from '../../../../../src/chain/leases.js';
import { BackupError } from '../../../../../src/domain/errors.js';
import type { CopyJob } from '../../../../../src/domain/jobs/copy-job.js';
import { writeTreeRecord } from '../../../../../src/tree/tree-store.js';
import { InProcessMover } from '../../../../support/mover/in-process-mover.js';
import { testJob } from '../../../../support/session/test-site.js';
import type { TreeLayout } from '../../../../../src/layout/tree-layout.js';
import { digests, folder, setWorld, storeWorld } from '../../../../support/tree/copied-trees.js';
import { makeTreesKnown } from '../../../../support/tree/known-trees.js';
import { toySetLayout, toyStoreLayout } from '../../../../support/tree/toy-trees.js';
import { DAY_MS, filesBelow, TreeWorld } from '../../../../support/tree/tree-world.js';

const days = (value: number): CopyJob =>
  testJob({ transactionLogs: true, retention: { type: 'days', value }, compact: null });

/** Nothing of this kind can be done with the storage. */
function refuse<K extends 'list' | 'unlink'>(
  { target }: TreeWorld,
  call: K,
  isMeant: (path: string) => boolean,
): { isOver: boolean } {
  const state = { isOver: false };
  const before = target[call].bind(target) as (...paths: string[]) => Promise<never>;
  Object.assign(target, {
    [call]: (...paths: string[]) =>
      !state.isOver && paths.some(isMeant)
        ? Promise.reject(new BackupError('REPOSITORY_FULL', 'it is not to be'))
        : before(...paths),
  });
  return state;
}

// The first one bundles the workflows.
describe('a removal that was stopped', () => {
  it('takes nothing from a restore of a point that the source has removed later', async () => {
    makeTreesKnown(toyStoreLayout);
    const world = new TreeWorld('store', 'toy', days(3));
    const snapshot = (day: number) =>
      world.write(
        `snapshots/s${day}.json`,
        JSON.stringify({ at: Date.UTC(2026, 10, day, 22), needs: [] }),
      );
    await world.write('STORE', 'v1');
    const blobs: string[] = [];
    for (let i = 0; i < 8; i++) blobs.push(await world.writeBlob(`blob ${i}`));
    for (const day of [22, 23, 24]) await snapshot(day);
    await world.copy();
    await world.remove('snapshots/s22.json');
    await world.remove(blobs[0]!);
    await world.copy();
    const before = digests(world.files);
    world.nowMs += 2 * DAY_MS;
    await snapshot(26);
    await world.remove('snapshots/s23.json');
    await world.copy();
    world.nowMs += 1.5 * DAY_MS;
    await snapshot(28);
    refuse(world, 'unlink', (path) => path.includes('/files/data/'));
    await world.copy();
    expect((await world.record()).pending?.runs.map((run) => run.class)).toEqual([
      'data',
      'snapshots',
    ]);
    expect((await world.copied()).has('snapshots/s22.json')).toBe(false);

    const target = folder();
    const { result, reason } = await world.restore(target, 's23');
    expect([result, reason]).toEqual(['success', null]);
    const restored = digests(await filesBelow(target, ''));
    expect(restored).toMatchObject(before);
    expect(Object.keys(restored)).not.toContain(blobs[0]);
  });

  /** A session announced the removal of two days, and was stopped before it looked for the reader that had come before. */
  async function announced() {
    makeTreesKnown(toySetLayout);
    const world = new TreeWorld('sets', 'toysets', days(30));
    const backUp = async (day: number) => {
      await world.write(`db-${day}.a.set`, `data of ${day}`);
      await world.write(`db-${day}.done`, '');
    };
    for (const day of [20, 21, 22, 23]) await backUp(day);
    await world.copy();
    const restorePointId = (await world.record()).points[0]!.id;
    const { openWrite } = world.target;
    let isRead = false;
    world.target.openWrite = async (path, create) => {
      if (path.includes('/remove-') && !isRead) {
        isRead = true;
        const expiresAtMs = world.nowMs + LEASE_MS;
        const lease = { restorePointId, purpose: 'restore', expiresAtMs } as const;
        await holdLease(world.target, world.tree, 'reader', lease);
      }
      return openWrite.call(world.target, path, create);
    };
    const storage = refuse(world, 'list', (path) => isRead && path.endsWith('/.leases'));
    await backUp(24);
    await world.copy({}, days(1));
    storage.isOver = true;
    const record = await world.record();
    expect(record.pending).not.toBeNull();
    expect(record.points).toHaveLength(3);
    return { world, record, restorePointId, backUp };
  }

  it('waits for who began to read before it was announced, and is done by a later session', async () => {
    const { world, restorePointId, backUp } = await announced();
    await backUp(25);
    const { tasks } = await world.copy({}, days(1));
    const reason = `nothing was copied: a removal that was stopped waits: restore point ${restorePointId} is being read`;
    expect(tasks[0]).toMatchObject({ result: 'warning', reason });
    expect((await world.copied()).has('db-20.a.set')).toBe(true);
    world.nowMs += LEASE_MS;
    expect((await world.copy({}, days(1))).tasks[0]!.result).toBe('success');
    expect((await world.record()).pending).toBeNull();
    const left = [...(await world.copied()).keys()];
    expect(left).not.toContain('db-20.a.set');
    expect(left).toContain('db-25.a.set');
  });

  it('waits a day at most for a lease that cannot be read, whatever day the storage gave it', async () => {
    const { world, backUp } = await announced();
    const lease = `${world.tree}/.leases/future.json`;
    await world.target.put(lease, Buffer.from('{'));
    // The clock of the storage was years ahead when it took it: counted from there it would hold for years.
    const writtenAtNs = async () => BigInt((await world.target.stat(lease))!.stamp.modifiedAtNs);
    const before = await writtenAtNs();
    world.nowMs = Number(before / 1_000_000n) - 3 * 365 * DAY_MS;
    await backUp(25);
    const { tasks } = await world.copy({}, days(1));
    expect(tasks[0]!.reason).toBe(
      `nothing was copied: a removal that was stopped waits: ${lease} is being read`,
    );
    expect(await writtenAtNs()).toBeGreaterThan(before);
  });

  it('is not forgotten by another attempt, and done by the first without a reader', async () => {
    const { world, record } = await announced();
    const mover = new InProcessMover(world.source, world.target);
    const input = {
      ...{ targetRepositoryId: 'offsite', chain: world.tree, epoch: record.epoch },
      ...{ choice: days(1), immutableForDays: 0, nowMs: world.nowMs },
    };
    expect(await mover.run('removeTreeFiles', input)).toMatchObject({ fileCount: 0 });
    expect(await world.record()).toEqual(record);
    const nowMs = world.nowMs + LEASE_MS + 1;
    const { fileCount } = await mover.run('removeTreeFiles', { ...input, nowMs });
    // Of two days: three of five stay.
    expect(fileCount).toBe(4);
    expect((await world.record()).pending).toBeNull();
    const names = (await world.target.list(`${world.tree}/.index`)).map(({ name }) => name);
    expect(names.filter((name) => name.startsWith('remove'))).toEqual([]);
  });
});

describe('a restore whose lease was over while it waited', () => {
  async function begun(made = setWorld(), sourceId = 'log-22-1') {
    const world = await made;
    const target = folder();
    const { points } = await world.record();
    const pointId = points.find(({ source }) => source.restorePointId === sourceId)!.id;
    const mover = new InProcessMover(world.target, target);
    const input = {
      ...{ repositoryId: 'offsite', chain: world.tree, pointId, leaseId: 'one' },
      ...{ destinationPath: '/tmp', intoExisting: false, nowMs: world.nowMs },
    };
    const { token, windowCount } = await mover.run('prepareTreeRestore', input);
    const prepared = { ...input, ...(token === undefined ? {} : { token }) };
    const restore = () =>
      mover.runWindows('restoreFiles', prepared, [{ first: 0, count: windowCount }]);
    const finish = () => mover.run('finishTreeRestore', prepared);
    world.nowMs += LEASE_MS;
    return { world, target, pointId, restore, finish };
  }

  it('ends when its point was removed', async () => {
    const { world, pointId, restore } = await begun();
    const { points, ...record } = await world.record();
    const left = points.filter(({ id }) => id !== pointId);
    await writeTreeRecord(world.target, world.tree, { ...record, points: left });
    await expect(restore()).rejects.toMatchObject({ code: 'RESTORE_POINT_MISSING' });
  });

  it('says of files that were replaced meanwhile that they were, and of others that they are damaged', async () => {
    const { world, target, restore, finish } = await begun();
    await world.write('db-22.a.set', 'another backup');
    await world.copy();
    await world.damage('db-22.done', 'x');
    await restore();
    const { changed, lost } = await finish();
    expect(changed?.examples.map(({ path }) => path)).toEqual(['db-22.a.set']);
    expect(lost.examples.map(({ path }) => path)).toEqual(['db-22.done']);
    const restored = [...(await filesBelow(target, '')).keys()];
    expect(restored.filter((path) => !path.startsWith('.'))).toEqual(['log-22-1.log']);
  });

  /** Its last look at the index finds these runs gone: each time `meanwhile` has done something to the copy. */
  function changeUnderLook(
    { target }: TreeWorld,
    times: number,
    meanwhile: () => Promise<unknown>,
  ) {
    const openRead = target.openRead.bind(target);
    const looks = { left: times, isBusy: false };
    target.openRead = async (path) => {
      if (path.endsWith('.run') && looks.left > 0 && !looks.isBusy) {
        looks.left--;
        looks.isBusy = true;
        await meanwhile();
        looks.isBusy = false;
      }
      return openRead(path);
    };
    return looks;
  }

  it.each<[string, number, string[], string[]]>([
    ['once, from what the index says then', 1, ['db-22.a.set'], ['db-22.done']],
    ['at each of its looks, as changed all', 9, ['db-22.a.set', 'db-22.done'], []],
  ])(
    'tells the files that were not restored when a session commits %s',
    async (_, times, changedPaths, damagedPaths) => {
      const { world, restore, finish } = await begun();
      await world.damage('db-22.a.set', 'x');
      await world.damage('db-22.done', 'y');
      await restore();
      let night = 0;
      const looks = changeUnderLook(world, times, async () => {
        night++;
        await world.write('db-22.a.set', `another backup, ${night}`);
        expect((await world.copy()).tasks[0]!.result).not.toBe('failed');
      });
      const { changed, lost } = await finish();
      expect(looks.left).toBe(times === 1 ? 0 : 6);
      expect(changed?.examples.map(({ path }) => path).sort()).toEqual(changedPaths);
      expect(lost.examples.map(({ path }) => path)).toEqual(damagedPaths);
    },
  );

  it('calls them damaged when the index cannot be read, though nothing has changed it', async () => {
    const { world, restore, finish } = await begun();
    await world.damage('db-22.done', 'y');
    await restore();
    const folderOfIndex = `${world.tree}/.index`;
    const runs = (await world.target.list(folderOfIndex)).filter(({ name }) =>
      name.endsWith('.run'),
    );
    await world.target.remove(...runs.map(({ path }) => path));
    const { changed, lost } = await finish();
    expect([changed, lost.examples.map(({ path }) => path)]).toEqual([undefined, ['db-22.done']]);
  });

  it('goes on when the only point of a mirror was followed by that of a later state', async () => {
    const { world, target, restore, finish } = await begun(storeWorld(toyMirrorLayout), 's24');
    const before = digests(world.files);
    const snapshot = JSON.stringify({ at: Date.UTC(2026, 10, 25, 22), needs: [] });
    await world.write('snapshots/s25.json', snapshot);
    await world.write('index/large', 'another');
    await world.copy();
    expect((await world.record()).points.map(({ source }) => source.restorePointId)).toEqual([
      's25',
    ]);
    await restore();
    const { changed, lost } = await finish();
    expect(lost.count).toBe(0);
    expect(changed?.examples.map(({ path }) => path)).toEqual(['index/large']);
    const restored = digests(await filesBelow(target, ''));
    const { 'index/large': _, ...others } = before;
    expect(restored).toMatchObject(others);
    expect(Object.keys(restored)).not.toContain('index/large');
  });
});

/** A store of which only the newest state is a point. */
const toyMirrorLayout: TreeLayout = {
  ...toyStoreLayout,
  name: 'toy-mirror',
  rules: { ...toyStoreLayout.rules, isOpaque: true, isPartial: true },
  scan: async (...looked) => {
    const [tree] = await toyStoreLayout.scan(...looked);
    return [{ ...tree!, points: tree!.points.slice(-1) }];
  },
};
