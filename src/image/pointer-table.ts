import { EmptyStretch } from './empty-stretch.js';

export type Offsets = Float64Array | Uint32Array;

/** Offsets in a file by their place in a table, in bytes or in sectors; 0: none. A table of a disk of which little was written is nearly empty, so it keeps what is there: a chain has one of each
 *  of its images. */
export class PointerTable {
  readonly #empty = new EmptyStretch();

  private constructor(
    /** Entries, empty ones too. */
    readonly length: number,
    /** Of the entries that are there, ascending; null: `offsets` has all entries. */
    private readonly indexes: Uint32Array | null,
    private readonly offsets: Offsets,
    /** Entries that are there. */
    private readonly count: number,
  ) {}

  /** @param indexes of the entries that are there, ascending
   *  @param offsets of them, in the same order; neither is kept */
  static of(length: number, indexes: Uint32Array, offsets: Offsets): PointerTable {
    const offsetBytes = offsets.BYTES_PER_ELEMENT;
    const isSparse = offsets.length * (INDEX_BYTES + offsetBytes) < length * offsetBytes;
    if (isSparse) return new PointerTable(length, indexes.slice(), offsets.slice(), offsets.length);
    const all = roomFor(length, offsetBytes);
    for (const [place, index] of indexes.entries()) all[index] = offsets[place] ?? 0;
    return new PointerTable(length, null, all, offsets.length);
  }

  get memoryBytes(): number {
    return this.offsets.byteLength + (this.indexes?.byteLength ?? 0);
  }

  offset(index: number): number {
    if (this.indexes === null) return this.offsets[index] ?? 0;
    const place = this.placeFrom(index);
    return this.indexes[place] === index ? (this.offsets[place] ?? 0) : 0;
  }

  /** First entry from `index` on that is there; `length` when none is. */
  next(index: number): number {
    if (this.indexes !== null) return this.indexes[this.placeFrom(index)] ?? this.length;
    return this.#empty.next(index, this.length, (at) => this.offsets[at] !== 0);
  }

  /** Those that are there, in the order of the table. */
  *entries(): Generator<readonly [index: number, offset: number]> {
    for (let index = this.next(0); index < this.length; index = this.next(index + 1))
      yield [index, this.offset(index)];
  }

  /** Offsets of those that are there, ascending. */
  sortedOffsets(): Offsets {
    if (this.indexes !== null) return this.offsets.slice().sort();
    const sorted = roomFor(this.count, this.offsets.BYTES_PER_ELEMENT);
    let next = 0;
    for (const offset of this.offsets) if (offset !== 0) sorted[next++] = offset;
    return sorted.sort();
  }

  /** Place among those that are there of the first one from `index` on. */
  private placeFrom(index: number): number {
    const indexes = this.indexes ?? new Uint32Array(0);
    let [from, to] = [0, indexes.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((indexes[middle] ?? 0) < index) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

const INDEX_BYTES = 4;
const SECTOR_NUMBER_BYTES = 4;
const OFFSET_BYTES = 8;

function roomFor(length: number, offsetBytes: number): Offsets {
  return offsetBytes === OFFSET_BYTES ? new Float64Array(length) : new Uint32Array(length);
}

/** Takes the entries of a table that are there, in its order. */
export class PointerCollector {
  private indexes = new Uint32Array(64);
  private offsets: Offsets;
  private count = 0;

  /** @param unit what is counted in: numbers of sectors have 32 bits */
  constructor(unit: 'bytes' | 'sectors' = 'bytes') {
    this.offsets = roomFor(
      this.indexes.length,
      unit === 'bytes' ? OFFSET_BYTES : SECTOR_NUMBER_BYTES,
    );
  }

  /** @param offset not 0 */
  add(index: number, offset: number): void {
    if (this.count === this.indexes.length) {
      const indexes = new Uint32Array(this.count * 2);
      const offsets = roomFor(this.count * 2, this.offsets.BYTES_PER_ELEMENT);
      indexes.set(this.indexes);
      offsets.set(this.offsets);
      this.indexes = indexes;
      this.offsets = offsets;
    }
    this.indexes[this.count] = index;
    this.offsets[this.count] = offset;
    this.count += 1;
  }

  /** @param length of the table, with its empty entries */
  table(length: number): PointerTable {
    const { count } = this;
    return PointerTable.of(
      length,
      this.indexes.subarray(0, count),
      this.offsets.subarray(0, count),
    );
  }
}
