import { describe, expect, it } from 'vitest';
import type { GfsPolicy } from '../../../../src/domain/jobs/copy-job.js';
import type { RetentionInput } from '../../../../src/domain/retention/retention.js';
import type { GfsFlag, TargetRestorePoint } from '../../../../src/domain/targets/target-point.js';
import { daily, targetChain } from './chain-builder.js';
import { brief, days, id, newest, plan, reasonOf, WEEKLY } from './retention-plans.js';

describe('retention with a clock that runs ahead by a year', () => {
  const DAY_MS = 86_400_000;
  const later = (points: TargetRestorePoint[], count: number): Pick<RetentionInput, 'nowMs'> => ({
    nowMs: Date.parse(points.at(-1)?.createdAt ?? '') + count * DAY_MS,
  });
  /** Fulls of their own, all with this flag, and behind them a chain of eight days. */
  const flagged = (flag: GfsFlag, ...fulls: string[]): TargetRestorePoint[] => [
    ...fulls.flatMap((date) => targetChain([date], { flags: [flag] })),
    ...targetChain(daily('2026-11-22', 8)),
  ];
  const NONE: GfsPolicy = { ...WEEKLY, weekly: null };
  const eight = targetChain(daily('2026-11-01', 8));

  // Counted from the 9th, a day after the newest point, 7 days reach back to the 2nd.
  it.each<[string, TargetRestorePoint[], Partial<RetentionInput>, string[]]>([
    ['7 days, points of 8: only what is to go tomorrow', eight, days(7), ['merge 01<02']],
    ['8 days, points of 8', eight, days(8), []],
    ['7 points of 8: a number knows no clock', eight, newest(7), ['merge 01<02']],
    [
      'weekly fulls whose 4 weeks are not over on the 30th',
      flagged('weekly', '2026-11-08', '2026-11-15'),
      { ...newest(1), gfs: WEEKLY },
      [],
    ],
    [
      'a weekly full whose 4 weeks are over on the 29th',
      flagged('weekly', '2026-11-01', '2026-11-08'),
      { ...newest(1), gfs: WEEKLY },
      ['delete 01'],
    ],
    [
      'monthly fulls whose 3 months are not over on 30 November',
      flagged('monthly', '2026-09-06', '2026-10-04', '2026-11-01'),
      { ...newest(1), gfs: { ...NONE, monthly: { keep: 3, week: 'first' } } },
      [],
    ],
    [
      'a monthly full whose 3 months were over on 3 November',
      flagged('monthly', '2026-08-02', '2026-09-06'),
      { ...newest(1), gfs: { ...NONE, monthly: { keep: 3, week: 'first' } } },
      ['delete 02'],
    ],
    [
      'a yearly full whose year is not over on 30 November',
      flagged('yearly', '2026-01-04'),
      { ...newest(1), gfs: { ...NONE, yearly: { keep: 1, month: 'january' } } },
      [],
    ],
    [
      'points outdated by their number, but immutable for 10 days',
      targetChain(daily('2026-11-01', 20)),
      { ...newest(5), immutableForDays: 10 },
      [],
    ],
  ])('%s', (_, points, policy, actions) => {
    const result = plan(points, { ...policy, ...later(points, 365) });
    expect(brief(result.actions)).toEqual(actions);
  });

  it('says so beside each reason that is an age, without a warning, from the third day after the newest point on', () => {
    const note = 'ages are counted from the newest restore point of 2026-11-08 22:00 UTC';
    const result = plan(eight, { ...days(2), ...later(eight, 365) });
    expect(brief(result.actions).length).toBe(5);
    expect(result.keep).toEqual([
      { id: id('2026-11-06'), reasons: ['one of the 3 newest, which always stay'] },
      { id: id('2026-11-07'), reasons: ['not older than 2 days', note] },
      { id: id('2026-11-08'), reasons: ['not older than 2 days', note] },
    ]);
    expect(plan(eight, { ...days(8), ...later(eight, 365) }).warnings).toEqual([]);
    expect(reasonOf(plan(eight, { ...days(8), ...later(eight, 3) }), '2026-11-08')).toEqual([
      'not older than 8 days',
    ]);
  });

  it('lets an immutable point go when its real days are over, however late its old backup was copied', () => {
    const copied = eight.map((point) => ({ ...point, copiedAt: '2027-06-01T00:00:00Z' }));
    const immutable = { ...newest(4), immutableForDays: 2 };
    const at = (now: string): string[] =>
      brief(plan(copied, { ...immutable, nowMs: Date.parse(now) }).actions);
    expect(at('2027-06-02T23:59:59Z')).toEqual([]);
    expect(at('2027-06-03T00:00:00Z')).toEqual(['synthetic 05', 'delete 04,03,02,01']);
  });
});
