import type { RepositoryEntry } from '../../repository/backup-repository.js';
import { FolderReader } from '../trees/tree-reader.js';

/** Entries that are remembered of one folder and those in it. */
const MOST_ENTRIES = 50_000;

/** Reads for the layouts that are asked whose a folder is, one after the other: each of them looks into the folders in it, and they are listed once for all. */
export class SharedReader extends FolderReader {
  readonly #listed = new Map<string, readonly RepositoryEntry[]>();
  #held = 0;

  override async list(folder: string): Promise<RepositoryEntry[]> {
    const known = this.#listed.get(folder) ?? (await super.list(folder));
    if (!this.#listed.has(folder) && this.#held + known.length <= MOST_ENTRIES) {
      this.#listed.set(folder, known);
      this.#held += known.length;
    }
    return [...known];
  }
}
