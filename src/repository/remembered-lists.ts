import type { RepositoryEntry, SourceRepository } from './backup-repository.js';
import { readingOf } from './plain-functions.js';

/** Entries that are remembered at most, some 10 MiB of memory. */
const MOST_ENTRIES = 25_000;

/** A source whose lists are remembered while one looks at it, for another who looks at it next: so that what both need is listed once. */
export class RememberedLists {
  readonly #lists = new Map<string, RepositoryEntry[]>();
  #entryCount = 0;
  #isGivenOut = false;
  /** Lists as its storage does, and remembers; after `giveOut` each list that is remembered is given out once. */
  readonly source: SourceRepository;

  constructor(repository: SourceRepository) {
    this.source = { ...readingOf(repository), list: (folder) => this.#list(repository, folder) };
  }

  giveOut(): void {
    this.#isGivenOut = true;
  }

  /** What was not given out is listed anew: it is older than what is listed from now on. */
  forget(): void {
    this.#lists.clear();
    this.#entryCount = 0;
  }

  async #list(repository: SourceRepository, folder: string): Promise<RepositoryEntry[]> {
    const known = this.#lists.get(folder);
    if (known !== undefined) {
      this.#lists.delete(folder);
      this.#entryCount -= known.length;
      if (this.#isGivenOut) return known;
    }
    const entries = await repository.list(folder);
    if (!this.#isGivenOut && this.#entryCount + entries.length <= MOST_ENTRIES) {
      this.#lists.set(folder, entries);
      this.#entryCount += entries.length;
    }
    return entries;
  }
}
