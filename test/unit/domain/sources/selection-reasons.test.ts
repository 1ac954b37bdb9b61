import { describe, expect, it } from 'vitest';
import type { GfsPolicy } from '../../../../src/domain/jobs/copy-job.js';
import { detectRecreatedChain } from '../../../../src/domain/sources/recreated-chain.js';
import {
  selectRestorePoints,
  type RestorePointSelection,
  type SelectionInput,
} from '../../../../src/domain/sources/select-restore-points.js';
import type {
  IdentifiedPoint,
  SourceIdentity,
} from '../../../../src/domain/sources/source-identity.js';
import type { TargetRestorePoint } from '../../../../src/domain/targets/target-point.js';
import { sourcePoint, targetChain } from '../retention/chain-builder.js';

const idOf = (day: string): string => `${day}T22:00:00Z`;
const is = (identity: SourceIdentity): Partial<IdentifiedPoint> => ({ identity });
const copied = (day: string) => is({ is: 'copied', copiedId: idOf(day) });
const grown = (day: string) =>
  is({ is: 'grown', copiedId: idOf(day), reason: 'it has a disk more' });
/** Somebody writes to it. */
const touched = (copiedId: string | null): Partial<IdentifiedPoint> => ({
  state: 'inProgress',
  reason: 'written to just now',
  identity: { is: 'unreadable', copiedId },
});
const at = (day: number, change: Partial<IdentifiedPoint> = {}) =>
  sourcePoint(`2026-11-${day}`, day === 20 ? null : `2026-11-${day - 1}`, change);

function select(
  current: IdentifiedPoint[],
  chain: TargetRestorePoint[],
  change: Partial<SelectionInput> = {},
): RestorePointSelection {
  return selectRestorePoints({
    job: { mode: 'periodic', restorePoints: 'latest', gfs: null },
    timeZone: 'UTC',
    current,
    copied: chain,
    detection: detectRecreatedChain({ copied: chain, current }),
    targetRepositoryId: 'offsite',
    sourceRepositoryId: 'primary',
    activeFull: false,
    fullFormats: new Set(),
    ...change,
  });
}

const reasons = ({ points }: RestorePointSelection) =>
  points.map(({ restorePointId, reason }) => [restorePointId, reason]);
const kinds = ({ points }: RestorePointSelection) =>
  points.map(({ restorePointId, kind, changedBy }) => [restorePointId, kind, changedBy].join(' '));
const ALL = { job: { mode: 'periodic', restorePoints: 'all', gfs: null } } as const;

describe('the reason of a point that is copied', () => {
  it('is all that is said when it is the newest one', () => {
    expect(select([at(20)], [])).toEqual({
      points: [
        {
          restorePointId: '2026-11-20',
          kind: 'full',
          changedBy: 'all',
          lineageFrom: null,
          reason: 'first copy of this workload',
        },
      ],
      skipped: [],
      reason: null,
      unusable: null,
      awaited: [],
    });
  });

  it('says only of the last one that the newest was passed over', () => {
    const broken = at(22, {
      state: 'broken',
      reason: 'its file is gone',
      ...is({ is: 'unreadable', copiedId: null }),
    });
    expect(reasons(select([at(20), at(21), broken], [], ALL))).toEqual([
      ['2026-11-20', 'first copy of this workload'],
      [
        '2026-11-21',
        'increments lead from 2026-11-20 to this one on every disk; the newest restore point, 2026-11-22 22:00 UTC, is broken (its file is gone)',
      ],
    ]);
  });

  it.each([
    [
      'the base is not in the source any more',
      [at(22)],
      'the last copied restore point is not in the source any more: blocks are compared by digest',
    ],
    [
      'the line to the base is broken',
      [at(20, copied('2026-11-20')), at(22)],
      'no unbroken line of increments leads from 2026-11-20 to this one: blocks are compared by digest',
    ],
    [
      'it has no disks by which a line could be followed',
      [at(20, copied('2026-11-20')), at(21, { disks: [] })],
      'no unbroken line of increments leads from 2026-11-20 to this one: blocks are compared by digest',
    ],
  ])('tells why blocks are compared when %s', (_, current, reason) => {
    const chain = targetChain(['2026-11-20']);
    const detection = {
      ...detectRecreatedChain({ copied: chain, current: [at(20, copied('2026-11-20'))] }),
      ...(current.length === 1 ? { lineageUsable: false } : {}),
    };
    expect(select(current, chain, { detection }).points).toEqual([
      {
        restorePointId: current.at(-1)!.id,
        kind: 'increment',
        changedBy: 'digest',
        lineageFrom: null,
        reason,
      },
    ]);
  });
});

