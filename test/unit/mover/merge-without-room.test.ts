import { beforeAll, describe, expect, it } from 'vitest';
import { BackupError } from '../../../src/domain/errors.js';
import type { FolderRepository } from '../../../src/repository/backup-repository.js';
import { CopiedMachine, NOW_MS, type MachineCopy } from '../../support/living/copied-machine.js';
import { breakSectors } from '../../support/repository/bad-sectors.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

let machine: CopiedMachine;

beforeAll(async () => {
  machine = await CopiedMachine.make();
});

const MIB = 1024 * 1024;

/** Says that so much is free. What is written elsewhere than to `open` finds no room.
 *  @param open absent: nothing can be written but records */
function fill(copy: MachineCopy, freeBytes: number, open?: RegExp): () => void {
  const { target } = copy;
  const { openWrite, capacity } = target;
  target.capacity = () => Promise.resolve({ totalBytes: 1024 * MIB, freeBytes });
  target.openWrite = async (path, mode) => {
    const file = await openWrite.call(target, path, mode);
    if (/chain\.json/.test(path) || open?.test(path) === true) return file;
    const write = () => Promise.reject(new BackupError('REPOSITORY_FULL', 'no space is left'));
    return { ...bound(file), write };
  };
  return () => Object.assign(target, { openWrite, capacity });
}

type Opened = Awaited<ReturnType<FolderRepository['openWrite']>>;

function bound(file: Opened): Opened {
  const names = ['read', 'stamp', 'close', 'write', 'truncate', 'sync'] as const;
  const calls = names.map((name) => [name, (file[name] as () => unknown).bind(file)] as const);
  return { ...Object.fromEntries(calls), path: file.path } as unknown as Opened;
}

const pair = () => ({ fullId: machine.idOf(0), incrementId: machine.idOf(1) });

function inspect({ mover, input }: MachineCopy, needsRoom = false) {
  const { chain, nowMs } = input;
  const { workload } = machine.before;
  return mover.run('inspectTargetChain', {
    ...{ targetRepositoryId: 'offsite', chain, jobId: 'nightly', owner: 'session' },
    ...{ workload, nowMs, needsRoom },
  });
}

/** A merge that was announced, and then something else took the room. */
async function stuck(open?: RegExp): Promise<{ copy: MachineCopy; empty: () => void }> {
  const copy = await machine.copy();
  const empty = fill(copy, 64 * MIB, open);
  const merge = copy.mover.run('mergeIncrement', { ...copy.input, ...pair() });
  await expect(merge).rejects.toMatchObject({ code: 'REPOSITORY_FULL' });
  expect((await copy.record()).pending).toMatchObject({ type: 'merge' });
  return { copy, empty };
}

