/** When a job starts by itself, in the words of a Temporal Schedule. Plain JSON that fits the client's `ScheduleSpec`. */

import { minuteOfDay } from './calendar-date.js';
import type { JobSchedule, MaintenanceSchedule, Month, Weekday } from './copy-job.js';
import { assertNever } from './errors.js';

export type CalendarMonth = Uppercase<Month>;
export type CalendarWeekday = Uppercase<Weekday>;

/** Both ends included. */
export interface CalendarRange {
  start: number;
  end: number;
  step: number;
}

/** Absent fields match every day, month or year. */
export interface CalendarEntry {
  hour: number;
  minute: number;
  dayOfMonth?: number | CalendarRange;
  month?: CalendarMonth[];
  dayOfWeek?: CalendarWeekday[];
  year?: CalendarRange[];
}

export type JobCalendar =
  | { calendars: CalendarEntry[]; timezone: string }
  | { cronExpressions: string[]; timezone: string }
  | { intervals: { /** Milliseconds. */ every: number }[] };

const LONG_MONTHS: readonly CalendarMonth[] = [
  'JANUARY',
  'MARCH',
  'MAY',
  'JULY',
  'AUGUST',
  'OCTOBER',
  'DECEMBER',
];
const SHORT_MONTHS: readonly CalendarMonth[] = ['APRIL', 'JUNE', 'SEPTEMBER', 'NOVEMBER'];

/** Years without 29 February, up to 2100, where a Temporal calendar ends; 2100 is one of them. */
const COMMON_YEARS: readonly CalendarRange[] = [
  { start: 2025, end: 2097, step: 4 },
  { start: 2026, end: 2098, step: 4 },
  { start: 2027, end: 2099, step: 4 },
  { start: 2100, end: 2100, step: 1 },
];

const LEAP_YEARS: readonly CalendarRange[] = [{ start: 2024, end: 2096, step: 4 }];

/** null: the job has no calendar of its own (started by hand or by another job).
 *
 *  A Temporal calendar skips a time that clocks skip: a job of 02:30 does not start on the day on which summer time begins there
 *  (checked with server 1.32). */
export function calendarOf(schedule: JobSchedule): JobCalendar | null {
  switch (schedule.type) {
    case 'manual':
    case 'afterJob':
      return null;
    case 'interval':
      return { intervals: [{ every: schedule.everyMinutes * 60_000 }] };
    case 'cron':
      return { cronExpressions: [schedule.expression], timezone: schedule.timeZone };
    case 'daily':
      return { calendars: [timeOf(schedule.time)], timezone: schedule.timeZone };
    case 'weekly': {
      const dayOfWeek = schedule.days.map((day) => day.toUpperCase() as CalendarWeekday);
      return {
        calendars: [{ ...timeOf(schedule.time), dayOfWeek }],
        timezone: schedule.timeZone,
      };
    }
    case 'monthly': {
      const time = timeOf(schedule.time);
      return {
        calendars: daysOfEveryMonth(schedule.day).map((days) => ({ ...time, ...days })),
        timezone: schedule.timeZone,
      };
    }
    default:
      return assertNever(schedule);
  }
}

/** When a health check or a compact comes round: on a day of each week, or on the last such day of each month. */
export function maintenanceCalendarOf({
  every,
  day,
  time,
  timeZone,
}: MaintenanceSchedule): Extract<JobCalendar, { calendars: unknown }> {
  const entry = { ...timeOf(time), dayOfWeek: [day.toUpperCase() as CalendarWeekday] };
  const calendars = every === 'week' ? [entry] : LAST_WEEKS.map((days) => ({ ...entry, ...days }));
  return { calendars, timezone: timeZone };
}

/** The last seven days of every month. */
const LAST_WEEKS: readonly Pick<CalendarEntry, 'dayOfMonth' | 'month' | 'year'>[] = [
  { dayOfMonth: { start: 25, end: 31, step: 1 }, month: [...LONG_MONTHS] },
  { dayOfMonth: { start: 24, end: 30, step: 1 }, month: [...SHORT_MONTHS] },
  { dayOfMonth: { start: 22, end: 28, step: 1 }, month: ['FEBRUARY'], year: [...COMMON_YEARS] },
  { dayOfMonth: { start: 23, end: 29, step: 1 }, month: ['FEBRUARY'], year: [...LEAP_YEARS] },
];

function timeOf(time: string): Pick<CalendarEntry, 'hour' | 'minute'> {
  const minutes = minuteOfDay(time);
  return { hour: Math.floor(minutes / 60), minute: minutes % 60 };
}

/** Exactly one day in each month: the 29th to 31st mean the last day where a month is shorter, so that no month goes without a copy.
 *  A Temporal calendar has no "last day", and one entry cannot tell months apart, so there is one per length of month. */
function daysOfEveryMonth(
  day: number | 'last',
): Pick<CalendarEntry, 'dayOfMonth' | 'month' | 'year'>[] {
  const wanted = day === 'last' ? 31 : day;
  if (wanted <= 28) return [{ dayOfMonth: wanted }];
  return [
    { dayOfMonth: wanted, month: [...LONG_MONTHS] },
    { dayOfMonth: Math.min(wanted, 30), month: [...SHORT_MONTHS] },
    { dayOfMonth: 29, month: ['FEBRUARY'] },
    { dayOfMonth: 28, month: ['FEBRUARY'], year: COMMON_YEARS.map((range) => ({ ...range })) },
  ];
}
