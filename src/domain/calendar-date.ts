/** Calendar dates in a time zone. All calendar arithmetic of the domain happens here; the rest compares days and instants.
 *
 *  Gregorian, years 1 to 9999. Zone offsets come from `Intl`, which Temporal's workflow sandbox has as well. */

import type { Weekday } from './copy-job.js';

export interface CalendarDate {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to the last day of the month. */
  readonly day: number;
}

/** In the order of `weekdayOf`: 0 is Sunday. */
export const WEEKDAYS: readonly Weekday[] = [
  'sunday',
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
];

export const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** 1970-01-01 was a Thursday. */
const WEEKDAY_OF_DAY_ZERO = 4;

/** Days since 1970-01-01. Dates are compared and counted by this number. */
export function dayNumber(date: CalendarDate): number {
  return Date.UTC(date.year, date.month - 1, date.day) / DAY_MS;
}

export function dateOfDayNumber(days: number): CalendarDate {
  const date = new Date(days * DAY_MS);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

/** Index into WEEKDAYS. */
export function weekdayOf(days: number): number {
  return (((days + WEEKDAY_OF_DAY_ZERO) % 7) + 7) % 7;
}

/** Day number of the latest such weekday up to and including `days`. */
export function latestWeekday(days: number, weekday: Weekday): number {
  return days - ((weekdayOf(days) - WEEKDAYS.indexOf(weekday) + 7) % 7);
}

export function daysInMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** A day that the month does not have becomes the month's last one: 31 January + 1 month = 28 or 29 February. */
export function addMonthsClamped(date: CalendarDate, months: number): CalendarDate {
  const index = date.year * 12 + (date.month - 1) + months;
  const year = Math.floor(index / 12);
  const month = (index % 12) + 1;
  return { year, month, day: Math.min(date.day, daysInMonth(year, month)) };
}

/** `2026-11-24`. */
export function isoDate(date: CalendarDate): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${String(date.year).padStart(4, '0')}-${two(date.month)}-${two(date.day)}`;
}

/** `2026-11-24 22:00 UTC`, as messages name an instant; seconds only where there are any. */
export function utcText(instantMs: number): string {
  const iso = new Date(instantMs).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, iso.slice(17, 19) === '00' ? 16 : 19)} UTC`;
}

/** Whether both `Intl` and the Temporal server (Go, which looks names up as files) know the zone: the name of an area in its
 *  exact case, no offset such as `+02:00`. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    const known = formatterOf(name).resolvedOptions().timeZone;
    return known === name || known.toLowerCase() !== name.toLowerCase();
  } catch {
    return false;
  }
}

export function calendarDateOf(instantMs: number, timeZone: string): CalendarDate {
  return dateOfDayNumber(Math.floor((instantMs + offsetMs(instantMs, timeZone)) / DAY_MS));
}

/** Day number of the date that `timeZone` shows at this instant. */
export function dayNumberOf(instantMs: number, timeZone: string): number {
  return Math.floor((instantMs + offsetMs(instantMs, timeZone)) / DAY_MS);
}

/** First instant at which clocks in `timeZone` show `minuteOfDay` of this day or, where they skip it, the first one after the gap
 *  shifted by as much as the gap is long (02:30 becomes 03:30). A time that clocks show twice means the first. */
export function instantOf(days: number, minuteOfDay: number, timeZone: string): number {
  const localMs = days * DAY_MS + minuteOfDay * MINUTE_MS;
  const before = localMs - offsetMs(localMs - DAY_MS, timeZone);
  if (before + offsetMs(before, timeZone) === localMs) return before;
  const after = localMs - offsetMs(localMs + DAY_MS, timeZone);
  return after + offsetMs(after, timeZone) === localMs ? after : before;
}

export function startOfDayMs(days: number, timeZone: string): number {
  return instantOf(days, 0, timeZone);
}

/** Minute of the day of `hh:mm`. */
export function minuteOfDay(time: string): number {
  const [hour = '0', minute = '0'] = time.split(':');
  return Number(hour) * 60 + Number(minute);
}

/** Making a formatter costs a hundred times more than using it, so each zone's is kept. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(timeZone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formatters.set(timeZone, formatter);
  }
  return formatter;
}

/** What clocks in the zone show, minus UTC. */
export function offsetMs(instantMs: number, timeZone: string): number {
  if (timeZone === 'UTC') return 0;
  const wholeSeconds = Math.floor(instantMs / 1000) * 1000;
  const shown: Record<string, number> = {};
  for (const { type, value } of formatterOf(timeZone).formatToParts(wholeSeconds)) {
    shown[type] = Number(value);
  }
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
  return Date.UTC(year, month - 1, day, hour, minute, second) - wholeSeconds;
}
