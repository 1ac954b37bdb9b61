import { parseDatedName, type FoundDate } from './dated-name.js';

/** Where backups lie whose tool, or script, is given a folder of its own for each run: `2026-11-24/web01.img`, `web01/20261124/web01.ovf`,
 *  `backups-2026-11-24/vms/web01.img`, `2026/11/24/web01.img`. What is called the same in such folders is the same workload at another time. */
export interface DatedPlace {
  /** The folder without what changes from run to run: other dates give the same. */
  readonly place: string;
  /** Date of the innermost folder that has one; null: none has. */
  readonly date: FoundDate | null;
}

/** Of a folder without any other name, `20261124_1001`, nothing tells whether that is a machine or a time. */
const DAY_AND_NUMBER = /^(?:\d{8}|\d{4}(?<sep>[-_.])\d\d\k<sep>\d\d)[-_. ](?<number>\d{4})$/;

/** @param folder path within the repository; `''` is the root */
export function datedPlace(folder: string): DatedPlace {
  const kept: string[] = [];
  let date: FoundDate | null = null;
  for (const name of folder === '' ? [] : folder.split('/')) {
    const whole = dayOfThree(kept, name);
    const number = DAY_AND_NUMBER.exec(name)?.groups?.number;
    const dated = parseDatedName(
      whole ?? (number === undefined ? name : name.slice(0, -number.length - 1)),
    );
    if (dated === null) {
      kept.push(name);
      continue;
    }
    date = { date: dated.date, createdAtMs: dated.createdAtMs };
    dropPeriods(kept, dated.createdAtMs);
    if (dated.stem !== '') kept.push(dated.stem);
    else if (number !== undefined) kept.push(number);
  }
  return { place: kept.join('/'), date };
}

/** What a folder may be as the place of a workload: without its dates, or as it is called. */
export function placesOf(folder: string): string[] {
  return [...new Set([datedPlace(folder).place, folder])];
}

/** `24` in `2026/11`: the date; null: it is no day there. */
function dayOfThree(above: readonly string[], name: string): string | null {
  const [year = '', month = ''] = above.slice(-2);
  const isDay = /^\d{4}$/.test(year) && /^\d\d$/.test(month) && /^\d\d$/.test(name);
  return isDay ? `${year}-${month}-${name}` : null;
}

/** Folders of a year or a month right above that of a day: `2026`, `2026-11`, `2026/11`. */
function dropPeriods(above: string[], createdAtMs: number): void {
  const [year, month] = new Date(createdAtMs).toISOString().split('-') as [string, string];
  const isOfMonth = [`${year}-${month}`, `${year}_${month}`, `${year}${month}`].includes(
    above.at(-1) ?? '',
  );
  if (isOfMonth || (above.at(-1) === month && above.at(-2) === year)) above.pop();
  if (above.at(-1) === year) above.pop();
}

/** A run takes less, with a day for the zone of its clock. */
export const MAX_RUN_MS = 3 * 24 * 60 * 60_000;

/** Where a file lies that has no date in its name. The folder of a day, `migrated-20240115`, that is still written to long after it is no folder of a
 *  run: its date says nothing of such a file.
 *  @param fileWrittenAtMs when the file was last written to */
export function placeOfUndated(
  folder: string,
  dated: DatedPlace,
  fileWrittenAtMs: number,
): DatedPlace {
  const isOfRun = dated.date === null || fileWrittenAtMs <= dated.date.createdAtMs + MAX_RUN_MS;
  return isOfRun ? dated : { place: folder, date: null };
}

/** What dates a file: its name, or else the folders that it lies in; where both are of one day, the one that holds a time.
 *  @param named of its name */
export function dateOfBoth(named: FoundDate | null, { date }: DatedPlace): FoundDate | null {
  if (named === null || date === null) return named ?? date;
  const isSameDay = dayOf(named) === dayOf(date);
  return isSameDay && digitsIn(date) > digitsIn(named) ? date : named;
}

function dayOf({ createdAtMs }: FoundDate): string {
  return new Date(createdAtMs).toISOString().slice(0, 10);
}

function digitsIn({ date }: FoundDate): number {
  return date.replaceAll(/\D/g, '').length;
}
