import { beforeAll, describe, expect, it } from 'vitest';
import type { ChainRecord, PendingChange } from '../../../src/chain/chain-record.js';
import { writeChainRecord } from '../../../src/chain/chain-store.js';
import type { TargetDisk } from '../../../src/domain/targets/target-point.js';
import {
  CopiedMachine,
  NOW_MS,
  type LeaseOf,
  type MachineCopy,
} from '../../support/living/copied-machine.js';

/** When a simulated disk says that its files were written, about. */
const WRITTEN_AT_MS = 1_700_000_000_000;
const HOUR_MS = 3_600_000;
const [SATURDAY, SUNDAY] = ['2026-11-07T00:00:00.000Z', '2026-11-08T00:00:00.000Z'];

let machine: CopiedMachine;
let before: ChainRecord;

beforeAll(async () => {
  machine = await CopiedMachine.make();
  ({ before } = machine);
});

const idOf = (point: number): string => machine.idOf(point);

/** What is done to the chain. */
class Changed {
  constructor(private readonly copy: MachineCopy) {}

  static async with(...leases: LeaseOf[]): Promise<Changed> {
    return new Changed(await machine.copy(...leases));
  }

  /** One lease that cannot be read. */
  static async withBrokenLease(ageMs: number): Promise<Changed> {
    const copy = await machine.copy([0, 'verify']);
    await copy.target.put(`${machine.chain}/.leases/lease-0.json`, Buffer.from('{'));
    copy.nowMs = WRITTEN_AT_MS + ageMs;
    return new Changed(copy);
  }

  get target() {
    return this.copy.target;
  }

  get mover() {
    return this.copy.mover;
  }

  get input() {
    return this.copy.input;
  }

  delete(points: readonly number[]) {
    return this.mover.run('deleteRestorePoints', { ...this.input, ids: points.map(idOf) });
  }

  setAside(points: readonly number[]) {
    const order = { ids: points.map(idOf), mode: 'setAside' } as const;
    return this.mover.run('removeRestorePoints', { ...this.input, ...order });
  }

  merge(full = 0, increment = 1) {
    const pair = { fullId: idOf(full), incrementId: idOf(increment) };
    return this.mover.run('mergeIncrement', { ...this.input, ...pair });
  }

  flag(point: number, flags: readonly ('weekly' | 'monthly')[]) {
    return this.mover.run('flagRestorePoint', { ...this.input, pointId: idOf(point), flags });
  }

  async announce(pending: PendingChange, gone: readonly number[]): Promise<void> {
    const points = before.points.filter((_, index) => !gone.includes(index));
    await writeChainRecord(this.target, machine.chain, { ...before, points, pending });
  }

  /** Takes the chain over, as a session does. */
  inspect() {
    const { chain, nowMs } = this.input;
    return this.mover.run('inspectTargetChain', {
      ...{ targetRepositoryId: 'offsite', chain, jobId: 'nightly', owner: 'session' },
      ...{ workload: before.workload, nowMs },
    });
  }

  spoil(point: number, offset: number): Promise<void> {
    return this.copy.spoil(this.copy.pathOf(point, 'image'), offset);
  }

  record(): Promise<ChainRecord> {
    return this.copy.record();
  }

  /** Places of the points that are listed, all of which read bit for bit. */
  async left(): Promise<number[]> {
    expect(await machine.wrongPoints(this.target)).toEqual([]);
    return this.copy.listed();
  }

  folders(): Promise<number[]> {
    return this.copy.folders();
  }
}

