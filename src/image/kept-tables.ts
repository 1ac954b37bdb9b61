interface KeptTablesTraits<T> {
  /** What they may take together, the newest left aside. */
  readonly mostBytes: number;
  readonly bytesOf: (table: T) => number;
  /** Its memory may be used again. Absent: nobody wants it. */
  readonly onDrop?: (table: T) => void;
}

/** Tables of an open file that were read, by a number that names each. The oldest go first, the one that was just added stays. */
export class KeptTables<T> {
  readonly #traits: KeptTablesTraits<T>;
  readonly #tables = new Map<number, T>();
  #bytes = 0;
  #maxBytes: number;

  constructor(traits: KeptTablesTraits<T>) {
    this.#traits = traits;
    this.#maxBytes = traits.mostBytes;
  }

  get memoryBytes(): number {
    return this.#bytes;
  }

  /** It is as old as before. */
  peek(key: number): T | undefined {
    return this.#tables.get(key);
  }

  /** It is the newest then. */
  take(key: number): T | undefined {
    const table = this.#tables.get(key);
    if (table === undefined) return undefined;
    this.#tables.delete(key);
    this.#tables.set(key, table);
    return table;
  }

  add(key: number, table: T): void {
    if (!this.#tables.has(key)) this.#bytes += this.#traits.bytesOf(table);
    this.#tables.set(key, table);
    this.#dropOldest(key);
  }

  /** See `DiskImage.keepTables`. */
  keep(maxBytes: number): void {
    this.#maxBytes = Math.min(maxBytes, this.#traits.mostBytes);
    this.#dropOldest(null);
  }

  /** @param kept of a table that stays; null: none has to */
  #dropOldest(kept: number | null): void {
    for (const [oldest, table] of this.#tables) {
      if (this.#bytes <= this.#maxBytes || oldest === kept) break;
      this.#tables.delete(oldest);
      this.#bytes -= this.#traits.bytesOf(table);
      this.#traits.onDrop?.(table);
    }
  }
}
