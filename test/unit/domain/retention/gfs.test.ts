import fc from '../../../support/properties.js';
import { describe, expect, it } from 'vitest';
import { dateOfDayNumber, isoDate } from '../../../../src/domain/schedules/calendar-date.js';
import type { GfsPolicy } from '../../../../src/domain/jobs/copy-job.js';
import { gfsFlagEndDay, gfsPeriod } from '../../../../src/domain/retention/gfs-calendar.js';
import {
  gfsDue,
  gfsFullNeeded,
  gfsKeepReasons,
  type GfsDueInput,
} from '../../../../src/domain/retention/gfs.js';
import type { GfsFlag, TargetRestorePoint } from '../../../../src/domain/targets/target-point.js';
import { daily, targetChain } from './chain-builder.js';
import type { WeekOfMonth } from '../../../../src/domain/schedules/day-names.js';

const NONE: GfsPolicy = { weekly: null, monthly: null, yearly: null, fullMethod: 'synthetic' };
const weekly = { keep: 4, day: 'sunday' } as const;
const monthly = { keep: 12, week: 'first' } as const;
const yearly = { keep: 3, month: 'january' } as const;
const WEEKLY = { ...NONE, weekly };
const ALL: GfsPolicy = { ...NONE, weekly, monthly, yearly };

const dayOf = (date: string): number => Date.parse(`${date}T00:00:00Z`) / 86_400_000;
const isoOf = (day: number | undefined): string | null =>
  day === undefined ? null : isoDate(dateOfDayNumber(day));

function flagged(day: string, ...flags: GfsFlag[]): TargetRestorePoint[] {
  return targetChain([day], { flags });
}

function due(day: string, gfs: GfsPolicy, change: Partial<GfsDueInput> = {}): string[] {
  const createdAtMs = Date.parse(`${day}T22:00:00Z`);
  return gfsDue({ gfs, mode: 'periodic', timeZone: 'UTC', points: [], createdAtMs, ...change }).map(
    ({ flag, periodKey }) => `${flag} ${periodKey}`,
  );
}

