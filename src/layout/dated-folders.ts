import { parseDatedName, type FoundDate } from './dated-name.js';

/** Where backups lie whose tool, or script, is given a folder of its own for each run: `2026-11-24/web01.img`, `web01/20261124/web01.ovf`,
 *  `backups-2026-11-24/vms/web01.img`, `2026/11/24/web01.img`. What is called the same in such folders is the same workload at another time. */
export interface DatedPlace {
  /** The folder without what changes from run to run: other dates give the same. */
  readonly place: string;
  /** Date of the innermost folder that has one; null: none has. */
  readonly date: FoundDate | null;
}

/** @param folder path within the repository; `''` is the root */
export function datedPlace(folder: string): DatedPlace {
  const kept: string[] = [];
  let date: FoundDate | null = null;
  for (const name of folder === '' ? [] : folder.split('/')) {
    const whole = dayOfThree(kept, name);
    const dated = parseDatedName(whole ?? name);
    if (dated === null) {
      kept.push(name);
      continue;
    }
    date = { date: dated.date, createdAtMs: dated.createdAtMs };
    dropPeriods(kept, dated.createdAtMs);
    if (dated.stem !== '') kept.push(dated.stem);
  }
  return { place: kept.join('/'), date };
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
