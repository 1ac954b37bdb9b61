import { describe, expect, it, vi } from 'vitest';
import type { JobSchedule } from '../../../../src/domain/schedules/job-schedule.js';
import type {
  CalendarEntry,
  CalendarRange,
  JobCalendar,
} from '../../../../src/domain/schedules/calendar.js';
import { calendarOf, maintenanceCalendarOf } from '../../../../src/domain/schedules/schedule.js';
import { latestScheduledMs } from '../../../../src/domain/schedules/maintenance-window.js';
import {
  shownMinutes,
  zonesThatChange,
  type ShownMinute,
} from '../../../support/schedule/wall-clock.js';
import type { Weekday } from '../../../../src/domain/schedules/day-names.js';

const DAY_MS = 86_400_000;
const NOW = Date.parse('2026-06-01T00:00:00Z');
const MONTHS =
  'JANUARY FEBRUARY MARCH APRIL MAY JUNE JULY AUGUST SEPTEMBER OCTOBER NOVEMBER DECEMBER'.split(
    ' ',
  );
const WEEKDAYS = 'SUNDAY MONDAY TUESDAY WEDNESDAY THURSDAY FRIDAY SATURDAY'.split(' ');

function isIn(field: number | CalendarRange | CalendarRange[] | undefined, value: number): boolean {
  if (field === undefined || typeof field === 'number')
    return field === undefined || field === value;
  return [field]
    .flat()
    .some(({ start, end, step }) => value >= start && value <= end && (value - start) % step === 0);
}

/** What the fields of a calendar say, of every minute that clocks show. */
function matches(entry: CalendarEntry, shown: ShownMinute): boolean {
  return (
    entry.hour === shown.hour &&
    isIn(entry.minute, shown.minute) &&
    isIn(entry.year, shown.year) &&
    isIn(entry.dayOfMonth, shown.dayOfMonth) &&
    (entry.month?.some((name) => name === MONTHS[shown.month - 1]) ?? true) &&
    (entry.dayOfWeek?.some((name) => name === WEEKDAYS[shown.dayOfWeek]) ?? true)
  );
}

/** The starts within `minutes`. */
function startEntries(
  calendar: JobCalendar | null,
  minutes: readonly ShownMinute[],
): ShownMinute[] {
  if (calendar === null || !('calendars' in calendar)) throw new Error('no calendars');
  const years = [minutes[0]!.year, minutes.at(-1)!.year];
  const near = (entries: CalendarEntry[] = []): CalendarEntry[] =>
    entries.filter(({ year }) => years.some((value) => isIn(year, value)));
  const [starts, skip] = [near(calendar.calendars), near(calendar.skip)];
  return minutes
    .filter((shown) => starts.some((entry) => matches(entry, shown)))
    .filter((shown) => !skip.some((entry) => matches(entry, shown)));
}

function startDates(calendar: JobCalendar | null, minutes: readonly ShownMinute[]): string[] {
  return startEntries(calendar, minutes).map(({ date }) => date);
}

/** Whole local days in the middle of `minutes`. */
function wholeDays(minutes: readonly ShownMinute[]): string[] {
  return [...new Set(minutes.map(({ date }) => date))].slice(1, -1);
}

const TIMES = ['00:00', '01:30', '02:15', '02:30', '03:00', '23:30'];
/** Every zone that changes clocks, with the minutes of the days around each change. */
const CHANGING = zonesThatChange(2026, 2028).map(({ timeZone, changes }) => ({
  timeZone,
  spans: changes.map(({ atMs }) =>
    shownMinutes(timeZone, Math.floor(atMs / DAY_MS - 2) * DAY_MS, 5),
  ),
}));

/** Days with another number of starts than the schedule wants, of `isDay` one and of all others none. */
function wrongDays(
  calendarFor: (timeZone: string) => JobCalendar | null,
  isDay: (date: string) => boolean = () => true,
): string[] {
  return CHANGING.flatMap(({ timeZone, spans }) => {
    const calendar = calendarFor(timeZone);
    return spans.flatMap((minutes) => {
      const starts = startDates(calendar, minutes);
      return wholeDays(minutes).flatMap((day) => {
        const count = starts.filter((date) => date === day).length;
        return count === (isDay(day) ? 1 : 0) ? [] : [`${timeZone} ${day}: ${count}`];
      });
    });
  });
}

const CHECKS = (['sunday', 'friday'] as const).flatMap((day) =>
  ['00:30', '02:30', '23:30'].map((time) => ({ day, time })),
);

function weekdayOf(date: string): Weekday {
  return WEEKDAYS[new Date(`${date}T00:00Z`).getUTCDay()]!.toLowerCase() as Weekday;
}

// A century of each zone is reckoned in the first of these.
vi.setConfig({ testTimeout: 120_000 });