describe('GFS calendar', () => {
  // "Last" is day 25, 24, 23, 22 of months with 31, 30, 29, 28 days: VBR user guide, backup_copy_gfs_periods.
  it.each<[WeekOfMonth, string, string]>([
    ['first', '2026-11-30', '2026-11-01'],
    ['second', '2026-11-30', '2026-11-08'],
    ['third', '2026-11-30', '2026-11-15'],
    ['fourth', '2026-11-30', '2026-11-22'],
    ['fifth', '2026-11-30', '2026-11-29'],
    ['fifth', '2027-02-28', '2027-02-22'],
    ['last', '2026-12-31', '2026-12-25'],
    ['last', '2026-11-30', '2026-11-24'],
    ['last', '2028-02-29', '2028-02-23'],
    ['last', '2027-02-28', '2027-02-22'],
    ['last', '2026-11-10', '2026-10-25'],
    ['second', '2027-01-07', '2026-12-08'],
  ])('dates the own monthly full of the %s week, seen from %s, %s', (week, day, expected) => {
    const period = gfsPeriod('monthly', { ...NONE, monthly: { keep: 1, week } }, dayOf(day));
    expect(isoOf(period?.dueDay)).toBe(expected);
  });

  // November 2026 has Sundays on 1, 8, 15, 22, 29; February 2027 on 7, 14, 21, 28.
  it.each<[WeekOfMonth, string, string]>([
    ['first', '2026-11-30', '2026-11-01'],
    ['second', '2026-11-30', '2026-11-08'],
    ['last', '2026-11-30', '2026-11-29'],
    ['last', '2026-12-31', '2026-12-27'],
    ['fifth', '2026-12-31', '2026-12-27'],
    ['fifth', '2026-11-30', '2026-11-29'],
    ['third', '2027-02-20', '2027-01-17'],
  ])(
    'takes the weekly full of the %s week as the monthly one, seen from %s: %s',
    (week, day, expected) => {
      const period = gfsPeriod('monthly', { ...WEEKLY, monthly: { keep: 1, week } }, dayOf(day));
      expect(isoOf(period?.dueDay)).toBe(expected);
    },
  );

  it.each<[Partial<GfsPolicy>, string, string]>([
    [{ yearly }, '2026-11-24', '2026-01-01'],
    [{ yearly: { keep: 3, month: 'december' } }, '2026-11-24', '2025-12-01'],
    [{ yearly, monthly: { keep: 1, week: 'last' } }, '2026-11-24', '2026-01-25'],
    [{ yearly, monthly: { keep: 1, week: 'last' } }, '2026-01-24', '2025-01-25'],
    [{ yearly, monthly, weekly }, '2026-11-24', '2026-01-04'],
  ])('dates the yearly full with %j, seen from %s, %s', (policy, day, expected) => {
    expect(isoOf(gfsPeriod('yearly', { ...NONE, ...policy }, dayOf(day))?.dueDay)).toBe(expected);
  });

  // 31 January + 1 month is removed on 1 March: VBR user guide, gfs_flags_removal.
  it.each<[GfsFlag, string, number, string]>([
    ['weekly', '2026-11-22', 4, '2026-12-20'],
    ['weekly', '2028-02-27', 1, '2028-03-05'],
    ['monthly', '2027-01-31', 1, '2027-03-01'],
    ['monthly', '2028-01-31', 1, '2028-03-01'],
    ['monthly', '2028-01-30', 1, '2028-03-01'],
    ['monthly', '2026-11-01', 12, '2027-11-02'],
    ['yearly', '2026-01-04', 3, '2029-01-05'],
    ['yearly', '2028-02-29', 1, '2029-03-01'],
  ])('ends a %s flag of %s kept for %d on %s', (flag, day, keep, expected) => {
    expect(isoOf(gfsFlagEndDay(flag, dayOf(day), keep))).toBe(expected);
  });

  it('gives every day one period that began on or before it, and periods in the order of days', () => {
    const weeks = fc.constantFrom<WeekOfMonth>(
      'first',
      'second',
      'third',
      'fourth',
      'fifth',
      'last',
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 10_000, max: 60_000 }),
        weeks,
        fc.boolean(),
        (day, week, withWeekly) => {
          const gfs: GfsPolicy = {
            ...ALL,
            weekly: withWeekly ? weekly : null,
            monthly: { keep: 1, week },
          };
          for (const flag of ['weekly', 'monthly', 'yearly'] as const) {
            const today = gfsPeriod(flag, gfs, day);
            const tomorrow = gfsPeriod(flag, gfs, day + 1);
            if (today === null || tomorrow === null) continue;
            expect(today.dueDay).toBeLessThanOrEqual(day);
            expect(today.selectedEndDay).toBeGreaterThan(today.dueDay);
            expect([today.dueDay, day + 1]).toContain(tomorrow.dueDay);
            expect(gfsPeriod(flag, gfs, today.dueDay)).toEqual(today);
          }
        },
      ),
    );
  });
});