describe('a merge without room', () => {
  it('is not announced, so that the chain stays as it was and its newest point can be deleted', async () => {
    const copy = await machine.copy();
    fill(copy, 0);
    const order = { ...copy.input, ...pair() };
    for (const step of ['prepareMerge', 'mergeIncrement'] as const)
      await expect(copy.mover.run(step, order)).rejects.toMatchObject({ code: 'REPOSITORY_FULL' });
    expect(await copy.record()).toEqual(machine.before);
    await copy.mover.run('deleteRestorePoints', { ...copy.input, ids: [machine.idOf(3)] });
    expect(await copy.listed()).toEqual([0, 1, 2]);
    expect(await machine.wrongPoints(copy.target)).toEqual([]);
  });

  it('is made where the storage tells of less than there is: it is tried before', async () => {
    const copy = await machine.copy();
    fill(copy, 0, /./);
    await copy.mover.run('mergeIncrement', { ...copy.input, ...pair() });
    expect(await copy.listed()).toEqual([1, 2, 3]);
    expect(await machine.wrongPoints(copy.target)).toEqual([]);
  });

  it('waits once it is announced, says so, and is finished by the next take-over that finds room', async () => {
    const { copy, empty } = await stuck();
    const { record, notes } = await inspect(copy);
    expect(record.pending).toMatchObject({ type: 'merge' });
    expect(notes).toEqual([
      expect.stringMatching(/a merge that was announced goes on when there is room: .*Free space/),
    ]);
    const deletion = { ...copy.input, epoch: record.epoch, ids: [machine.idOf(3)] };
    await expect(copy.mover.run('deleteRestorePoints', deletion)).rejects.toMatchObject({
      code: 'REPOSITORY_FULL',
      hint: expect.stringContaining('the next session finishes the change'),
    });
    await expect(inspect(copy, true)).rejects.toMatchObject({ code: 'REPOSITORY_FULL' });
    empty();
    expect((await inspect(copy)).notes).toEqual([]);
    expect(await copy.listed()).toEqual([1, 2, 3]);
    expect(await machine.wrongPoints(copy.target)).toEqual([]);
  });

  it('ends a health check that waits for it, with the reason, and is taken back by who removes what it is of', async () => {
    const { copy } = await stuck(/\.leases/);
    const sessions = new LocalSessions([copy.source, copy.target]);
    const status = await sessions.verify('offsite', NOW_MS);
    expect(status).toMatchObject({
      result: 'failed',
      reason: expect.stringMatching(/^1 chain cannot be read/) as string,
      notes: [expect.stringMatching(/goes on when there is room: .*Free space.*CHAIN_LOCKED/)],
    });
    const place = { ...copy.input, epoch: (await copy.record()).epoch };
    const rule = { withDependents: true, immutableForDays: 0 };
    const { ids } = await copy.mover.run('planRemoval', {
      ...{ ...place, ...rule, pointId: machine.idOf(1) },
    });
    await copy.mover.run('removeRestorePoints', { ...place, ids, mode: 'delete' });
    expect(await copy.record()).toMatchObject({ points: [], pending: null });
    expect(await copy.folders()).toEqual([]);
  });

  it('that has moved its full keeps the tables of the merged file while it waits', async () => {
    const [whole, copy] = [await machine.copy(), await machine.copy()];
    await whole.mover.run('mergeIncrement', { ...whole.input, ...pair() });
    const { target } = copy;
    const { rename } = target;
    target.rename = (from, to) =>
      /-merge\/.*\.(?:digests|tables)$/.test(from)
        ? Promise.reject(new BackupError('REPOSITORY_FULL', 'no space is left'))
        : rename.call(target, from, to);
    const merge = copy.mover.run('mergeIncrement', { ...copy.input, ...pair() });
    await expect(merge).rejects.toMatchObject({ code: 'REPOSITORY_FULL' });
    // Where not even a folder can be made, it does not come as far again.
    const { makePlace } = target;
    const full = () => Promise.reject(new BackupError('REPOSITORY_FULL', 'no space is left'));
    Object.assign(target, { makePlace: full });
    expect((await inspect(copy)).notes).toHaveLength(1);
    Object.assign(target, { rename, makePlace });
    expect((await inspect(copy)).notes).toEqual([]);
    const digests = copy.pathOf(1, 'digests');
    expect(await copy.read(digests)).toEqual(await whole.read(digests));
    expect(await machine.wrongPoints(target)).toEqual([]);
  });
});

