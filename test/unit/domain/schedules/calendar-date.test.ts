import fc from '../../../support/properties.js';
import { describe, expect, it } from 'vitest';
import {
  addMonthsClamped,
  calendarDateOf,
  dateOfDayNumber,
  dayNumber,
  dayNumberOf,
  instantOf,
  isoDate,
  isTimeZone,
  latestWeekday,
  startOfDayMs,
  utcText,
  weekdayOf,
} from '../../../../src/domain/schedules/calendar-date.js';

const day = (text: string): number => Date.parse(`${text}T00:00:00Z`) / 86_400_000;
const iso = (ms: number): string => new Date(ms).toISOString();

describe('calendar date', () => {
  it.each([
    ['2026-11-24T23:30:00Z', 'UTC', '2026-11-24'],
    ['2026-11-24T23:30:00Z', 'Europe/Berlin', '2026-11-25'],
    ['2026-11-24T02:30:00Z', 'America/New_York', '2026-11-23'],
    ['2026-11-24T10:30:00Z', 'Pacific/Kiritimati', '2026-11-25'],
    ['2024-02-29T20:00:00Z', 'Asia/Kathmandu', '2024-03-01'],
  ])('of %s in %s is %s', (instant, timeZone, expected) => {
    expect(isoDate(calendarDateOf(Date.parse(instant), timeZone))).toBe(expected);
  });

  // Instants from the IANA database: Berlin changes at 01:00 UTC, Cairo and Santiago at midnight, Samoa had no 30 December 2011.
  it.each([
    ['a common day', '2026-11-24', 1350, 'Europe/Berlin', '2026-11-24T21:30:00.000Z'],
    ['a skipped time, shifted', '2027-03-28', 150, 'Europe/Berlin', '2027-03-28T01:30:00.000Z'],
    ['a doubled time, the first', '2026-10-25', 150, 'Europe/Berlin', '2026-10-25T00:30:00.000Z'],
    ['a skipped midnight', '2026-04-24', 0, 'Africa/Cairo', '2026-04-23T22:00:00.000Z'],
    ['a doubled midnight hour', '2026-04-04', 1410, 'America/Santiago', '2026-04-05T02:30:00.000Z'],
    ['a skipped day', '2011-12-30', 0, 'Pacific/Apia', '2011-12-30T10:00:00.000Z'],
    [
      'half an hour of daylight saving',
      '2026-10-04',
      135,
      'Australia/Lord_Howe',
      '2026-10-03T15:45:00.000Z',
    ],
  ])('finds the instant of %s', (_, date, minute, timeZone, expected) => {
    expect(iso(instantOf(day(date), minute, timeZone))).toBe(expected);
  });

  it('starts each day at the instant from which clocks show it, in every zone and year', () => {
    const zones = [
      'UTC',
      'Europe/Berlin',
      'America/St_Johns',
      'Africa/Cairo',
      'Australia/Lord_Howe',
    ];
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 47_000 }), fc.constantFrom(...zones), (days, zone) => {
        const start = startOfDayMs(days, zone);
        expect(dayNumberOf(start, zone)).toBe(days);
        expect(dayNumberOf(start - 1, zone)).toBe(days - 1);
      }),
    );
  });

  it.each([
    [{ year: 2026, month: 1, day: 31 }, 1, '2026-02-28'],
    [{ year: 2028, month: 1, day: 31 }, 1, '2028-02-29'],
    [{ year: 2024, month: 2, day: 29 }, 12, '2025-02-28'],
    [{ year: 2026, month: 1, day: 15 }, -1, '2025-12-15'],
    [{ year: 2026, month: 12, day: 31 }, 2, '2027-02-28'],
  ])('adds months to %o and clamps the day', (date, months, expected) => {
    expect(isoDate(addMonthsClamped(date, months))).toBe(expected);
  });

  it('counts days the way the Gregorian calendar does', () => {
    expect(dayNumber({ year: 1970, month: 1, day: 1 })).toBe(0);
    expect(dayNumber({ year: 2000, month: 3, day: 1 })).toBe(11_017);
    expect(dateOfDayNumber(-1)).toEqual({ year: 1969, month: 12, day: 31 });
    expect(weekdayOf(day('2026-11-24'))).toBe(2);
    expect(weekdayOf(day('1969-12-28'))).toBe(0);
    expect(latestWeekday(day('2026-11-24'), 'sunday')).toBe(day('2026-11-22'));
    expect(latestWeekday(day('2026-11-22'), 'sunday')).toBe(day('2026-11-22'));
  });

  it.each([
    ['UTC', true],
    ['Europe/Berlin', true],
    ['Asia/Calcutta', true],
    ['europe/berlin', false],
    ['Europe/Atlantis', false],
    ['+02:00', false],
    ['', false],
  ])('time zone %s is known: %s', (name, known) => {
    expect(isTimeZone(name)).toBe(known);
  });

  it('shows seconds of an instant only when there are any', () => {
    expect(utcText(Date.parse('2026-11-24T22:00:00Z'))).toBe('2026-11-24 22:00 UTC');
    expect(utcText(Date.parse('2026-11-24T22:00:07Z'))).toBe('2026-11-24 22:00:07 UTC');
  });
});
