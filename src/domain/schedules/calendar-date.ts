/** Calendar dates in a time zone. All calendar arithmetic of the domain happens here; the rest compares days and instants.
 *
 *  Gregorian, years 1 to 9999. The arithmetic is that of ECMAScript's Temporal (proposal-temporal), by its polyfill also where the engine has it, so
 *  that a replay reckons as the first run did; its zone offsets come from `Intl`, which the sandbox of workflows has as well. */

import { Temporal } from 'temporal-polyfill/implementation';
import { WEEKDAYS_FROM_MONDAY, type Weekday } from './day-names.js';
import { DAY_MS } from '../elapsed.js';

export interface CalendarDate {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to the last day of the month. */
  readonly day: number;
}

/** In the order of `weekdayOf`: 0 is Sunday. */
export const WEEKDAYS: readonly Weekday[] = ['sunday', ...WEEKDAYS_FROM_MONDAY.slice(0, 6)];

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
  return new Temporal.PlainYearMonth(year, month).daysInMonth;
}

/** A day that the month does not have becomes the month's last one: 31 January + 1 month = 28 or 29 February. */
export function addMonthsClamped({ year, month, day }: CalendarDate, months: number): CalendarDate {
  const date = new Temporal.PlainDate(year, month, day).add({ months });
  return { year: date.year, month: date.month, day: date.day };
}

/** `2026-11-24`. */
export function isoDate({ year, month, day }: CalendarDate): string {
  return new Temporal.PlainDate(year, month, day).toString();
}

/** `2026-11-24`: the day of an instant in UTC. */
export function utcDay(instantMs: number): string {
  return new Date(instantMs).toISOString().slice(0, 10);
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
    const known = new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone;
    return known === name || known.toLowerCase() !== name.toLowerCase();
  } catch {
    return false;
  }
}

export function calendarDateOf(instantMs: number, timeZone: string): CalendarDate {
  const { year, month, day } = inZone(instantMs, timeZone);
  return { year, month, day };
}

/** Day number of the date that `timeZone` shows at this instant. */
export function dayNumberOf(instantMs: number, timeZone: string): number {
  return dayNumber(calendarDateOf(instantMs, timeZone));
}

/** First instant at which clocks in `timeZone` show `minuteOfDay` of this day or, where they skip it, the first one after the gap
 *  shifted by as much as the gap is long (02:30 becomes 03:30). A time that clocks show twice means the first. */
export function instantOf(days: number, minuteOfDay: number, timeZone: string): number {
  const { year, month, day } = dateOfDayNumber(days);
  const shown = new Temporal.PlainDateTime(year, month, day).add({ minutes: minuteOfDay });
  return shown.toZonedDateTime(timeZone, { disambiguation: 'compatible' }).epochMilliseconds;
}

export function startOfDayMs(days: number, timeZone: string): number {
  return instantOf(days, 0, timeZone);
}

/** Minute of the day of `hh:mm`. */
export function minuteOfDay(time: string): number {
  const [hour = '0', minute = '0'] = time.split(':');
  return Number(hour) * 60 + Number(minute);
}

/** What clocks in the zone show, minus UTC. */
export function offsetMs(instantMs: number, timeZone: string): number {
  return inZone(instantMs, timeZone).offsetNanoseconds / NS_PER_MS;
}

const NS_PER_MS = 1e6;

function inZone(instantMs: number, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(instantMs).toZonedDateTimeISO(timeZone);
}
