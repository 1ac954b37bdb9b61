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
/** Day first. Hyphens stand between a month and its day as well in America, points do not. */
const DAY_FIRST = String.raw`(?<first>\d\d)(?<join>[-_.])(?<second2>\d\d)\k<join>(?<year2>(?:19|20)\d\d)`;
const TIME = String.raw`[-_T. ]?(?<hour>\d\d)[-_.:h]?(?<minute>\d\d)(?:[-_.:m]?(?<second>\d\d)(?:[.,]\d{3,9})?)?(?<zone>Z|[-+]\d\d:\d\d|\+\d{4}|(?<=:\d\d)-\d{4})?`;
const DATE = new RegExp(
  `(?<=^|${BETWEEN})(?:${DAY}|${DAY_FIRST})(?:${TIME})?(?=$|${BETWEEN})`,
  'g',
);
/** Its groups may be digits alone, and no date. */
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;
const EDGES = new RegExp(`^${BETWEEN}+|${BETWEEN}+$`, 'g');

/** Of several dates the last one counts, as of `from-2026-11-23-to-2026-11-24`: the others belong to the stem.
 *  @returns null: it holds none, or none that can be meant in one way only: `05-11-2026` is a day in May or in November */
export function parseDatedName(name: string): DatedName | null {
  const masked = name.replaceAll(UUID, (uuid) => 'x'.repeat(uuid.length));
  for (const match of [...masked.matchAll(DATE)].reverse()) {
    const createdAtMs = dateMs(match.groups ?? {});
    if (createdAtMs === null) continue;
    const [date] = match;
    const before = name.slice(0, match.index);
    const after = name.slice(match.index + date.length).replace(EDGES, '');
    const bare = before.replace(EDGES, '');
    const joint = before.slice(-1) || '-';
    const stem = bare === '' || after === '' ? bare + after : bare + joint + after;
    return { stem, date, createdAtMs };
  }
  return null;
}

function dateMs(parts: Readonly<Record<string, string | undefined>>): number | null {
  const localMs = namedDateMs(parts.year === undefined ? dayFirst(parts) : parts);
  return localMs === null ? null : localMs - zoneMs(parts.zone);
}

/** `24-11-2026`, `11-24-2026` and `05.11.2026`, but not `05-11-2026`. */
function dayFirst(
  parts: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  const { first = '', second2 = '', year2, join, ...rest } = parts;
  const isMonthFirst = join !== '.' && Number(second2) > 12;
  const isEither =
    join !== '.' && Number(first) <= 12 && Number(second2) <= 12 && first !== second2;
  if (isEither) return {};
  const [month, day] = isMonthFirst ? [first, second2] : [second2, first];
  return { ...rest, year: year2, month, day };
}

/** By how much its time is ahead of UTC. Without a zone it is taken for UTC. */
function zoneMs(zone = 'Z'): number {
  const parts = /^([-+])(\d\d):?(\d\d)$/.exec(zone);
  if (parts === null) return 0;
  const [, sign, hours, minutes] = parts;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}
