/** What clocks of a time zone show, minute by minute, asked of `Intl` alone: the measure for schedules, which knows nothing of how they are made. */

export interface ShownMinute {
  readonly instantMs: number;
  /** `2026-10-25`. */
  readonly date: string;
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly dayOfMonth: number;
  /** 0 is Sunday. */
  readonly dayOfWeek: number;
  readonly hour: number;
  readonly minute: number;
}

const QUARTER_MS = 15 * 60_000;
const DAY_MS = 86_400_000;

/** Offset of a zone in minutes at an instant. */
function offsetMinutes(formatter: Intl.DateTimeFormat, instantMs: number): number {
  const [date = '', time = ''] = formatter.format(instantMs).split(' ');
  return Math.round((Date.parse(`${date}T${time}Z`) - instantMs) / 60_000);
}

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
}

/** Minutes from `fromMs` on for so many days. Zones change at quarters of an hour, so their offset is asked once in each. */
export function shownMinutes(timeZone: string, fromMs: number, days: number): ShownMinute[] {
  const formatter = formatterOf(timeZone);
  const shown: ShownMinute[] = [];
  for (let ms = fromMs; ms < fromMs + days * DAY_MS; ms += QUARTER_MS) {
    const offset = offsetMinutes(formatter, ms);
    for (let instantMs = ms; instantMs < ms + QUARTER_MS; instantMs += 60_000) {
      const clock = new Date(instantMs + offset * 60_000);
      shown.push({
        instantMs,
        date: clock.toISOString().slice(0, 10),
        year: clock.getUTCFullYear(),
        month: clock.getUTCMonth() + 1,
        dayOfMonth: clock.getUTCDate(),
        dayOfWeek: clock.getUTCDay(),
        hour: clock.getUTCHours(),
        minute: clock.getUTCMinutes(),
      });
    }
  }
  return shown;
}

/** Instant from which the offset of a zone is another one, and both offsets in minutes. */
interface OffsetChange {
  readonly atMs: number;
  readonly before: number;
  readonly after: number;
}

/** Changes within some years, to the quarter of an hour. */
function offsetChanges(timeZone: string, firstYear: number, lastYear: number): OffsetChange[] {
  const formatter = formatterOf(timeZone);
  const changes: OffsetChange[] = [];
  let before = offsetMinutes(formatter, Date.UTC(firstYear, 0, 1));
  for (let ms = Date.UTC(firstYear, 0, 2); ms < Date.UTC(lastYear + 1, 0, 1); ms += DAY_MS) {
    const after = offsetMinutes(formatter, ms);
    if (after === before) continue;
    let atMs = ms;
    while (offsetMinutes(formatter, atMs - QUARTER_MS) === after) atMs -= QUARTER_MS;
    changes.push({ atMs, before, after });
    before = after;
  }
  return changes;
}

/** All zones whose clocks change within some years; of those that change alike one. */
export function zonesThatChange(
  firstYear: number,
  lastYear: number,
): { timeZone: string; changes: OffsetChange[] }[] {
  const zones = new Map<string, { timeZone: string; changes: OffsetChange[] }>();
  for (const timeZone of Intl.supportedValuesOf('timeZone')) {
    const changes = offsetChanges(timeZone, firstYear, lastYear);
    if (changes.length > 0) zones.set(JSON.stringify(changes), { timeZone, changes });
  }
  return [...zones.values()];
}
