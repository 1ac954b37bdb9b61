/** Hours that come round every week, in a time zone: those in which a job may copy, and those in which a limit holds. */

import { dayNumberOf, instantOf, minuteOfDay, weekdayOf, WEEKDAYS } from './calendar-date.js';
import type { Weekday } from './day-names.js';
import { DAY_MS } from '../elapsed.js';

/** From one time of day to another one on each of these days; a time that is not later than `from` is of the next day. `HH:MM`. */
export interface WeeklySpan {
  readonly days: readonly Weekday[];
  readonly from: string;
  readonly to: string;
}

export interface WeeklyHours {
  /** IANA name. */
  readonly timeZone: string;
  /** At least one. */
  readonly spans: readonly WeeklySpan[];
}

interface HoursState {
  readonly isOpen: boolean;
  /** When that changes; null: never. */
  readonly changesAtMs: number | null;
}

/** Whether any span holds at `nowMs`; its end is no longer part of it. */
export function hoursAt({ timeZone, spans }: WeeklyHours, nowMs: number): HoursState {
  const open = spans.flatMap((span) => occurrences(span, timeZone, nowMs));
  const isOpen = open.some((occurrence) => holds(occurrence, nowMs));
  if (!isOpen) {
    const begins = open.map(({ fromMs }) => fromMs).filter((fromMs) => fromMs > nowMs);
    return { isOpen, changesAtMs: Math.min(...begins) };
  }
  let endMs = nowMs;
  for (;;) {
    const longer = open.filter(({ fromMs, toMs }) => fromMs <= endMs && toMs > endMs);
    if (longer.length === 0) break;
    endMs = Math.max(...longer.map(({ toMs }) => toMs));
  }
  return { isOpen, changesAtMs: endMs - nowMs > WEEK_MS ? null : endMs };
}

/** Whether this span holds at `nowMs`. */
export function spanHolds(span: WeeklySpan, timeZone: string, nowMs: number): boolean {
  return occurrences(span, timeZone, nowMs).some((occurrence) => holds(occurrence, nowMs));
}

interface Occurrence {
  readonly fromMs: number;
  readonly toMs: number;
}

const WEEK_MS = 7 * DAY_MS;
/** Days on either side of now that are looked at: the span that began yesterday, and a week ahead with the day on which it comes round. */
const DAYS_BACK = 1;
const DAYS_AHEAD = 8;

function holds({ fromMs, toMs }: Occurrence, nowMs: number): boolean {
  return fromMs <= nowMs && nowMs < toMs;
}

function occurrences(span: WeeklySpan, timeZone: string, nowMs: number): Occurrence[] {
  const today = dayNumberOf(nowMs, timeZone);
  const from = minuteOfDay(span.from);
  const to = minuteOfDay(span.to);
  const found: Occurrence[] = [];
  for (let day = today - DAYS_BACK; day <= today + DAYS_AHEAD; day++) {
    if (!span.days.includes(WEEKDAYS[weekdayOf(day)]!)) continue;
    const toMs = instantOf(to > from ? day : day + 1, to, timeZone);
    found.push({ fromMs: instantOf(day, from, timeZone), toMs });
  }
  return found;
}

/** What is wrong with the days of a span; null: nothing. */
export function spanDaysFault({ days }: WeeklySpan): string | null {
  if (days.length === 0) return 'name at least one day of the week';
  return new Set(days).size < days.length ? 'a day of the week is named twice' : null;
}
