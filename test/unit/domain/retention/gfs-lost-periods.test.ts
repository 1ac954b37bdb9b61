import { describe, expect, it } from 'vitest';
import type { GfsPolicy } from '../../../../src/domain/jobs/copy-job.js';
import { gfsFullNeeded, gfsFulls } from '../../../../src/domain/retention/gfs.js';
import type { GfsFlag, TargetRestorePoint } from '../../../../src/domain/targets/target-point.js';
import { daily, targetChain } from './chain-builder.js';

const WEEKLY: GfsPolicy = {
  weekly: { keep: 4, day: 'sunday' },
  monthly: null,
  yearly: null,
  fullMethod: 'synthetic',
};
const ALL: GfsPolicy = {
  ...WEEKLY,
  monthly: { keep: 12, week: 'first' },
  yearly: { keep: 3, month: 'january' },
};

function flagged(day: string, ...flags: GfsFlag[]): TargetRestorePoint[] {
  return targetChain([day], { flags });
}

describe('GFS periods whose full is lost', () => {
  const asCorrupt = (points: TargetRestorePoint[]) =>
    points.map((point) => ({ ...point, health: 'corrupt' as const }));
  const input = { timeZone: 'UTC', nowMs: Date.parse('2027-12-31T00:00:00Z') };
  const MODES = ['periodic', 'immediate'] as const;

  it.each(MODES)(
    'get their flag on the first good point that comes after a corrupt full, in a job that is %s',
    (mode) => {
      const points = [
        ...asCorrupt(flagged('2026-11-22', 'weekly')),
        ...targetChain(['2026-11-23', '2026-11-24']),
      ];
      expect(gfsFullNeeded({ ...input, gfs: WEEKLY, mode, points })).toMatchObject([
        { restorePointId: '2026-11-23T22:00:00Z', flags: ['weekly'], synthesize: false },
      ]);
    },
  );

  it('get their flag also when fulls of later periods are there', () => {
    const points = [
      ...asCorrupt(flagged('2026-11-01', 'weekly', 'monthly')),
      ...['2026-11-08', '2026-11-15', '2026-11-22', '2026-11-29'].flatMap((day) =>
        flagged(day, 'weekly'),
      ),
      ...flagged('2026-12-06', 'weekly', 'monthly'),
    ];
    expect(gfsFullNeeded({ ...input, gfs: ALL, mode: 'periodic', points })).toMatchObject([
      { restorePointId: '2026-11-08T22:00:00Z', flags: ['monthly'], synthesize: false },
    ]);
  });

  it('are filled by a good full beside the corrupt one', () => {
    const points = [
      ...asCorrupt(targetChain(['2026-11-22T02:00:00Z'], { flags: ['weekly'] })),
      ...flagged('2026-11-22', 'weekly'),
      ...targetChain(['2026-11-24']),
    ];
    expect(gfsFullNeeded({ ...input, gfs: WEEKLY, mode: 'periodic', points })).toEqual([]);
  });

  it('reach no other point when the tier of a corrupt full is off', () => {
    const points = [
      ...asCorrupt(flagged('2026-11-01', 'monthly')),
      ...targetChain(daily('2026-11-07', 8)),
      ...flagged('2026-11-15', 'weekly'),
    ];
    expect(gfsFullNeeded({ ...input, gfs: WEEKLY, mode: 'immediate', points })).toEqual([]);
  });

  it.each(MODES)(
    'get their flag on the newest point when no other may become a full, in a job that is %s',
    (mode) => {
      const [first, ...others] = targetChain(daily('2026-11-15', 10));
      const points = [{ ...first!, flags: ['weekly' as const] }, ...others];
      const mayBecomeFull = ({ id }: { readonly id: string }) => id === others.at(-1)!.id;
      const asked = { ...input, gfs: WEEKLY, mode, points };
      expect(gfsFulls({ ...asked, mayBecomeFull })).toMatchObject({
        fulls: [{ restorePointId: '2026-11-24T22:00:00Z', flags: ['weekly'], synthesize: true }],
        left: [],
      });
      expect(gfsFulls({ ...asked, mayBecomeFull: () => false })).toEqual({
        fulls: [],
        left: [{ flag: 'weekly', periodKey: '2026-11-22' }],
      });
    },
  );

  it.each([
    ['a week later, on another day than the chosen one', '2026-12-01', []],
    ['a week later, on the chosen day', '2026-11-29', ['2026-11-29T22:00:00Z']],
  ])('are lost for good when a point may become a full %s', (_, day, made) => {
    const [first, ...others] = targetChain(['2026-11-15', '2026-11-22', day]);
    const points = [{ ...first!, flags: ['weekly' as const] }, ...others];
    const mayBecomeFull = ({ id }: { readonly id: string }) => id === others.at(-1)!.id;
    const { fulls, left } = gfsFulls({
      ...{ ...input, gfs: WEEKLY, mode: 'immediate', points },
      mayBecomeFull,
    });
    expect(fulls.map(({ restorePointId }) => restorePointId)).toEqual(made);
    expect(left).toEqual([{ flag: 'weekly', periodKey: '2026-11-22' }]);
  });

  it('are not missed by a policy that has given no flag yet', () => {
    const points = targetChain(daily('2026-11-15', 8));
    const asked = { ...input, gfs: WEEKLY, mode: 'periodic' as const, points };
    expect(gfsFulls({ ...asked, mayBecomeFull: () => false })).toEqual({ fulls: [], left: [] });
  });
});
