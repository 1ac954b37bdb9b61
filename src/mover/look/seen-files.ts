import type { FactStore } from '../../layout/file-facts.js';
import { DAY_MS, HOUR_MS } from '../../domain/elapsed.js';

/** Whether the files of a copy are there is looked at once in so long while its record stays the same, and at the next look when that was written anew. */
export const FILES_SEEN_FOR_MS = HOUR_MS;

/** Files that one look compares with records, besides those of copies that lacked some. Those of 1,000 machines with 14 points of three files each are 42,000, and
 *  cost 70,000 calls: two seconds on a local disk, and 70 where each call takes a millisecond. */
export const FILES_OF_A_LOOK = 50_000;

/** A copy whose files may be looked at. */
export interface Candidate {
  /** Path within the repository. */
  readonly folder: string;
  /** Of its record. */
  readonly revision: number;
  readonly fileCount: number;
}

interface Seen {
  readonly revision: number;
  readonly atMs: number;
  readonly isWhole: boolean;
}

/** When the files of the copies of a target were last compared with their records. The process remembers it, so that looks that come each minute do
 *  not ask the storage for every file each time. Only what was whole is believed: what lacked files is looked at each time, and is well as soon as
 *  they are back. */
export class SeenFiles {
  readonly #seen: Map<string, Seen>;
  readonly #store: FactStore;
  readonly #key: string;
  readonly #nowMs: number;

  private constructor(store: FactStore, key: string, nowMs: number, seen: Map<string, Seen>) {
    this.#store = store;
    this.#key = key;
    this.#nowMs = nowMs;
    this.#seen = seen;
  }

  static async of(store: FactStore, repositoryId: string, nowMs: number): Promise<SeenFiles> {
    const key = JSON.stringify(['files seen', repositoryId]);
    const text = await store.load(key);
    const seen = text === null ? [] : (JSON.parse(text) as [string, Seen][]);
    return new SeenFiles(store, key, nowMs, new Map(seen));
  }

  /** Folders whose files are to be looked at now, in this order: those that lacked some, then those that were not looked at for the longest, until the look has enough. */
  due(candidates: readonly Candidate[]): ReadonlySet<string> {
    const due = new Set<string>();
    let left = FILES_OF_A_LOOK;
    for (const { folder, fileCount, sinceMs } of this.#inTurn(candidates)) {
      if (sinceMs > this.#nowMs - FILES_SEEN_FOR_MS && sinceMs <= this.#nowMs) continue;
      if (sinceMs !== NOT_WHOLE) {
        if (left <= 0) continue;
        left -= fileCount;
      }
      due.add(folder);
    }
    return due;
  }

  /** When it was looked at last. */
  lackedFiles(folder: string): boolean {
    return this.#seen.get(folder)?.isWhole === false;
  }

  note(folder: string, revision: number, isWhole: boolean): void {
    this.#seen.set(folder, { revision, atMs: this.#nowMs, isWhole });
  }

  /** For later looks. What nobody looked at for a day is not there any more, or is looked at first. */
  keep(): void {
    const kept = [...this.#seen].filter(([, { atMs }]) => atMs > this.#nowMs - DAY_MS);
    this.#store.save(this.#key, JSON.stringify(kept));
  }

  #inTurn(candidates: readonly Candidate[]) {
    return candidates
      .map((candidate) => ({ ...candidate, sinceMs: this.#sinceMs(candidate) }))
      .sort((a, b) => a.sinceMs - b.sinceMs);
  }

  #sinceMs({ folder, revision }: Candidate): number {
    const seen = this.#seen.get(folder);
    if (this.lackedFiles(folder)) return NOT_WHOLE;
    return seen?.revision === revision ? seen.atMs : NEVER;
  }
}

/** In place of the time of a look: they come before all that have one. */
const NOT_WHOLE = -2;
const NEVER = -1;
