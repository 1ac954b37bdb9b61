import { namedDateMs } from './named-date.js';

export interface FoundDate {
  /** As it is written. */
  readonly date: string;
  readonly createdAtMs: number;
}

/** A name of people's own making that holds a date: `web01-2026-11-24`, `20261124T0130_web01`, `web01-2026-11-24-full`, `tank@2026-11-24_21-05-09`. */
export interface DatedName extends FoundDate {
  /** What stays from run to run; empty for a name that is a date alone. */
  readonly stem: string;
}

/** What stands between a date and the rest of a name. */
const BETWEEN = '[-_.@ ]';
const DAY = String.raw`(?<year>(?:19|20)\d\d)(?<sep>[-_.]?)(?<month>\d\d)\k<sep>(?<day>\d\d)`;
const TIME = String.raw`[-_T. ]?(?<hour>\d\d)[-_.:h]?(?<minute>\d\d)(?:[-_.:m]?(?<second>\d\d)(?:[.,]\d{3,9})?)?(?<zone>Z|[-+]\d\d:\d\d|\+\d{4}|(?<=:\d\d)-\d{4})?`;
const DATE = new RegExp(`(?<=^|${BETWEEN})${DAY}(?:${TIME})?(?=$|${BETWEEN})`, 'g');
/** What may be a time, and may be the number of a machine: four digits and no more. */
const BARE_TIME = /(?<=\d)[-_. ]\d{4}$/;
/** Its groups may be digits alone, and no date. */
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;
const EDGES = new RegExp(`^${BETWEEN}+|${BETWEEN}+$`, 'g');

/** Of several dates the last one counts, as of `from-2026-11-23-to-2026-11-24`: the others belong to the stem. Four digits alone are a time at the
 *  end of a name; before more of it they may be what tells machines apart (`20261124-1001-web`), and belong to the stem.
 *  @returns null: it holds none. One with the day first is none: `sql-10.12.2019` may be a version, `sql-01-01-2019` the first machine of 2019 */
export function parseDatedName(name: string): DatedName | null {
  const masked = name.replaceAll(UUID, (uuid) => 'x'.repeat(uuid.length));
  for (const match of [...masked.matchAll(DATE)].reverse()) {
    const [whole, parts = {}] = [match[0], match.groups];
    const isAtEnd = match.index + whole.length === name.length;
    const { year, month, day, second, zone } = parts;
    const isTime = isAtEnd || second !== undefined || zone !== undefined;
    const date = isTime ? whole : whole.replace(BARE_TIME, '');
    const createdAtMs = dateMs(date === whole ? parts : { year, month, day });
    if (createdAtMs === null) continue;
    const before = name.slice(0, match.index);
    const after = name.slice(match.index + date.length).replace(EDGES, '');
    const bare = before.replace(EDGES, '');
    const joint = before.slice(-1) || '-';
    const stem = bare === '' || after === '' ? bare + after : bare + joint + after;
    return { stem, date, createdAtMs };
  }
  return null;
}

/** What a place is called, by its path, without dates. */
export function calledWithoutDates(path: string): string {
  const stems = path.split('/').map((part) => parseDatedName(part)?.stem ?? part);
  return stems.filter((stem) => stem !== '').join('-');
}

function dateMs(parts: Readonly<Record<string, string | undefined>>): number | null {
  const localMs = namedDateMs(parts);
  return localMs === null ? null : localMs - zoneMs(parts.zone);
}

/** By how much its time is ahead of UTC. Without a zone it is taken for UTC. */
function zoneMs(zone = 'Z'): number {
  const parts = /^([-+])(\d\d):?(\d\d)$/.exec(zone);
  if (parts === null) return 0;
  const [, sign, hours, minutes] = parts;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}