describe('GFS flags that are due', () => {
  it.each<[string, string, GfsPolicy, Partial<GfsDueInput>, string[]]>([
    ['the chosen weekday', '2026-11-22', WEEKLY, {}, ['weekly 2026-11-22']],
    ['a day before it, just enabled', '2026-11-21', WEEKLY, {}, []],
    ['a day after it, just enabled', '2026-11-23', WEEKLY, {}, []],
    [
      'a second point of that day',
      '2026-11-22',
      WEEKLY,
      { points: targetChain(['2026-11-22T02:00:00Z'], { flags: ['weekly'] }) },
      [],
    ],
    [
      'a day after a missed one, periodic',
      '2026-11-24',
      WEEKLY,
      { points: flagged('2026-11-15', 'weekly') },
      ['weekly 2026-11-22'],
    ],
    [
      'a day after a missed one, immediate',
      '2026-11-24',
      WEEKLY,
      { points: flagged('2026-11-15', 'weekly'), mode: 'immediate' },
      [],
    ],
    [
      'a day after a full made late',
      '2026-11-25',
      WEEKLY,
      { points: flagged('2026-11-24', 'weekly') },
      [],
    ],
    [
      'a weekly full in the selected week',
      '2026-11-01',
      ALL,
      {},
      ['weekly 2026-11-01', 'monthly 2026-11'],
    ],
    [
      'a weekly full outside the selected week, just enabled',
      '2026-11-22',
      ALL,
      {},
      ['weekly 2026-11-22'],
    ],
    ['a day that has no weekly full to carry the monthly flag', '2026-11-03', ALL, {}, []],
    [
      'all three at once',
      '2027-01-03',
      ALL,
      {},
      ['weekly 2027-01-03', 'monthly 2027-01', 'yearly 2027'],
    ],
    [
      'a weekly full after a missed monthly one',
      '2026-11-08',
      ALL,
      {
        points: [...flagged('2026-10-04', 'weekly', 'monthly'), ...flagged('2026-10-25', 'weekly')],
      },
      ['weekly 2026-11-08', 'monthly 2026-11'],
    ],
    [
      'the first day of the selected week, without weekly',
      '2026-11-01',
      { ...NONE, monthly },
      {},
      ['monthly 2026-11'],
    ],
    [
      'a later day of the selected week, just enabled',
      '2026-11-05',
      { ...NONE, monthly },
      {},
      ['monthly 2026-11'],
    ],
    [
      'after the selected week, just enabled: next month',
      '2026-11-08',
      { ...NONE, monthly },
      {},
      [],
    ],
    ['in the selected month, just enabled', '2026-01-20', { ...NONE, yearly }, {}, ['yearly 2026']],
    [
      'after the selected month, just enabled: next year',
      '2026-02-01',
      { ...NONE, yearly },
      {},
      [],
    ],
    ['no GFS day of any tier', '2026-11-24', ALL, {}, []],
  ])('on %s', (_, day, gfs, change, expected) => {
    expect(due(day, gfs, change)).toEqual(expected);
  });

  it('takes the day of the job’s time zone', () => {
    const saturdayUtc = {
      createdAtMs: Date.parse('2026-11-21T23:30:00Z'),
      timeZone: 'Europe/Berlin',
    };
    expect(due('', WEEKLY, saturdayUtc)).toEqual(['weekly 2026-11-22']);
    expect(due('', WEEKLY, { ...saturdayUtc, timeZone: 'UTC' })).toEqual([]);
  });

  it('adds a flag only once to a point that has one', () => {
    const points = flagged('2026-11-01', 'weekly');
    expect(due('2026-11-01', ALL, { points, id: points[0]!.id })).toEqual(['monthly 2026-11']);
  });

  it('is nothing without a policy', () => {
    expect(
      gfsDue({ gfs: null, mode: 'periodic', timeZone: 'UTC', points: [], createdAtMs: 0 }),
    ).toEqual([]);
  });
});

