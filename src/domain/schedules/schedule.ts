/** When a job starts by itself, in the words of a Temporal Schedule. Plain JSON that fits the client's `ScheduleSpec`. */

import type {
  CalendarEntry,
  CalendarMonth,
  CalendarRange,
  CalendarWeekday,
  JobCalendar,
} from './calendar.js';
import { dateOfDayNumber, daysInMonth, minuteOfDay, WEEKDAYS, weekdayOf } from './calendar-date.js';
import { movedStarts, type LocalTimes } from './clock-change.js';
import type { JobSchedule, MaintenanceSchedule } from './job-schedule.js';
import { cronTimes } from './cron.js';
import { assertNever } from '../errors.js';
import type { Weekday } from './day-names.js';
import { DAY_MS } from '../elapsed.js';

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

/** null: the job has no calendar of its own (started by hand or by another job). A day on which clocks skip or repeat the time has one start all the same
 *  (`movedStarts`), reckoned from a year before `nowMs`, so that starts that were missed fall in, too. */
export function calendarOf(schedule: JobSchedule, nowMs: number): JobCalendar | null {
  switch (schedule.type) {
    case 'manual':
    case 'afterJob':
      return null;
    case 'interval':
      return intervalCalendar(schedule.everyMinutes * MINUTE_MS);
    case 'cron':
      return cronCalendar(schedule, nowMs);
    case 'daily':
      return localCalendar(schedule, [{}], () => true, nowMs);
    case 'weekly': {
      const dayOfWeek = schedule.days.map((day) => day.toUpperCase() as CalendarWeekday);
      const isDay = (day: number): boolean => schedule.days.some((name) => isOn(day, name));
      return localCalendar(schedule, [{ dayOfWeek }], isDay, nowMs);
    }
    case 'monthly': {
      const wanted = schedule.day === 'last' ? 31 : schedule.day;
      const isDay = (day: number): boolean => {
        const { year, month, day: dayOfMonth } = dateOfDayNumber(day);
        return dayOfMonth === Math.min(wanted, daysInMonth(year, month));
      };
      return localCalendar(schedule, daysOfEveryMonth(wanted), isDay, nowMs);
    }
    default:
      return assertNever(schedule);
  }
}

const MINUTE_MS = 60_000;

/** Intervals are counted from 1970, so that all jobs of one interval would start in one moment: they are spread over a tenth of it, and over a
 *  minute at most. */
function intervalCalendar(everyMs: number): JobCalendar {
  return { intervals: [{ every: everyMs }], jitter: Math.min(everyMs / 10, MINUTE_MS) };
}

/** When a health check or a compact comes round: on a day of each week, or on the last such day of each month. */
export function maintenanceCalendarOf(schedule: MaintenanceSchedule, nowMs: number): JobCalendar {
  const { every, day } = schedule;
  const dayOfWeek = [day.toUpperCase() as CalendarWeekday];
  if (every === 'week')
    return localCalendar(schedule, [{ dayOfWeek }], (number) => isOn(number, day), nowMs);
  const isDay = (number: number): boolean => {
    const { year, month, day: dayOfMonth } = dateOfDayNumber(number);
    return isOn(number, day) && dayOfMonth > daysInMonth(year, month) - 7;
  };
  const entries = LAST_WEEKS.map((days) => ({ ...days, dayOfWeek }));
  return localCalendar(schedule, entries, isDay, nowMs);
}

type DayFields = Omit<CalendarEntry, 'hour' | 'minute' | 'comment'>;

/** One time on the days that `entries` match; `isDay` says which those are. */
function localCalendar(
  { time, timeZone }: { time: string; timeZone: string },
  entries: readonly DayFields[],
  isDay: LocalTimes['isDay'],
  nowMs: number,
): JobCalendar {
  const minute = minuteOfDay(time);
  const fields = { hour: Math.floor(minute / 60), minute: minute % 60 };
  const calendars: CalendarEntry[] = entries.map((entry) => ({ ...fields, ...entry }));
  const moved = movedStarts({ minutes: [minute], isDay }, timeZone, nowMs - YEAR_MS);
  return {
    calendars: [...calendars, ...moved.calendars],
    ...(moved.skip.length === 0 ? {} : { skip: moved.skip }),
    timezone: timeZone,
  };
}

/** An expression that starts in every hour goes by the hours that pass, whatever clocks show. */
function cronCalendar(
  { expression, timeZone }: { expression: string; timeZone: string },
  nowMs: number,
): JobCalendar {
  const plain = { cronExpressions: [expression], timezone: timeZone };
  const times = cronTimes(expression);
  if (times === null) return plain;
  const moved = movedStarts(times, timeZone, nowMs - YEAR_MS);
  return moved.calendars.length === 0 ? plain : { ...plain, ...moved };
}

const YEAR_MS = 366 * DAY_MS;

function isOn(day: number, weekday: Weekday): boolean {
  return WEEKDAYS[weekdayOf(day)] === weekday;
}

/** The last seven days of every month. */
const LAST_WEEKS: readonly Pick<CalendarEntry, 'dayOfMonth' | 'month' | 'year'>[] = [
  { dayOfMonth: { start: 25, end: 31, step: 1 }, month: [...LONG_MONTHS] },
  { dayOfMonth: { start: 24, end: 30, step: 1 }, month: [...SHORT_MONTHS] },
  { dayOfMonth: { start: 22, end: 28, step: 1 }, month: ['FEBRUARY'], year: [...COMMON_YEARS] },
  { dayOfMonth: { start: 23, end: 29, step: 1 }, month: ['FEBRUARY'], year: [...LEAP_YEARS] },
];

/** Exactly one day in each month: the 29th to 31st mean the last day where a month is shorter, so that no month goes without a copy.
 *  A Temporal calendar has no "last day", and one entry cannot tell months apart, so there is one per length of month. */
function daysOfEveryMonth(wanted: number): DayFields[] {
  if (wanted <= 28) return [{ dayOfMonth: wanted }];
  return [
    { dayOfMonth: wanted, month: [...LONG_MONTHS] },
    { dayOfMonth: Math.min(wanted, 30), month: [...SHORT_MONTHS] },
    { dayOfMonth: 29, month: ['FEBRUARY'] },
    { dayOfMonth: 28, month: ['FEBRUARY'], year: COMMON_YEARS.map((range) => ({ ...range })) },
  ];
}