describe('a start at a time that clocks change', () => {
  it('is looked at in the zones that change clocks, of all that there are', () => {
    expect(CHANGING.length).toBeGreaterThan(25);
    expect(CHANGING.flatMap(({ spans }) => spans).length).toBeGreaterThan(150);
  });

  it.each(TIMES)('of %s happens once on each day, in every zone', (time) => {
    const daily = (timeZone: string): JobSchedule => ({ type: 'daily', time, timeZone });
    expect(wrongDays((timeZone) => calendarOf(daily(timeZone), NOW))).toEqual([]);
  });

  it.each(['sunday', 'saturday', 'friday', 'thursday'] as const)(
    'of a %s happens once in each week and on no other day',
    (day) => {
      const isDay = (date: string): boolean => weekdayOf(date) === day;
      for (const time of ['00:30', '02:30', '23:30']) {
        const weekly = (timeZone: string): JobSchedule => ({
          ...{ type: 'weekly', days: [day], time, timeZone },
        });
        expect(wrongDays((timeZone) => calendarOf(weekly(timeZone), NOW), isDay)).toEqual([]);
        const check = (timeZone: string) => ({ every: 'week' as const, day, time, timeZone });
        expect(wrongDays((timeZone) => maintenanceCalendarOf(check(timeZone), NOW), isDay)).toEqual(
          [],
        );
      }
    },
  );

  it('of a health check is the time from which it is late, in every zone', () => {
    const wrong = CHANGING.flatMap(({ timeZone, spans }) =>
      CHECKS.flatMap((check) => {
        const schedule = { every: 'week' as const, ...check, timeZone };
        const calendar = maintenanceCalendarOf(schedule, NOW);
        const starts = spans.flatMap((minutes) => startEntries(calendar, minutes));
        return starts.flatMap(({ instantMs, date }) => {
          const isDue = latestScheduledMs(schedule, instantMs) === instantMs;
          const isEarly = latestScheduledMs(schedule, instantMs - 60_000) > instantMs - 2 * DAY_MS;
          return isDue && !isEarly ? [] : [`${timeZone} ${date} ${check.time}`];
        });
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('of the last Sunday of a month happens once', () => {
    const isDay = (date: string): boolean => {
      const inAWeek = new Date(Date.parse(`${date}T00:00Z`) + 7 * DAY_MS).toISOString();
      return weekdayOf(date) === 'sunday' && inAWeek.slice(0, 7) !== date.slice(0, 7);
    };
    const monthly = { every: 'month' as const, day: 'sunday' as const, time: '02:30' };
    expect(
      wrongDays((timeZone) => maintenanceCalendarOf({ ...monthly, timeZone }, NOW), isDay),
    ).toEqual([]);
  });

  // Clocks: Berlin 02:00 to 03:00 on 28 March 2027, 03:00 to 02:00 on 31 October 2027; Lord Howe 02:00 to 02:30; Cairo 24:00 to 23:00.
  it.each([
    ['Europe/Berlin', '2027-03-28', '02:30', '03:00'],
    ['Europe/Berlin', '2027-10-31', '02:30', '03:00'],
    ['Australia/Lord_Howe', '2027-10-03', '02:15', '02:30'],
    ['Africa/Cairo', '2027-10-28', '23:30', '22:59'],
  ])('goes in %s on %s from %s to %s', (timeZone, date, time, expected) => {
    const minutes = shownMinutes(timeZone, Date.parse(`${date}T00:00Z`) - DAY_MS, 3);
    const [entry] = startEntries(
      calendarOf({ type: 'daily', time, timeZone }, NOW),
      minutes,
    ).filter((shown) => shown.date === date);
    const two = (value = NaN): string => String(value).padStart(2, '0');
    expect(`${two(entry?.hour)}:${two(entry?.minute)}`).toBe(expected);
  });

  it('of a cron expression happens once, unless the expression goes by the hours', () => {
    const cron = (expression: string) =>
      calendarOf({ type: 'cron', expression, timeZone: 'Europe/Berlin' }, NOW);
    expect(cron('30 * * * *')).not.toHaveProperty('skip');
    expect(cron('30 2 * * mon-sat')).not.toHaveProperty('skip');
    const moved = cron('30 2 * * sun') as { calendars: CalendarEntry[]; skip: CalendarEntry[] };
    const of2027 = (entries: CalendarEntry[]) => entries.filter(({ year }) => isIn(year, 2027));
    expect(of2027(moved.calendars)).toMatchObject([
      { month: ['MARCH'], dayOfMonth: 28, hour: 3, minute: 0 },
      { month: ['OCTOBER'], dayOfMonth: 31, hour: 3, minute: 0 },
    ]);
    expect(of2027(moved.skip)).toMatchObject([
      { month: ['MARCH'], dayOfMonth: 28, hour: 2 },
      { month: ['OCTOBER'], dayOfMonth: 31, hour: 2 },
    ]);
  });
});
