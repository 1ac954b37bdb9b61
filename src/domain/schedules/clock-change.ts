/** Times of day that clocks skip or show twice, and where a start at such a time goes. Temporal calendars do not start a time that clocks skip, and one that
 *  they show twice twice, once, or shifted within its hour, depending on the zone (checked with server 1.32), so a job's Schedule names those days itself. */

import { dateOfDayNumber, instantOf, offsetMs } from './calendar-date.js';
import type { CalendarEntry, CalendarMonth } from './calendar.js';
import { DAY_MS } from '../elapsed.js';

/** Minutes since 1970-01-01 00:00 as clocks of a zone show them, end excluded, that are shown never or twice. */
interface ClockChange {
  readonly fromMinute: number;
  readonly untilMinute: number;
}

/** When something starts, by what clocks show. */
export interface LocalTimes {
  /** Minutes of the day, each at most once. */
  readonly minutes: readonly number[];
  /** Whether the day (`dayNumber`) is one of those. */
  readonly isDay: (day: number) => boolean;
}

/** What a Temporal calendar needs beside the plain times: starts of its own, and times at which it must not start. */
interface MovedStarts {
  readonly calendars: CalendarEntry[];
  readonly skip: CalendarEntry[];
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;
const HOUR_MINUTES = 60;
/** Two changes that undo each other lie weeks apart in every zone (shortest today: Morocco, around Ramadan). */
const STEP_MS = 7 * DAY_MS;
/** Years that a Temporal calendar knows. */
const FIRST_YEAR = 2000;
const LAST_YEAR = 2100;

const MONTHS: readonly CalendarMonth[] = [
  'JANUARY',
  'FEBRUARY',
  'MARCH',
  'APRIL',
  'MAY',
  'JUNE',
  'JULY',
  'AUGUST',
  'SEPTEMBER',
  'OCTOBER',
  'NOVEMBER',
  'DECEMBER',
];

/** On a day on which clocks skip or repeat its time, a start goes to the first later minute of that day that is shown exactly once, or, where
 *  the day has none, to the last such minute before: once on each day, whatever clocks do, and never on another day. From `fromMs` to the end of the
 *  calendar, by the rules that the zone has today. */
export function movedStarts(times: LocalTimes, timeZone: string, fromMs: number): MovedStarts {
  const moved: MovedStarts = { calendars: [], skip: [] };
  const fromMinute = fromMs / MINUTE_MS;
  for (const change of clockChanges(timeZone)) {
    if (change.untilMinute < fromMinute) continue;
    const lastDay = Math.floor((change.untilMinute - 1) / DAY_MINUTES);
    for (let day = Math.floor(change.fromMinute / DAY_MINUTES); day <= lastDay; day += 1) {
      if (times.isDay(day)) addDay(moved, day, change, times.minutes);
    }
  }
  return moved;
}

/** Asking for the offsets of a century takes some milliseconds, so each zone's answer is kept. */
const changesOfZone = new Map<string, readonly ClockChange[]>();

/** All that a Temporal calendar could meet, oldest first. */
function clockChanges(timeZone: string): readonly ClockChange[] {
  let changes = changesOfZone.get(timeZone);
  if (changes === undefined) {
    changes = findClockChanges(timeZone);
    changesOfZone.set(timeZone, changes);
  }
  return changes;
}

function findClockChanges(timeZone: string): ClockChange[] {
  const changes: ClockChange[] = [];
  let beforeMs = Date.UTC(FIRST_YEAR, 0, 1);
  let offset = offsetMs(beforeMs, timeZone);
  while (beforeMs < Date.UTC(LAST_YEAR + 1, 0, 1)) {
    const afterMs = beforeMs + STEP_MS;
    const offsetAfter = offsetMs(afterMs, timeZone);
    if (offsetAfter !== offset) {
      const atMs = instantOfChange(timeZone, beforeMs, afterMs);
      changes.push({
        fromMinute: Math.floor((atMs + Math.min(offset, offsetAfter)) / MINUTE_MS),
        untilMinute: Math.ceil((atMs + Math.max(offset, offsetAfter)) / MINUTE_MS),
      });
    }
    beforeMs = afterMs;
    offset = offsetAfter;
  }
  return changes;
}

function instantOfChange(timeZone: string, beforeMs: number, afterMs: number): number {
  const offset = offsetMs(beforeMs, timeZone);
  let [low, high] = [beforeMs, afterMs];
  while (high - low > 1_000) {
    const middle = Math.floor((low + high) / 2_000) * 1_000;
    if (offsetMs(middle, timeZone) === offset) low = middle;
    else high = middle;
  }
  return high;
}

function addDay(
  { calendars, skip }: MovedStarts,
  day: number,
  { fromMinute, untilMinute }: ClockChange,
  minutes: readonly number[],
): void {
  const from = fromMinute - day * DAY_MINUTES;
  const until = untilMinute - day * DAY_MINUTES;
  const isChanged = (minute: number): boolean => minute >= from && minute < until;
  const changed = minutes.filter(isChanged);
  const target = movedMinute(from, until);
  if (changed.length === 0 || target === null) return;
  const comment =
    changed.length === 1 ? `clocks change at ${timeText(changed[0]!)}` : 'clocks change';
  calendars.push({ ...dateFields(day), ...timeFields(target), comment });
  const kept = new Set([target, ...minutes.filter((minute) => !isChanged(minute))]);
  for (const hour of new Set(changed.map((minute) => Math.floor(minute / HOUR_MINUTES)))) {
    // The whole hour: where clocks skip half of it, Temporal starts in the other half.
    const others = Array.from({ length: HOUR_MINUTES }, (_, minute) => minute).filter(
      (minute) => !kept.has(hour * HOUR_MINUTES + minute),
    );
    skip.push({ ...dateFields(day), hour, minute: rangesOf(others), comment });
  }
}

/** Where starts between these minutes of a day go; null: the day does not exist at all (Samoa left out 30 December 2011). */
function movedMinute(from: number, until: number): number | null {
  const target = until < DAY_MINUTES ? until : from - 1;
  return target < 0 ? null : target;
}

/** When a Schedule starts on this day (`dayNumber`) what is to start at this minute of it, by the same rule. Epoch milliseconds; on a day that does not
 *  exist, when it would have been. */
export function startMs(day: number, minute: number, timeZone: string): number {
  const shown = day * DAY_MINUTES + minute;
  const change = clockChanges(timeZone).find(
    ({ fromMinute, untilMinute }) => shown >= fromMinute && shown < untilMinute,
  );
  const moved =
    change === undefined
      ? null
      : movedMinute(change.fromMinute - day * DAY_MINUTES, change.untilMinute - day * DAY_MINUTES);
  return instantOf(day, moved ?? minute, timeZone);
}

function dateFields(day: number): Pick<CalendarEntry, 'year' | 'month' | 'dayOfMonth'> {
  const { year, month, day: dayOfMonth } = dateOfDayNumber(day);
  return { year: [{ start: year, end: year, step: 1 }], month: [MONTHS[month - 1]!], dayOfMonth };
}

function timeFields(minute: number): Pick<CalendarEntry, 'hour' | 'minute'> {
  return { hour: Math.floor(minute / HOUR_MINUTES), minute: minute % HOUR_MINUTES };
}

function timeText(minute: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(minute / HOUR_MINUTES))}:${two(minute % HOUR_MINUTES)}`;
}

/** Ascending numbers as ranges. */
function rangesOf(values: readonly number[]): { start: number; end: number; step: number }[] {
  const ranges: { start: number; end: number; step: number }[] = [];
  for (const value of values) {
    const last = ranges.at(-1);
    if (last !== undefined && last.end === value - 1) last.end = value;
    else ranges.push({ start: value, end: value, step: 1 });
  }
  return ranges;
}
