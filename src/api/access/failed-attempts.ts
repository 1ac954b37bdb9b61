import { LRUCache } from 'lru-cache';

const ALLOWED = 20;
const WITHIN_MS = 60_000;
const REMEMBERED_ADDRESSES = 10_000;

/** Tokens that were refused, by the address that sent them. Whoever tries many is told to wait, and costs nothing until then. */
export class FailedAttempts {
  readonly #now: () => number;
  readonly #failed = new LRUCache<string, { count: number; sinceMs: number }>({
    max: REMEMBERED_ADDRESSES,
  });

  constructor(now: () => number) {
    this.#now = now;
  }

  isTooMany(address: string): boolean {
    const known = this.#failed.get(address);
    return known !== undefined && this.#isFresh(known) && known.count >= ALLOWED;
  }

  note(address: string): void {
    const known = this.#failed.get(address);
    if (known !== undefined && this.#isFresh(known)) known.count += 1;
    else this.#failed.set(address, { count: 1, sinceMs: this.#now() });
  }

  #isFresh({ sinceMs }: { readonly sinceMs: number }): boolean {
    // A clock that went back locks nobody out for as long as it did.
    return Math.abs(this.#now() - sinceMs) < WITHIN_MS;
  }
}