describe('GFS fulls to make after a copy', () => {
  const needed = (
    points: TargetRestorePoint[],
    gfs: GfsPolicy,
    mode: 'periodic' | 'immediate' = 'periodic',
  ) =>
    gfsFullNeeded({
      points,
      gfs,
      mode,
      timeZone: 'UTC',
      nowMs: Date.parse('2027-12-31T00:00:00Z'),
    });

  it('makes the newest increment a flagged synthetic full on its day', () => {
    expect(needed(targetChain(daily('2026-11-18', 5)), WEEKLY)).toEqual([
      {
        restorePointId: '2026-11-22T22:00:00Z',
        flags: ['weekly'],
        synthesize: true,
        reason: 'weekly full of 2026-11-22',
      },
    ]);
  });

  it('only flags a point that is a full already', () => {
    expect(needed(targetChain(['2026-11-22']), ALL)).toMatchObject([
      { flags: ['weekly'], synthesize: false },
    ]);
  });

  it('adds the monthly flag on the same day to a full that carries the weekly one', () => {
    expect(needed(flagged('2026-11-01', 'weekly'), ALL)).toEqual([
      {
        restorePointId: '2026-11-01T22:00:00Z',
        flags: ['monthly'],
        synthesize: false,
        reason: 'monthly full of 2026-11',
      },
    ]);
  });

  it('does not reach back when GFS was just turned on', () => {
    expect(needed(targetChain(daily('2026-11-01', 24)), ALL)).toEqual([]);
  });

  it('fills a missed day from the first point of its period that the chain still holds', () => {
    const chain = targetChain(daily('2026-11-15', 10));
    const points = chain.map((point, index) =>
      index === 0 ? { ...point, flags: ['weekly' as const] } : point,
    );
    for (const mode of ['periodic', 'immediate'] as const) {
      expect(needed(points, WEEKLY, mode).map((full) => full.restorePointId)).toEqual([
        '2026-11-22T22:00:00Z',
      ]);
    }
    const withoutSunday = points.filter((point) => !point.id.startsWith('2026-11-22'));
    expect(needed(withoutSunday, WEEKLY).map((full) => full.restorePointId)).toEqual([
      '2026-11-23T22:00:00Z',
    ]);
    expect(needed(withoutSunday, WEEKLY, 'immediate')).toEqual([]);
  });

  it('passes over a point that is not healthy', () => {
    const chain = targetChain(daily('2026-11-15', 10));
    const points = chain.map((point, index) => ({
      ...point,
      flags: index === 0 ? ['weekly' as const] : [],
      health: index === 7 ? ('corrupt' as const) : ('good' as const),
    }));
    expect(needed(points, WEEKLY).map((full) => full.restorePointId)).toEqual([
      '2026-11-23T22:00:00Z',
    ]);
  });

  it('makes nothing while the clock is behind the newest point', () => {
    const points = targetChain(['2026-11-22']);
    const nowMs = Date.parse('2026-11-22T21:59:59Z');
    expect(
      gfsFullNeeded({ points, gfs: WEEKLY, mode: 'periodic', timeZone: 'UTC', nowMs }),
    ).toEqual([]);
  });

  it('flags each period once over a year of daily copies, with the dates of the calendar', () => {
    let points: TargetRestorePoint[] = [];
    for (const day of daily('2026-12-01', 395)) {
      points = [...points, ...targetChain([day])];
      for (const full of needed(points, ALL)) {
        points = points.map((point) =>
          point.id === full.restorePointId
            ? { ...point, flags: [...point.flags, ...full.flags] }
            : point,
        );
      }
    }
    const days = (flag: GfsFlag): string[] =>
      points.filter((point) => point.flags.includes(flag)).map((point) => point.id.slice(0, 10));
    expect(days('weekly')).toHaveLength(56);
    expect(days('weekly').every((day) => new Date(day).getUTCDay() === 0)).toBe(true);
    // First Sundays of the months.
    expect(days('monthly')).toEqual([
      '2026-12-06',
      '2027-01-03',
      '2027-02-07',
      '2027-03-07',
      '2027-04-04',
      '2027-05-02',
      '2027-06-06',
      '2027-07-04',
      '2027-08-01',
      '2027-09-05',
      '2027-10-03',
      '2027-11-07',
      '2027-12-05',
    ]);
    expect(days('yearly')).toEqual(['2027-01-03']);
  });
});

describe('reasons of GFS', () => {
  const points = ['2026-10-25', '2026-11-01', '2026-11-08', '2026-11-15', '2026-11-22'].flatMap(
    (day) =>
      flagged(
        day,
        ...(day === '2026-11-01' ? (['weekly', 'monthly'] as const) : (['weekly'] as const)),
      ),
  );
  const reasons = (now: string, gfs: GfsPolicy | null = ALL) =>
    [...gfsKeepReasons({ gfs, timeZone: 'UTC', nowMs: Date.parse(now), points })].map(
      ([id, texts]) => `${id.slice(0, 10)} ${texts.join(', ')}`,
    );

  it('count from the newest and give the day on which the flag ends', () => {
    expect(reasons('2026-11-22T23:00:00Z').toSorted()).toEqual([
      '2026-11-01 weekly 4 of 4 until 2026-11-29, monthly 1 of 12 until 2027-11-02',
      '2026-11-08 weekly 3 of 4 until 2026-12-06',
      '2026-11-15 weekly 2 of 4 until 2026-12-13',
      '2026-11-22 weekly 1 of 4 until 2026-12-20',
    ]);
  });

  it('drop a flag on its last day, at midnight of the time zone', () => {
    expect(reasons('2026-11-28T23:59:59Z').some((text) => text.includes('weekly 4 of 4'))).toBe(
      true,
    );
    expect(reasons('2026-11-29T00:00:00Z').toSorted()[0]).toBe(
      '2026-11-01 monthly 1 of 12 until 2027-11-02',
    );
  });

  it('are none for a tier that is off', () => {
    expect(reasons('2026-11-22T23:00:00Z', { ...NONE, monthly })).toEqual([
      '2026-11-01 monthly 1 of 12 until 2027-11-02',
    ]);
    expect(reasons('2026-11-22T23:00:00Z', null)).toEqual([]);
  });
});
