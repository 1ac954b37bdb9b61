import { beforeAll, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import type { ChainRecord, PendingChange } from '../../../src/chain/chain-record.js';
import { readChainRecord, writeChainRecord } from '../../../src/chain/chain-store.js';
import { holdLease, LEASE_MS, type Lease } from '../../../src/chain/leases.js';
import { LivingChain, newest } from '../../support/living/living-chain.js';
import { wrongPoints } from '../../support/living/read-chain.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

const DAY_MS = 86_400_000;
const FIRST_AT_MS = Date.parse('2026-11-02T22:00:00Z');
const NOW_MS = FIRST_AT_MS + 5 * DAY_MS;
/** When a simulated disk says that its files were written, about. */
const WRITTEN_AT_MS = 1_700_000_000_000;
const HOUR_MS = 3_600_000;

/** A full and three increments of one disk, copied day by day. Numbers in the tables below are places in this chain. */
let living: LivingChain;
let copied: SimulatedRepository;
let chain: string;
let before: ChainRecord;

beforeAll(async () => {
  copied = new SimulatedRepository('offsite');
  const source = new SimulatedRepository('primary');
  living = await LivingChain.begin({ source, target: copied }, FIRST_AT_MS, newest(9));
  await living.session();
  for (let day = 1; day < 4; day++) {
    living.source.work(day);
    await living.source.backUp(FIRST_AT_MS + day * DAY_MS, 'incremental');
    await living.session();
  }
  chain = chainFolder('nightly', living.chain.workloadId);
  before = (await readChainRecord(copied, chain))!;
});

/** The chain in a storage of its own, and what is done to it. */
class Changed {
  readonly target = copied.clone();
  readonly mover = new InProcessMover(this.target);
  nowMs = NOW_MS;

  static async with(...leases: LeaseOf[]): Promise<Changed> {
    const changed = new Changed();
    for (const [index, [point, purpose, expiresAtMs = NOW_MS + LEASE_MS]] of leases.entries()) {
      const lease = { restorePointId: idOf(point), purpose, expiresAtMs };
      await holdLease(changed.target, chain, `lease-${index}`, lease);
    }
    return changed;
  }

  /** One lease that cannot be read. */
  static async withBrokenLease(ageMs: number): Promise<Changed> {
    const changed = await Changed.with([0, 'verify']);
    await changed.target.put(`${chain}/.leases/lease-0.json`, Buffer.from('{'));
    changed.nowMs = WRITTEN_AT_MS + ageMs;
    return changed;
  }

  get input() {
    const { epoch } = before;
    return { targetRepositoryId: 'offsite', chain, epoch, nowMs: this.nowMs };
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
    await writeChainRecord(this.target, chain, { ...before, points, pending });
  }

  /** Takes the chain over, as a session does. */
  inspect() {
    const { id, name, type } = before.workload;
    return this.mover.run('inspectTargetChain', {
      ...{ targetRepositoryId: 'offsite', chain, jobId: 'nightly', owner: 'session' },
      ...{ workload: { id, name, type }, nowMs: this.nowMs },
    });
  }

  async record(): Promise<ChainRecord> {
    return (await readChainRecord(this.target, chain))!;
  }

  /** Places of the points that are listed, all of which read bit for bit. */
  async left(): Promise<number[]> {
    const under = { repository: this.target, jobId: 'nightly', workloadId: before.workload.id };
    expect(await wrongPoints(under, living.truth)).toEqual([]);
    const { points } = await this.record();
    return points.map(({ id }) => before.points.findIndex((point) => point.id === id));
  }

  async folders(): Promise<number[]> {
    const names = (await this.target.list(chain)).map(({ name }) => name);
    return before.points.flatMap(({ id }, index) => (names.includes(id) ? [index] : []));
  }
}

type LeaseOf = [point: number, purpose: Lease['purpose'], expiresAtMs?: number];

function idOf(point: number): string {
  return before.points[point]?.id ?? 'nobody';
}

describe('deleting restore points', () => {
  it.each([
    { points: [3], left: [0, 1, 2] },
    { points: [3, 2], left: [0, 1] },
    { points: [3, 2, 1, 0], left: [] },
    { points: [3, 99], left: [0, 1, 2] },
  ])('of places $points leaves $left', async ({ points, left }) => {
    const changed = new Changed();
    const listed = points.filter((point) => point < 4).map(idOf);
    expect(await changed.delete(points)).toEqual({ deleted: listed });
    expect(await changed.left()).toEqual(left);
    expect(await changed.folders()).toEqual(left);
    expect((await changed.record()).pending).toBeNull();
  });

  it('of nothing that is listed writes nothing', async () => {
    const changed = new Changed();
    expect(await changed.delete([99])).toEqual({ deleted: [] });
    expect(await changed.record()).toEqual(before);
    await changed.setAside([99]);
    expect(await changed.record()).toEqual(before);
  });

  it.each([[[0]], [[1]], [[2, 1]]])(
    'that others need, %j, is refused before anything is written',
    async (points) => {
      const changed = new Changed();
      const broken = { code: 'RESTORE_POINT_BROKEN' };
      await expect(changed.delete(points)).rejects.toMatchObject(broken);
      await expect(changed.setAside(points)).rejects.toMatchObject(broken);
      expect(await changed.record()).toEqual(before);
      expect(await changed.left()).toEqual([0, 1, 2, 3]);
    },
  );

  it('is for the session that owns the chain', async () => {
    const changed = new Changed();
    const input = { ...changed.input, epoch: before.epoch - 1, ids: [idOf(3)] };
    const stale = { code: 'STALE_EPOCH' };
    await expect(changed.mover.run('deleteRestorePoints', input)).rejects.toMatchObject(stale);
    expect(await changed.record()).toEqual(before);
  });

  it('keeps what was set aside', async () => {
    const changed = new Changed();
    await changed.setAside([3, 2]);
    expect(await changed.left()).toEqual([0, 1]);
    expect(await changed.folders()).toEqual([0, 1]);
    const kept = (await changed.target.list(`${chain}/.quarantine`)).map(({ name }) => name);
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
    // One on a point above reads the same meanwhile and after.
    { what: 'merge', pending: merge, gone: [], leases: [[3, 'restore']], left: [1, 2, 3] },
    { what: 'merge', pending: merge, gone: [], leases: [[0, 'restore']], left: 'waits' },
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
    const changed = new Changed();
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
    const changed = new Changed();
    await expect(changed.merge(a, b)).rejects.toMatchObject({ code: 'STAGING_INVALID' });
    expect(await changed.record()).toEqual(before);
  });

  it('is planned with a proof for each increment, and not where nothing is overwritten', async () => {
    const changed = new Changed();
    const pair = { fullId: idOf(0), incrementId: idOf(1) };
    const plan = await changed.mover.run('prepareMerge', { ...changed.input, ...pair });
    const { path, digests, sizeBytes } = before.points[1]!.disks[0]!;
    const proof = { imagePath: `${chain}/${path}`, digestsPath: `${chain}/${digests.path}` };
    const unitCount = Math.ceil(sizeBytes / 65_536);
    expect(plan).toEqual({
      state: 'ready',
      proofs: [{ ...proof, unitCount, windowCount: 1 }],
    });
    expect(await changed.record()).toEqual(before);
    const { capabilities } = changed.target;
    Object.defineProperty(changed.target, 'capabilities', {
      value: { ...capabilities, overwriteInPlace: false },
    });
    expect(await changed.mover.run('prepareMerge', { ...changed.input, ...pair })).toMatchObject({
      state: 'refused',
    });
  });

  it('is proven, and not when a byte of the increment went bad', async () => {
    const changed = new Changed();
    const pair = { fullId: idOf(0), incrementId: idOf(1) };
    const plan = await changed.mover.run('prepareMerge', { ...changed.input, ...pair });
    if (plan.state !== 'ready') throw new Error(plan.state);
    const [proof] = plan.proofs;
    const prove = () =>
      changed.mover.runWindows('proveBlocks', { ...proof!, targetRepositoryId: 'offsite' }, [
        { first: 0, count: proof!.windowCount },
      ]);
    await prove();
    const file = await changed.target.openWrite(proof!.imagePath, 'existing');
    await file.write(Buffer.from([0xff]), 3 * 65_536 - 1);
    await file.close();
    await expect(prove()).rejects.toMatchObject({
      code: 'BLOCK_DIGEST_MISMATCH',
      details: { path: proof!.imagePath, offset: 2 * 65_536 },
    });
  });
});

describe('flagging a full', () => {
  it('adds to the flags of this point alone, once', async () => {
    const changed = new Changed();
    await changed.flag(0, ['weekly']);
    await changed.flag(0, ['weekly', 'monthly']);
    const record = await changed.record();
    expect(record.points.map(({ flags }) => flags)).toEqual([['weekly', 'monthly'], [], [], []]);
    await changed.flag(0, ['monthly']);
    expect((await changed.record()).revision).toBe(record.revision);
  });
});
