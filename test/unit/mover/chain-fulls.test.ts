import { beforeAll, describe, expect, it } from 'vitest';
import { writeChainRecord } from '../../../src/chain/chain-store.js';
import type { ChainRecord } from '../../../src/chain/chain-record.js';
import type { FormatId } from '../../../src/domain/sources/source-workload.js';
import type { TargetDisk, TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import { compactDue } from '../../../src/mover/change/plan-compact.js';
import { replacementStaging } from '../../../src/mover/change/replace-files.js';
import { CopiedMachine, NOW_MS, type MachineCopy } from '../../support/living/copied-machine.js';

let machine: CopiedMachine;
beforeAll(async () => {
  machine = await CopiedMachine.make();
});

describe('a full that is to be made compact on Fridays', () => {
  const compact = { every: 'week', day: 'friday', time: '12:00', timeZone: 'UTC' } as const;
  const noLeases = { named: new Set<string>(), doubtful: [] };

  // The points were copied from Monday to Thursday; now it is Saturday, 7 November 2026.
  it.each([
    { made: '2026-11-06T11:59:59.000Z', isDue: true },
    { made: '2026-11-06T13:00:00.000Z', isDue: false },
    // By a clock that ran ahead: for ten years it would not be due.
    { made: '2036-11-02T23:00:00.000Z', isDue: true },
  ])('is due when it was copied or made so at $made: $isDue', ({ made, isDue }) => {
    const [full, ...others] = machine.before.points;
    const copiedAt = made > full!.copiedAt && made < '2027' ? full!.copiedAt : made;
    const record = {
      ...machine.before,
      ...{ compactedAt: made, points: [{ ...full!, copiedAt }, ...others] },
    };
    const rule = { compact, immutableForDays: 0, nowMs: NOW_MS };
    expect(compactDue(record, noLeases, rule)).toBe(isDue ? full!.id : null);
  });

  /** Made compact before Friday, so that it is due but for what is said. */
  const dueRecord = (changes: Partial<TargetRestorePoint> = {}): ChainRecord => {
    const [full, ...others] = machine.before.points;
    const points = [{ ...full!, ...changes }, ...others];
    return { ...machine.before, compactedAt: '2026-11-05T00:00:00.000Z', points };
  };
  const asks = (
    record: ChainRecord,
    {
      leased = [],
      immutableForDays = 0,
      schedule = compact,
    }: { leased?: number[]; immutableForDays?: number; schedule?: typeof compact | null } = {},
  ) => {
    const named = new Set(leased.map((place) => machine.idOf(place)));
    const rule = { compact: schedule, immutableForDays, nowMs: NOW_MS };
    return compactDue(record, { named, doubtful: [] }, rule);
  };
  const inFormat = (format: FormatId): TargetDisk[] =>
    machine.before.points[0]!.disks.map((disk) => ({ ...disk, format }));

  it('is the full of the chain that grows', () => {
    const [full] = machine.before.points;
    expect(asks(dueRecord())).toBe(full!.id);
    const next = { ...full!, id: 'next', chainId: 'next', createdAt: '2026-11-06T00:00:00.000Z' };
    const record = dueRecord();
    expect(asks({ ...record, points: [...record.points, next] })).toBe('next');
    // It goes into the increment next to it, so nobody looks for it.
    expect(asks(dueRecord({ state: 'retired' }))).toBeNull();
  });

  it.each<[string, () => string | null]>([
    ['no schedule', () => asks(dueRecord(), { schedule: null })],
    ['no points', () => asks({ ...dueRecord(), points: [] })],
    ['a full that is damaged', () => asks(dueRecord({ health: 'corrupt' }))],
    ['one that is immutable', () => asks(dueRecord(), { immutableForDays: 30 })],
    ['one that is read', () => asks(dueRecord(), { leased: [0] })],
    ['one that is read by who reads what builds on it', () => asks(dueRecord(), { leased: [3] })],
    ['files into which nothing is merged', () => asks(dueRecord({ disks: inFormat('raw') }))],
    [
      'a change that waits',
      () => asks({ ...dueRecord(), pending: { type: 'delete', ids: ['gone'] } }),
    ],
  ])('is none where there is %s', (_, asked) => {
    expect(asked()).toBeNull();
  });

  it('is one of which some files may have something unused in them', () => {
    const disks = [...inFormat('raw'), ...inFormat('qcow2')];
    expect(asks(dueRecord({ disks }))).toBe(machine.idOf(0));
    expect(asks(dueRecord(), { immutableForDays: 1 })).toBe(machine.idOf(0));
  });
});

describe('a synthetic full', () => {
  async function makeFull(copy: MachineCopy, point: number, compactedAt?: string): Promise<void> {
    const input = { ...copy.input, pointId: machine.idOf(point) };
    const { reference, disks } = await copy.mover.run('planSyntheticFull', input);
    const staging = replacementStaging(machine.chain, machine.idOf(point));
    const work = { targetRepositoryId: 'offsite', staging, reference };
    for (const { disk, windowCount: count } of disks)
      await copy.mover.runWindows('copyBlocks', { ...work, disk }, [{ first: 0, count }]);
    await copy.mover.run('composeTargetFile', work);
    const compact = compactedAt === undefined ? {} : { compactedAt };
    const replace = { ...input, reference, flags: ['weekly'], ...compact } as const;
    await copy.mover.run('replaceWithFull', replace);
    const once = await copy.record();
    await copy.mover.run('replaceWithFull', replace);
    expect(await copy.record()).toEqual(once);
  }

  it.each([
    { point: 2, compactedAt: undefined },
    { point: 0, compactedAt: '2026-11-07T00:00:00.000Z' },
  ])('takes the place of point $point, once', async ({ point, compactedAt }) => {
    const copy = await machine.copy();
    await makeFull(copy, point, compactedAt);
    expect(await machine.wrongPoints(copy.target)).toEqual([]);
    expect(await copy.folders()).toEqual([0, 1, 2, 3]);
    const record = await copy.record();
    expect(record.compactedAt).toBe(compactedAt ?? machine.before.compactedAt);
    expect(record.points.map(({ kind, flags }) => [kind, ...flags])).toEqual(
      [0, 1, 2, 3].map((place) => [
        ...[place === 0 || place === point ? 'full' : 'increment'],
        ...(place === point ? ['weekly'] : []),
      ]),
    );
    expect(record.points[point]!.verifiedAt).toBe(new Date(NOW_MS).toISOString());
  });

  it('has the marks of the files that it replaces', async () => {
    const copy = await machine.copy();
    const points = machine.before.points.map((point) => ({
      ...point,
      disks: point.disks.map((file) => ({ ...file, lacksKeys: true as const })),
    }));
    await writeChainRecord(copy.target, machine.chain, { ...machine.before, points });
    await makeFull(copy, 2);
    const { disks } = (await copy.record()).points[2]!;
    expect(disks.map(({ kind, lacksKeys }) => [kind, lacksKeys])).toEqual([['full', true]]);
  });

  it('is planned before it is put in place', async () => {
    const copy = await machine.copy();
    const reference = { token: '00', epoch: machine.before.epoch };
    const order = { ...copy.input, pointId: machine.idOf(2), reference, flags: [] };
    await expect(copy.mover.run('replaceWithFull', order)).rejects.toMatchObject({
      code: 'STAGING_INVALID',
    });
  });
});
