/** Cron expressions, as far as a job may use them: the five fields of crontab. What else the Temporal server takes (seconds, `@every`,
 *  `TZ=`) would bypass the job's own fields. */

import { dateOfDayNumber, weekdayOf } from './calendar-date.js';
import type { LocalTimes } from './clock-change.js';

interface CronField {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  /** Lower case, the first one standing for `namesFrom`. */
  readonly names: readonly string[];
  readonly namesFrom: number;
}

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const WEEKDAYS = 'sun mon tue wed thu fri sat'.split(' ');

const FIELDS: readonly CronField[] = [
  { name: 'minute', first: 0, last: 59, names: [], namesFrom: 0 },
  { name: 'hour', first: 0, last: 23, names: [], namesFrom: 0 },
  { name: 'day of month', first: 1, last: 31, names: [], namesFrom: 1 },
  { name: 'month', first: 1, last: 12, names: MONTHS, namesFrom: 1 },
  { name: 'day of week', first: 0, last: 7, names: WEEKDAYS, namesFrom: 0 },
];

/** What is wrong with a cron expression, in plain words; null: nothing. */
export function cronFault(expression: string): string | null {
  const values = expression.trim().split(/\s+/);
  if (values.length !== FIELDS.length) {
    return 'a cron expression has five fields: minute, hour, day of month, month, day of week';
  }
  const wrong = FIELDS.findIndex(
    (field, index) => !(values[index] ?? '').split(',').every((part) => isCronPart(part, field)),
  );
  const field = FIELDS[wrong];
  if (field === undefined) return bothDaysFault(values) ?? noDayFault(values);
  return `${String(values[wrong])} is not a valid ${field.name} (${String(field.first)} to ${String(field.last)})`;
}

/** Crontab starts when either of two restricted day fields matches, the Temporal server only when both do (checked with 1.32). */
function bothDaysFault(values: readonly string[]): string | null {
  const [, , dayOfMonth = '*', , dayOfWeek = '*'] = values;
  return dayOfMonth.startsWith('*') || dayOfWeek.startsWith('*')
    ? null
    : 'give the day of month or the day of week, not both: one of them must be *';
}

/** Nothing would ever start, and nobody be told: the Temporal server deletes a Schedule without a future time in the end. */
function noDayFault(values: readonly string[]): string | null {
  const [days, months] = [2, 3].map((index) => cronValues(values[index]!, FIELDS[index]!));
  const longest = Math.max(...[...months!].map((month) => LONGEST_MONTHS[month - 1]!));
  const first = Math.min(...days!);
  return first <= longest ? null : `no month that it names has a day ${String(first)}`;
}

/** Days of each month, at most. */
const LONGEST_MONTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** `*`, `a` or `a-b`, each with an optional `/step`. */
function isCronPart(part: string, field: CronField): boolean {
  const match = /^(?:\*|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:\/([1-9]\d?))?$/i.exec(part);
  if (match === null) return false;
  const [, from, to] = match;
  if (from === undefined) return true;
  const start = cronValue(from, field);
  const end = to === undefined ? start : cronValue(to, field);
  return start !== null && end !== null && start <= end;
}

function cronValue(text: string, field: CronField): number | null {
  const index = field.names.indexOf(text.toLowerCase());
  if (index >= 0) return index + field.namesFrom;
  if (!/^\d{1,2}$/.test(text)) return null;
  const value = Number(text);
  return value >= field.first && value <= field.last ? value : null;
}

/** When a valid expression starts; null when it goes by the hours that pass: its hour is `*` or a step of it. */
export function cronTimes(expression: string): LocalTimes | null {
  const values = expression.trim().split(/\s+/);
  if (values[1]?.startsWith('*') !== false) return null;
  const matched = FIELDS.map((field, index) => cronValues(values[index] ?? '', field));
  const [minutes, hours, daysOfMonth, months, weekdays] = matched as [
    CronSet,
    CronSet,
    CronSet,
    CronSet,
    CronSet,
  ];
  return {
    minutes: [...hours].flatMap((hour) => [...minutes].map((minute) => hour * 60 + minute)),
    isDay: (number) => {
      const { month, day } = dateOfDayNumber(number);
      const weekday = weekdayOf(number);
      const isWeekday = weekdays.has(weekday) || (weekday === 0 && weekdays.has(7));
      return isWeekday && daysOfMonth.has(day) && months.has(month);
    },
  };
}

type CronSet = ReadonlySet<number>;

/** A step after a single value goes on to the end of the field, as the Temporal server takes it. */
function cronValues(text: string, field: CronField): CronSet {
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const [range = '', step] = part.split('/');
    const [from = '', to] = range.split('-');
    const start = range === '*' ? field.first : (cronValue(from, field) ?? field.first);
    const open = range === '*' || (to === undefined && step !== undefined);
    const end = open ? field.last : (cronValue(to ?? from, field) ?? start);
    for (let value = start; value <= end; value += Number(step ?? 1)) values.add(value);
  }
  return values;
}