describe('a point that has grown since it was copied', () => {
  it('is copied again as a full when the newest copy goes, and says why', () => {
    const current = [at(20, copied('2026-11-20')), at(21, grown('2026-11-21'))];
    const selection = select(current, targetChain(['2026-11-20', '2026-11-21']));
    expect(kinds(selection)).toEqual(['2026-11-21 full all']);
    expect(reasons(selection)[0]![1]).toBe(
      'it is copied again, because it has a disk more; full of a new chain, for the newest copy is to go',
    );
  });

  it('is copied again as an increment when the newest copy stays', () => {
    const current = [
      at(20, copied('2026-11-20')),
      at(21, grown('2026-11-21')),
      at(22, copied('2026-11-22')),
    ];
    const chain = targetChain(['2026-11-20', '2026-11-21', '2026-11-22']);
    expect(select(current, chain).points.map(({ kind }) => kind)).toEqual(['increment']);
  });

  it('does not stand for the latest one: that is copied beside it', () => {
    const current = [at(20, copied('2026-11-20')), at(21), at(22, grown('2026-11-22'))];
    const chain = targetChain(['2026-11-20', '2026-11-22']);
    expect(select(current, chain).points.map(({ restorePointId }) => restorePointId)).toEqual([
      '2026-11-21',
      '2026-11-22',
    ]);
  });
});

describe('a point of a chain of copies that was taken too early, with no whole one in its place', () => {
  const short = { state: 'incomplete', reason: 'too early', short: 'it has a disk more' } as const;
  const alone = { ...short, hasNoWhole: true } as const;

  it('is copied on beside the newest whole one, and says what it is', () => {
    const selection = select([at(20), at(21), at(22, alone)], []);
    expect(kinds(selection)).toEqual(['2026-11-21 full all', '2026-11-22 increment lineage']);
    expect(reasons(selection)[1]![1]).toBe(
      'increments lead from 2026-11-21 to this one on every disk; it was taken too early: it has a disk more',
    );
  });

  it('is built on by none but those that are short, too', () => {
    const current = [at(20, alone), at(21, alone), at(22)];
    expect(kinds(select(current, [], ALL))).toEqual([
      '2026-11-20 full all',
      '2026-11-21 increment lineage',
      '2026-11-22 full all',
    ]);
  });

  it('is passed over with the other older ones where the newest alone is wanted', () => {
    const { points, skipped } = select([at(20, alone), at(21)], []);
    expect(points.map(({ restorePointId }) => restorePointId)).toEqual(['2026-11-21']);
    expect(skipped).toEqual([
      { restorePointId: '2026-11-20', reason: 'only the newest one is copied' },
    ]);
  });

  it('is not copied as long as a whole one stands in its place', () => {
    const { points, skipped } = select([at(20, short), at(21)], [], ALL);
    expect(points.map(({ restorePointId }) => restorePointId)).toEqual(['2026-11-21']);
    expect(skipped).toEqual([{ restorePointId: '2026-11-20', reason: 'incomplete (too early)' }]);
  });
});

describe('points that are awaited', () => {
  const awaited = (day: string) => ({
    restorePointId: day,
    reason: 'written to just now',
    lookAgainAtMs: 1,
    seen: null,
  });
  const chain = targetChain(['2026-11-20', '2026-11-21']);
  const look = (...current: IdentifiedPoint[]) =>
    select(current, chain, { awaited: current.map(({ id }) => awaited(id)) }).awaited.map(
      ({ restorePointId }) => restorePointId,
    );

  it('are new ones and copied ones that are written to, and no others', () => {
    expect(
      look(
        at(20, copied('2026-11-20')),
        at(21, touched(idOf('2026-11-21'))),
        at(22, touched(null)),
      ),
    ).toEqual(['2026-11-21', '2026-11-22']);
    expect(look(at(20, copied('2026-11-20')), at(21, copied('2026-11-21')))).toEqual([]);
  });
});

describe('an active full of a GFS day', () => {
  const gfs: GfsPolicy = {
    weekly: { keep: 4, day: 'friday' },
    monthly: null,
    yearly: null,
    fullMethod: 'active',
  };
  const job = { mode: 'periodic', restorePoints: 'all', gfs } as const;

  it('is not made of the next day when the copied point of the day itself has its flag to come', () => {
    // 20 November 2026 is a Friday, copied, and not flagged yet.
    const current = [at(20, copied('2026-11-20')), at(21)];
    expect(kinds(select(current, targetChain(['2026-11-20']), { job }))).toEqual([
      '2026-11-21 increment lineage',
    ]);
  });

  it('is none with the synthetic method, which makes it of what the target holds', () => {
    const current = [at(20, copied('2026-11-20')), at(27, { disks: at(21).disks })];
    const synthetic = { ...job, gfs: { ...gfs, fullMethod: 'synthetic' } } as const;
    expect(select(current, targetChain(['2026-11-20']), { job: synthetic }).points[0]!.kind).toBe(
      'increment',
    );
  });
});
