/** Hours of the week as people say them on the command line. */

import type { WeeklyHours, WeeklySpan } from '../../domain/schedules/weekly-hours.js';
import { notUnderstood, weekday } from './schedule-phrase.js';
import { WEEKDAYS_FROM_MONDAY, type Weekday } from '../../domain/schedules/day-names.js';

export const HOURS_PHRASES = '"daily 22:00-05:00", "mon-fri 20:00-06:00" or "sat,sun all"';

/** The server checks the times. @throws REQUEST_INVALID when the phrase is none of HOURS_PHRASES */
export function parseHours(phrase: string): WeeklySpan {
  const [days = '', times = '', ...rest] = phrase.trim().split(/\s+/);
  const [, from, to] = /^(\d\d:\d\d)-(\d\d:\d\d)$/.exec(times) ?? [];
  const span =
    times === 'all' ? ALL_DAY : from === undefined || to === undefined ? null : { from, to };
  if (rest.length > 0 || span === null) throw notUnderstood('hours', phrase, HOURS_PHRASES);
  return { days: parseDays(days, phrase), ...span };
}

const ALL_DAY = { from: '00:00', to: '00:00' };

function parseDays(days: string, phrase: string): Weekday[] {
  if (days === 'daily') return [...WEEKDAYS_FROM_MONDAY];
  return days.split(',').flatMap((part) => {
    const [first = '', last, ...rest] = part.split('-');
    const from = weekday(first);
    if (last === undefined) return [from];
    const firstAt = WEEKDAYS_FROM_MONDAY.indexOf(from);
    const lastAt = WEEKDAYS_FROM_MONDAY.indexOf(weekday(last));
    if (rest.length > 0 || lastAt < firstAt) throw notUnderstood('hours', phrase, HOURS_PHRASES);
    return WEEKDAYS_FROM_MONDAY.slice(firstAt, lastAt + 1);
  });
}

/** In the words of `parseHours`. */
export function describeHours({ spans, timeZone }: WeeklyHours): string {
  return `${spans.map(describeSpan).join('; ')} ${timeZone}`;
}

export function describeSpan({ days, from, to }: WeeklySpan): string {
  const named = days.length === WEEKDAYS_FROM_MONDAY.length ? 'daily' : days.join(',');
  return `${named} ${from === to && from === '00:00' ? 'all' : `${from}-${to}`}`;
}