describe('deleting restore points', () => {
  it.each([
    { points: [3], left: [0, 1, 2] },
    { points: [3, 2], left: [0, 1] },
    { points: [3, 2, 1, 0], left: [] },
    { points: [3, 99], left: [0, 1, 2] },
  ])('of places $points leaves $left', async ({ points, left }) => {
    const changed = await Changed.with();
    const listed = points.filter((point) => point < 4).map(idOf);
    expect(await changed.delete(points)).toEqual({ deleted: listed });
    expect(await changed.left()).toEqual(left);
    expect(await changed.folders()).toEqual(left);
    const { pending, knownSourcePoints = [] } = await changed.record();
    expect(pending).toBeNull();
    // They are not copied again; with the last one the memory goes, too.
    const dealtWith = left.length === 0 ? [] : points.filter((point) => point < 4);
    expect(knownSourcePoints.map(({ restorePointId }) => restorePointId)).toEqual(
      dealtWith.map((point) => machine.sourceId(point)).sort(),
    );
  });

  it('of nothing that is listed writes nothing', async () => {
    const changed = await Changed.with();
    expect(await changed.delete([99])).toEqual({ deleted: [] });
    expect(await changed.record()).toEqual(before);
    await changed.setAside([99]);
    expect(await changed.record()).toEqual(before);
  });

  it.each([[[0]], [[1]], [[2, 1]]])(
    'that others need, %j, is refused before anything is written',
    async (points) => {
      const changed = await Changed.with();
      const broken = { code: 'RESTORE_POINT_BROKEN' };
      await expect(changed.delete(points)).rejects.toMatchObject(broken);
      await expect(changed.setAside(points)).rejects.toMatchObject(broken);
      expect(await changed.record()).toEqual(before);
      expect(await changed.left()).toEqual([0, 1, 2, 3]);
    },
  );

  it('is for the session that owns the chain', async () => {
    const changed = await Changed.with();
    const input = { ...changed.input, epoch: before.epoch - 1, ids: [idOf(3)] };
    const stale = { code: 'STALE_EPOCH' };
    await expect(changed.mover.run('deleteRestorePoints', input)).rejects.toMatchObject(stale);
    expect(await changed.record()).toEqual(before);
  });

  it('keeps what was set aside', async () => {
    const changed = await Changed.with();
    await changed.setAside([3, 2]);
    expect(await changed.left()).toEqual([0, 1]);
    expect(await changed.folders()).toEqual([0, 1]);
    const kept = (await changed.target.list(`${machine.chain}/.quarantine`)).map(
      ({ name }) => name,
    );
    for (const point of [2, 3]) expect(kept.join()).toContain(idOf(point));
  });
});

describe('a lease', () => {
  const CHANGES: Record<string, (changed: Changed) => Promise<unknown>> = {
    'a deletion of the newest': (changed) => changed.delete([3]),
    'a deletion of two': (changed) => changed.delete([3, 2]),
    'setting the newest aside': (changed) => changed.setAside([3]),
    'a merge of the full': (changed) => changed.merge(),
  };
  const ended = NOW_MS - 1;

  it.each<{ change: string; lease: LeaseOf; waits: boolean }>([
    { change: 'a deletion of the newest', lease: [3, 'restore'], waits: true },
    { change: 'a deletion of the newest', lease: [3, 'verify'], waits: true },
    { change: 'a deletion of the newest', lease: [3, 'restore', NOW_MS], waits: true },
    { change: 'a deletion of the newest', lease: [3, 'restore', ended], waits: false },
    { change: 'a deletion of the newest', lease: [2, 'restore'], waits: false },
    { change: 'a deletion of two', lease: [2, 'restore'], waits: true },
    { change: 'a deletion of two', lease: [1, 'restore'], waits: false },
    { change: 'setting the newest aside', lease: [3, 'restore'], waits: true },
    { change: 'setting the newest aside', lease: [3, 'verify'], waits: false },
    { change: 'a merge of the full', lease: [0, 'restore'], waits: true },
    { change: 'a merge of the full', lease: [1, 'verify'], waits: true },
    { change: 'a merge of the full', lease: [3, 'restore'], waits: true },
    { change: 'a merge of the full', lease: [3, 'restore', ended], waits: false },
  ])('$lease makes $change wait: $waits', async ({ change, lease, waits }) => {
    const changed = await Changed.with(lease);
    const done = CHANGES[change]!(changed);
    if (waits) {
      await expect(done).rejects.toMatchObject({ code: 'POINT_IN_USE' });
      const { revision, ...rest } = before;
      expect(await changed.record()).toMatchObject(rest);
      expect((await changed.record()).revision).toBeGreaterThan(revision);
      expect(await changed.left()).toEqual([0, 1, 2, 3]);
    } else {
      await done;
      expect((await changed.left()).length).toBeLessThan(4);
    }
  });

  it('that cannot be read may mean any point, for a day', async () => {
    const changed = await Changed.withBrokenLease(23 * HOUR_MS);
    await expect(changed.delete([3])).rejects.toMatchObject({ code: 'POINT_IN_USE' });
    expect(await changed.left()).toEqual([0, 1, 2, 3]);
    const later = await Changed.withBrokenLease(25 * HOUR_MS);
    await later.delete([3]);
    expect(await later.left()).toEqual([0, 1, 2]);
  });
});

