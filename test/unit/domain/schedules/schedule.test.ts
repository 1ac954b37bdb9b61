import { describe, expect, it } from 'vitest';
import type { CalendarEntry } from '../../../../src/domain/schedules/calendar.js';
import { calendarOf } from '../../../../src/domain/schedules/schedule.js';

const NOW = Date.parse('2026-06-01T00:00:00Z');
const MONTHS =
  'JANUARY FEBRUARY MARCH APRIL MAY JUNE JULY AUGUST SEPTEMBER OCTOBER NOVEMBER DECEMBER'.split(
    ' ',
  );

/** What a Temporal calendar matches: every field must; a range has an end and a step. */
function matches(entry: CalendarEntry, date: Date): boolean {
  const year = date.getUTCFullYear();
  return (
    (entry.dayOfMonth === undefined || entry.dayOfMonth === date.getUTCDate()) &&
    (entry.month === undefined ||
      entry.month.some((month) => month === MONTHS[date.getUTCMonth()])) &&
    (entry.year === undefined ||
      entry.year.some(
        ({ start, end, step }) => year >= start && year <= end && (year - start) % step === 0,
      ))
  );
}

function daysMatched(day: number | 'last', from: number, to: number): string[] {
  const calendar = calendarOf({ type: 'monthly', day, time: '22:30', timeZone: 'UTC' }, NOW);
  if (calendar === null || !('calendars' in calendar) || calendar.calendars === undefined)
    throw new Error('no calendars');
  const days: string[] = [];
  for (let ms = Date.UTC(from, 0, 1); ms < Date.UTC(to + 1, 0, 1); ms += 86_400_000) {
    const date = new Date(ms);
    for (const entry of calendar.calendars) {
      if (matches(entry, date)) days.push(date.toISOString().slice(0, 10));
    }
  }
  return days;
}

describe('calendar of a schedule', () => {
  it.each([
    [{ type: 'manual' }, null],
    [{ type: 'afterJob', jobId: 'first' }, null],
    [
      { type: 'interval', everyMinutes: 90 },
      { intervals: [{ every: 5_400_000 }], jitter: 60_000 },
    ],
    [
      { type: 'interval', everyMinutes: 1 },
      { intervals: [{ every: 60_000 }], jitter: 6_000 },
    ],
    [
      { type: 'cron', expression: '0 2 * * mon-fri', timeZone: 'Europe/Berlin' },
      { cronExpressions: ['0 2 * * mon-fri'], timezone: 'Europe/Berlin' },
    ],
    [
      { type: 'daily', time: '22:05', timeZone: 'UTC' },
      { calendars: [{ hour: 22, minute: 5 }], timezone: 'UTC' },
    ],
    [
      { type: 'weekly', days: ['monday', 'friday'], time: '05:00', timeZone: 'America/New_York' },
      {
        calendars: [{ hour: 5, minute: 0, dayOfWeek: ['MONDAY', 'FRIDAY'] }],
        timezone: 'America/New_York',
      },
    ],
    [
      { type: 'monthly', day: 15, time: '00:00', timeZone: 'UTC' },
      { calendars: [{ hour: 0, minute: 0, dayOfMonth: 15 }], timezone: 'UTC' },
    ],
  ] as const)('of %o', (schedule, expected) => {
    expect(calendarOf(schedule, NOW)).toEqual(expected);
  });

  it('matches the last day of each month exactly once, in leap years and in 2100 too', () => {
    const lastDays: string[] = [];
    for (let month = 0; month < 12 * 76; month++) {
      lastDays.push(new Date(Date.UTC(2025, month + 1, 0)).toISOString().slice(0, 10));
    }
    expect(daysMatched('last', 2025, 2100)).toEqual(lastDays);
    expect(daysMatched(31, 2025, 2100)).toEqual(lastDays);
  });

  it('takes the last day where a month has no 29th or 30th', () => {
    expect(daysMatched(30, 2027, 2028).filter((day) => /-0[234]-/.test(day))).toEqual([
      '2027-02-28',
      '2027-03-30',
      '2027-04-30',
      '2028-02-29',
      '2028-03-30',
      '2028-04-30',
    ]);
    expect(daysMatched(29, 2027, 2028).filter((day) => day.includes('-02-'))).toEqual([
      '2027-02-28',
      '2028-02-29',
    ]);
    expect(daysMatched(29, 2027, 2028)).toHaveLength(24);
  });
});
