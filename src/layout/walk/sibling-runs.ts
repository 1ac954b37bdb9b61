import { isBackupError } from '../../domain/errors.js';
import type { SourceRepository } from '../../repository/backup-repository.js';
import { datedPlace, placeOfUndated, type DatedPlace } from '../names/dated-folders.js';
import { isOfOnePlace } from '../unread-place.js';

/** Names of all places together: a repository of many machines has a place for each. */
const MAX_NAMES = 200_000;

/** Folders that differ in their dates alone: those of the runs of one script, `2026-11-23/vms` and `2026-11-24/vms`. */
interface Place {
  /** Not listed so far. */
  readonly runs: Run[];
  /** By name of a file, the date of the run that holds it; null: several do. */
  readonly holders: Map<string, string | null>;
  /** Of the runs that cannot be listed. */
  readonly errors: { readonly date: string; readonly error: unknown }[];
  /** Names of files and runs that it has held. */
  weight: number;
}

interface Run {
  /** Path within the repository. */
  readonly folder: string;
  readonly date: string;
}

/** What the runs of scripts hold, for one look: each run is listed once, when it is first asked for, however many files and folders ask. One question at a time. */
export class SiblingRuns {
  readonly #places = new Map<string, Place>();
  #held = 0;
  #last: { readonly question: string; readonly answer: Promise<unknown> } | null = null;

  constructor(
    private readonly repository: SourceRepository,
    private readonly maxNames = MAX_NAMES,
  ) {}

  /** Whether another run than this folder holds a file of this name. What several runs hold is no machine that somebody has put into the folder of a day,
   *  whenever it was written: a source that was moved without its times has all of them from one day.
   *  @param folder path within the repository
   *  @throws what the repository throws; of a run that cannot be listed only where no other one holds it */
  async hold(folder: string, name: string): Promise<boolean> {
    const date = datedPlace(folder).date?.date;
    const place = date === undefined ? null : await this.#placeOf(folder);
    if (date === undefined || place === null) return false;
    for (;;) {
      const holder = place.holders.get(name);
      if (holder !== undefined && holder !== date) return true;
      const next = place.runs.pop();
      if (next === undefined) break;
      const before = place.holders.size;
      await this.#listInto(place, next);
      place.weight += place.holders.size - before;
      this.#held += place.holders.size - before;
    }
    const unread = place.errors.find((one) => one.date !== date);
    if (unread !== undefined) throw unread.error;
    return false;
  }

  /** An answer of one look that many folders ask for, one after the other: it is kept until another question comes.
   *  @throws what `find` throws, whoever asks */
  async once<T>(question: string, find: () => Promise<T>): Promise<T> {
    if (this.#last?.question !== question) this.#last = { question, answer: find() };
    return this.#last.answer as Promise<T>;
  }

  async #listInto({ holders, errors }: Place, { folder, date }: Run): Promise<void> {
    try {
      for (const { type, name } of await this.repository.list(folder)) {
        if (type !== 'file') continue;
        const known = holders.get(name);
        holders.set(name, known === undefined || known === date ? date : null);
      }
    } catch (error) {
      // There is a file, or a link, where this run has a folder.
      if (isBackupError(error, 'PATH_FORBIDDEN')) return;
      if (!isOfOnePlace(error)) throw error;
      errors.push({ date, error });
    }
  }

  /** null: no folder of the path has a date. */
  async #placeOf(folder: string): Promise<Place | null> {
    const names = folder.split('/');
    const depth = depthOfDate(names);
    if (depth === null) return null;
    const above = names.slice(0, depth).join('/');
    const below = names.slice(depth + 1);
    const { place } = datedPlace(folder);
    const key = JSON.stringify([above, below, place]);
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const runs = await this.#runsOf(above, below, place);
    this.#forgetSome();
    const found: Place = { runs, holders: new Map(), errors: [], weight: runs.length };
    this.#places.set(key, found);
    this.#held += runs.length;
    return found;
  }

  async #runsOf(above: string, below: readonly string[], place: string): Promise<Run[]> {
    const entries = await this.repository.list(above);
    return entries.flatMap(({ type, path }) => {
      if (type !== 'folder') return [];
      const folder = [path, ...below].join('/');
      const dated = datedPlace(folder);
      const isRun = dated.place === place && dated.date !== null;
      return isRun ? [{ folder, date: dated.date.date }] : [];
    });
  }

  /** What is asked for again is listed again. */
  #forgetSome(): void {
    for (const [key, { weight }] of this.#places) {
      if (this.#held <= this.maxNames) return;
      this.#held -= weight;
      this.#places.delete(key);
    }
  }
}

/** Where files lie that have no date in their names, and are one thing.
 *  @param folder path within the repository
 *  @param dated of the folder
 *  @param writtenAtMs when the last of them was written to
 *  @returns `isDoubtful`: whether they lie in a folder of a run is told by what lies beside that, and may change
 *  @throws as `SiblingRuns.hold` */
export async function placeBesideRuns(
  siblings: SiblingRuns,
  { folder, names }: { readonly folder: string; readonly names: readonly string[] },
  dated: DatedPlace,
  writtenAtMs: number,
): Promise<{ readonly place: DatedPlace; readonly isDoubtful: boolean }> {
  const place = placeOfUndated(folder, dated, writtenAtMs);
  const isDoubtful = place !== dated;
  for (const name of isDoubtful ? names : [])
    if (await siblings.hold(folder, name)) return { place: dated, isDoubtful };
  return { place, isDoubtful };
}

/** Of the innermost folder with a date; null: none has one. */
function depthOfDate(names: readonly string[]): number | null {
  for (let depth = names.length - 1; depth >= 0; depth--) {
    const without = datedPlace(names.slice(0, depth).join('/')).date;
    const date = datedPlace(names.slice(0, depth + 1).join('/')).date;
    if (date !== null && date.date !== without?.date) return depth;
  }
  return null;
}
