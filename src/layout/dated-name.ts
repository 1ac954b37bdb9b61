import { namedDateMs } from './named-date.js';

/** A name of people's own making that holds a date: `web01-2026-11-24`, `web01_20261124T0130`, `2026-11-24_21-05-09`. */
export interface DatedName {
  /** What stays from run to run; empty for a name that is a date alone. */
  readonly stem: string;
  /** The date as it is written. */
  readonly date: string;
  readonly createdAtMs: number;
}

const DATED =
  /^(?:(?<stem>.*?)[-_. ]+)?(?<date>(?<year>(?:19|20)\d\d)(?<sep>[-_.]?)(?<month>\d\d)\k<sep>(?<day>\d\d)(?:[-_T. ]?(?<hour>\d\d)[-_.h]?(?<minute>\d\d)(?:[-_.m]?(?<second>\d\d))?Z?)?)$/;

/** null: it does not end in a date. */
export function parseDatedName(name: string): DatedName | null {
  const parts = DATED.exec(name)?.groups;
  if (parts === undefined) return null;
  const createdAtMs = namedDateMs(parts);
  if (createdAtMs === null) return null;
  return { stem: parts.stem ?? '', date: parts.date ?? '', createdAtMs };
}
