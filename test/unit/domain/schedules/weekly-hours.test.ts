import { describe, expect, it } from 'vitest';
import {
  hoursAt,
  spanDaysFault,
  type WeeklyHours,
} from '../../../../src/domain/schedules/weekly-hours.js';
import type { Weekday } from '../../../../src/domain/schedules/day-names.js';

const WORKDAYS: readonly Weekday[] = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'];
const EVERY_DAY: readonly Weekday[] = [...WORKDAYS, 'saturday', 'sunday'];

const nights: WeeklyHours = {
  timeZone: 'Europe/Berlin',
  spans: [
    { days: WORKDAYS, from: '20:00', to: '06:00' },
    { days: ['saturday', 'sunday'], from: '00:00', to: '00:00' },
  ],
};
const always: WeeklyHours = {
  timeZone: 'UTC',
  spans: [{ days: EVERY_DAY, from: '00:00', to: '00:00' }],
};
/** The clocks of Berlin go from 02:00 to 03:00 on 29 March 2026, and from 03:00 back to 02:00 on 25 October. */
const early: WeeklyHours = {
  timeZone: 'Europe/Berlin',
  spans: [{ days: ['sunday'], from: '02:30', to: '04:00' }],
};

describe('hours of the week', () => {
  // 23 November 2026 is a Monday; Berlin is one hour ahead of UTC then.
  it.each([
    ['closed by day, until the evening', nights, '2026-11-23T11:00Z', false, '2026-11-23T19:00Z'],
    ['open at the very beginning', nights, '2026-11-23T19:00Z', true, '2026-11-24T05:00Z'],
    ['open after midnight', nights, '2026-11-24T03:00Z', true, '2026-11-24T05:00Z'],
    ['closed at the very end', nights, '2026-11-24T05:00Z', false, '2026-11-24T19:00Z'],
    [
      'open over spans that touch and overlap, Friday evening to Sunday midnight',
      nights,
      '2026-11-27T20:00Z',
      true,
      '2026-11-29T23:00Z',
    ],
    ['closed after the week-end', nights, '2026-11-29T23:00Z', false, '2026-11-30T19:00Z'],
    ['open for ever', always, '2026-11-24T12:00Z', true, null],
    ['closed for a week but an hour', early, '2026-11-22T03:00Z', false, '2026-11-29T01:30Z'],
    ['later by the hour that clocks skip', early, '2026-03-29T01:00Z', false, '2026-03-29T01:30Z'],
    [
      'longer by the hour that clocks show twice',
      early,
      '2026-10-25T00:30Z',
      true,
      '2026-10-25T03:00Z',
    ],
  ] as const)('are %s', (_, hours, now, isOpen, changesAt) => {
    const changesAtMs = changesAt === null ? null : Date.parse(changesAt);
    expect(hoursAt(hours, Date.parse(now))).toEqual({ isOpen, changesAtMs });
  });

  it.each([
    ['no day', [], 'name at least one day of the week'],
    ['a day twice', ['monday', 'monday'], 'a day of the week is named twice'],
    ['days', ['monday', 'friday'], null],
  ] as const)('are checked when a span names %s', (_, days, fault) => {
    expect(spanDaysFault({ days, from: '20:00', to: '06:00' })).toBe(fault);
  });
});
