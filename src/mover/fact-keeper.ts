import { LRUCache } from 'lru-cache';
import type { FactStore } from '../layout/file-facts.js';

/** Some 100,000 files at 250 bytes each: the text is kept as it comes, a byte for a character. */
const KEPT_BYTES = 32 * 1024 * 1024;

/** What this process has found out about the files of its sources: one memory for all its threads. What was not asked for the longest goes
 *  first. */
export class FactKeeper implements FactStore {
  readonly #kept = new LRUCache<string, string>({
    maxSize: KEPT_BYTES,
    sizeCalculation: (text, key) => text.length + key.length,
  });

  load(key: string): Promise<string | null> {
    return Promise.resolve(this.#kept.get(key) ?? null);
  }

  save(key: string, text: string): void {
    this.#kept.set(key, text);
  }
}