describe('an announced merge of which a file is gone', () => {
  /** @param lost the place of the point whose disk file is lost meanwhile */
  async function broken(
    lost: number,
    is: 'gone' | 'of a version 7' = 'gone',
  ): Promise<MachineCopy> {
    const { copy, empty } = await stuck();
    empty();
    const path = copy.pathOf(lost, 'image');
    if (is === 'gone') await copy.target.remove(path);
    else await copy.target.patch(path, 7, Buffer.of(7));
    return copy;
  }

  it.each([
    [0, 'gone'],
    [1, 'gone'],
    [0, 'of a version 7'],
    [1, 'of a version 7'],
  ] as const)(
    'lets copies go on in a new chain, and calls nothing good that needs it: file of point %i is %s',
    async (lost, is) => {
      const copy = await broken(lost, is);
      const { record, notes, stuck: why } = await inspect(copy);
      expect(record.pending).toMatchObject({ type: 'merge' });
      expect(notes).toEqual([why]);
      expect(why).toMatch(/^a merge that was announced cannot be finished: .*--with-dependents/);
      expect(record.points.slice(1).map(({ health }) => health)).toEqual(
        Array.from({ length: 3 }, () => 'corrupt'),
      );
      // By a newer release, or after a stop: the same again.
      expect((await inspect(copy)).record.points).toEqual(record.points);
      const sessions = new LocalSessions([copy.source, copy.target]);
      const job = testJob({ retention: { type: 'restorePoints', value: 99 } });
      const { tasks } = await sessions.copy(job, NOW_MS);
      expect(tasks).toMatchObject([{ result: 'warning' }]);
      const [full, ...others] = (await copy.record()).points.slice(4);
      expect(full).toMatchObject({ kind: 'full', health: 'good', chainId: full!.id });
      expect(others).not.toEqual([]);
      for (const { chainId, health } of others)
        expect([chainId, health]).toEqual([full!.id, 'good']);
    },
  );

  it('waits, and calls nothing damaged, where a sector of its full cannot be read just now', async () => {
    const { copy, empty } = await stuck();
    empty();
    breakSectors(copy.target, copy.pathOf(0, 'image'), [0]);
    const { record, notes } = await inspect(copy);
    expect(notes).toEqual([
      expect.stringMatching(/^a merge that was announced cannot be finished just/),
    ]);
    expect(record.points.every(({ health }) => health === 'good')).toBe(true);
  });

  it('is damage to a check that has looked thrice where a sector stays unread: copies go on, and it can be removed', async () => {
    const { copy, empty } = await stuck();
    empty();
    breakSectors(copy.target, copy.pathOf(0, 'image'), [0]);
    const sessions = new LocalSessions([copy.source, copy.target]);
    const status = await sessions.verify('offsite', NOW_MS);
    expect(status).toMatchObject({
      result: 'failed',
      notes: [
        expect.stringMatching(/cannot be finished: .*input\/output error.*--with-dependents/),
      ],
    });
    const { points, epoch } = await copy.record();
    expect(points.slice(1).map(({ health }) => health)).toEqual(['corrupt', 'corrupt', 'corrupt']);
    const place = { ...copy.input, epoch };
    const plan = (point: number) =>
      copy.mover.run('planRemoval', {
        ...{ ...place, pointId: machine.idOf(point), withDependents: true, immutableForDays: 0 },
      });
    await expect(plan(3)).rejects.toMatchObject({ code: 'CHAIN_LOCKED', kind: 'conflict' });
    expect((await plan(1)).ids).toEqual([3, 2, 1].map((point) => machine.idOf(point)));
    const job = testJob({ retention: { type: 'restorePoints', value: 99 } });
    expect((await sessions.copy(job, NOW_MS)).tasks).toMatchObject([{ result: 'warning' }]);
    // Retention is not tried again and again.
    expect(sessions.nowMs - NOW_MS).toBeLessThan(60_000);
    const later = await copy.record();
    expect(later.points[4]).toMatchObject({ kind: 'full', health: 'good' });
    const ids = [3, 2, 1].map((point) => machine.idOf(point));
    const removal = { ...place, epoch: later.epoch, ids, mode: 'delete' } as const;
    await copy.mover.run('removeRestorePoints', removal);
    const rest = later.points.slice(4).map(({ id }) => id);
    expect((await copy.record()).points.map(({ id }) => id)).toEqual(rest);
    expect((await copy.record()).pending).toBeNull();
  });

  it.each(['delete', 'setAside'] as const)(
    'goes with its points when these are removed, and only with them (%s)',
    async (mode) => {
      const copy = await broken(1);
      const { record } = await inspect(copy);
      const place = { ...copy.input, epoch: record.epoch };
      const plan = (point: number) =>
        copy.mover.run('planRemoval', {
          ...{ ...place, pointId: machine.idOf(point), withDependents: true },
          immutableForDays: 0,
        });
      await expect(plan(3)).rejects.toMatchObject({
        code: 'FILE_MISSING',
        hint: expect.stringContaining(`only restore point ${machine.idOf(1)} can be removed`),
      });
      const { ids } = await plan(1);
      expect(ids).toEqual([3, 2, 1].map((point) => machine.idOf(point)));
      await copy.mover.run('removeRestorePoints', { ...place, ids, mode });
      expect(await copy.record()).toMatchObject({ points: [], pending: null });
      expect(await copy.folders()).toEqual([]);
      const aside = await copy.target.list(`${machine.chain}/.quarantine`);
      expect(aside).toHaveLength(mode === 'delete' ? 0 : 4);
    },
  );
});