describe('a change that was announced and stopped', () => {
  const merge = () => ({ type: 'merge', intoId: idOf(0), fromId: idOf(1) }) as const;
  const replacement = (): PendingChange => ({
    ...{ type: 'replace', pointId: idOf(2), disks: before.points[2]!.disks, flags: [] },
    verifiedAt: '2026-11-07T00:00:00.000Z',
  });
  const deletion = () => ({ type: 'delete', ids: [idOf(3)] }) as const;
  const aside = () => ({ type: 'quarantine', ids: [idOf(3)], revision: before.revision }) as const;

  it.each<{
    what: string;
    pending: () => PendingChange;
    gone: number[];
    leases: LeaseOf[];
    left: number[] | 'waits';
  }>([
    { what: 'deletion', pending: deletion, gone: [3], leases: [], left: [0, 1, 2] },
    { what: 'deletion', pending: deletion, gone: [3], leases: [[3, 'verify']], left: 'waits' },
    { what: 'deletion', pending: deletion, gone: [3], leases: [[2, 'restore']], left: [0, 1, 2] },
    { what: 'setting aside', pending: aside, gone: [3], leases: [[3, 'verify']], left: [0, 1, 2] },
    { what: 'setting aside', pending: aside, gone: [3], leases: [[3, 'restore']], left: 'waits' },
    { what: 'merge', pending: merge, gone: [], leases: [[3, 'restore']], left: 'waits' },
    { what: 'merge', pending: merge, gone: [], leases: [[0, 'restore']], left: 'waits' },
    { what: 'replacement', pending: replacement, gone: [], leases: [[3, 'verify']], left: 'waits' },
  ])('$what, with leases $leases, leaves $left', async ({ what, pending, gone, leases, left }) => {
    const changed = await Changed.with(...leases);
    await changed.announce(pending(), gone);
    const { record, notes } = await changed.inspect();
    if (left === 'waits') {
      expect(record.pending).toEqual(pending());
      expect(notes).toEqual([expect.stringContaining('that was announced waits')]);
      const input = { ...changed.input, epoch: record.epoch, ids: [idOf(2)] };
      const inUse = { code: 'POINT_IN_USE' };
      await expect(changed.mover.run('deleteRestorePoints', input)).rejects.toMatchObject(inUse);
      expect(await changed.folders(), what).toEqual([0, 1, 2, 3]);
    } else {
      expect(notes).toEqual([]);
      expect((await changed.record()).pending).toBeNull();
      expect(await changed.left()).toEqual(left);
      expect(await changed.folders()).toEqual(left);
    }
  });

  it('waits for a lease that cannot be read', async () => {
    const changed = await Changed.withBrokenLease(HOUR_MS);
    await changed.announce(deletion(), [3]);
    expect((await changed.inspect()).record.pending).toEqual(deletion());
    expect(await changed.folders()).toEqual([0, 1, 2, 3]);
  });
});

describe('merging the oldest increment', () => {
  it('is done once', async () => {
    const changed = await Changed.with();
    await changed.merge();
    expect(await changed.left()).toEqual([1, 2, 3]);
    expect((await changed.record()).points.map(({ kind }) => kind)).toEqual([
      ...['full', 'increment', 'increment'],
    ]);
    const once = await changed.record();
    await changed.merge();
    expect(await changed.record()).toEqual(once);
    const pair = { fullId: idOf(0), incrementId: idOf(1) };
    const again = await changed.mover.run('prepareMerge', { ...changed.input, ...pair });
    expect(again).toEqual({ state: 'merged' });
  });

  it.each([
    [0, 2],
    [1, 2],
    [3, 0],
  ])('is refused for %d and %d, which are not a full and what builds on it', async (a, b) => {
    const changed = await Changed.with();
    await expect(changed.merge(a, b)).rejects.toMatchObject({ code: 'STAGING_INVALID' });
    expect(await changed.record()).toEqual(before);
  });

  it('is planned with a proof for each increment, and not where nothing is overwritten', async () => {
    const changed = await Changed.with();
    const pair = { fullId: idOf(0), incrementId: idOf(1) };
    const plan = await changed.mover.run('prepareMerge', { ...changed.input, ...pair });
    const { path, digests, sizeBytes } = before.points[1]!.disks[0]!;
    const proof = {
      imagePath: `${machine.chain}/${path}`,
      digestsPath: `${machine.chain}/${digests.path}`,
    };
    const unitCount = Math.ceil(sizeBytes / 65_536);
    expect(plan).toEqual({
      state: 'ready',
      proofs: [{ ...proof, unitCount, windowCount: 1 }],
    });
    expect(await changed.record()).toEqual(before);
    Object.defineProperty(changed.target, 'openUpdate', { value: null });
    expect(await changed.mover.run('prepareMerge', { ...changed.input, ...pair })).toMatchObject({
      state: 'refused',
    });
  });

  it('remembers the source of the point that is gone, and of no other', async () => {
    const changed = await Changed.with();
    await changed.merge();
    const known = (await changed.record()).knownSourcePoints ?? [];
    expect(known.map(({ restorePointId }) => restorePointId)).toEqual([machine.sourceId(0)]);
  });

  // The full, the increment, and what is read of both.
  it.each([
    [SATURDAY, SUNDAY, SATURDAY],
    [SUNDAY, SATURDAY, SATURDAY],
    [SATURDAY, null, null],
    [null, SUNDAY, null],
  ])('verified at %s and %s is verified at %s', async (full, increment, merged) => {
    const changed = await Changed.with();
    const points = before.points.map((point, place) =>
      place > 1 ? point : { ...point, verifiedAt: place === 0 ? full : increment },
    );
    await writeChainRecord(changed.target, machine.chain, { ...before, points });
    await changed.merge();
    expect((await changed.record()).points[0]).toMatchObject({ id: idOf(1), verifiedAt: merged });
  });

  it('shows the full no more from when it is announced', async () => {
    const changed = await Changed.with();
    const { target } = changed;
    const openWrite = target.openWrite.bind(target);
    target.openWrite = (path, mode) =>
      path.endsWith('.qcow2') ? Promise.reject(new Error('stopped')) : openWrite(path, mode);
    await expect(changed.merge()).rejects.toThrow('stopped');
    const { points, pending } = await changed.record();
    expect(pending).toEqual({ type: 'merge', intoId: idOf(0), fromId: idOf(1) });
    expect(points.map(({ state }) => state)).toEqual([
      ...['retired', 'available', 'available', 'available'],
    ]);
  });

  it.each<[string, Partial<TargetDisk>, RegExp | null]>([
    ['as it is', {}, null],
    ['of another name', { disk: 'other' }, /the full has no disk/],
    ['of another format', { format: 'vmdk' }, /take up no increments in place/],
  ])('looks at the disk of the full: %s', async (_name, other, reason) => {
    const changed = await Changed.with();
    const points = before.points.map((point, place) =>
      place === 0 ? { ...point, disks: [{ ...point.disks[0]!, ...other }] } : point,
    );
    await writeChainRecord(changed.target, machine.chain, { ...before, points });
    const pair = { fullId: idOf(0), incrementId: idOf(1) };
    const plan = await changed.mover.run('prepareMerge', { ...changed.input, ...pair });
    if (reason === null) expect(plan.state).toBe('ready');
    else
      expect(plan).toMatchObject({
        state: 'refused',
        reason: expect.stringMatching(reason) as unknown,
      });
  });

  it('is proven, and not when a byte of the increment went bad', async () => {
    const changed = await Changed.with();
    const pair = { fullId: idOf(0), incrementId: idOf(1) };
    const plan = await changed.mover.run('prepareMerge', { ...changed.input, ...pair });
    if (plan.state !== 'ready') throw new Error(plan.state);
    const [proof] = plan.proofs;
    const prove = () =>
      changed.mover.runWindows('proveBlocks', { ...proof!, targetRepositoryId: 'offsite' }, [
        { first: 0, count: proof!.windowCount },
      ]);
    await prove();
    await changed.spoil(1, 3 * 65_536 - 1);
    await expect(prove()).rejects.toMatchObject({
      code: 'BLOCK_DIGEST_MISMATCH',
      details: { path: proof!.imagePath, offset: 2 * 65_536 },
    });
  });
});

describe('flagging a full', () => {
  it('adds to the flags of this point alone, once', async () => {
    const changed = await Changed.with();
    await changed.flag(0, ['weekly']);
    await changed.flag(0, ['weekly', 'monthly']);
    const record = await changed.record();
    expect(record.points.map(({ flags }) => flags)).toEqual([['weekly', 'monthly'], [], [], []]);
    await changed.flag(0, ['monthly']);
    expect((await changed.record()).revision).toBe(record.revision);
  });
});
