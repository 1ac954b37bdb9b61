import type { ByteSource } from '../byte-source.js';
import { checkInside, imageFault } from '../image-fault.js';
import { KeptTables } from '../kept-tables.js';
import type { Offsets, PointerTable } from '../pointer-table.js';
import { GRAIN_ABSENT, GRAIN_ZERO, viewOf } from './vmdk-bytes.js';

/** Where the grains of a sparse extent lie: a directory of tables, of which each covers `grainsPerTable` grains. */
export interface GrainDirectory {
  readonly source: ByteSource;
  readonly sizeBytes: number;
  readonly grainBytes: number;
  readonly grainsPerTable: number;
  readonly entryBytes: number;
  /** Byte offset of each table; 0: none of its grains is stored. */
  readonly tables: PointerTable;
  /** What a grain may not lie in, beside the tables. */
  readonly areas: readonly FileArea[];
  readonly isCompressed: boolean;
  /** A table entry as GRAIN_ABSENT, GRAIN_ZERO or a byte offset; null: it breaks the rules of the format. */
  decode(view: DataView, at: number): number | null;
}

export interface FileArea {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
}

/** @throws IMAGE_CORRUPT when two of them overlap */
export function checkApart(source: ByteSource, areas: readonly FileArea[]): void {
  for (const [index, area] of areas.entries()) {
    const other = areas.slice(0, index).find((before) => overlap(before, area));
    if (other !== undefined)
      throw imageFault(source, 'IMAGE_CORRUPT', `${area.name} overlaps ${other.name}`, {
        offset: area.offset,
      });
  }
}

/** Decoded tables that are kept: 64 GiB of disk with the usual grain. */
const CACHE_BYTES = 8 * 1024 * 1024;
/** A compressed grain is at least this long: its marker and an empty zlib stream. */
const LEAST_COMPRESSED_BYTES = 12 + 8;

/** The tables of one directory, each read and checked when it is first needed: what it says can be read as it stands. */
export class GrainTables {
  readonly spanBytes: number;
  readonly #directory: GrainDirectory;
  readonly #occupied: OccupiedBytes;
  readonly #cache = new KeptTables<Float64Array>({
    mostBytes: CACHE_BYTES,
    bytesOf: ({ byteLength }) => byteLength,
  });

  /** @throws IMAGE_CORRUPT when two tables overlap, or one overlaps the header; IMAGE_TRUNCATED when one passes the end of the file */
  constructor(directory: GrainDirectory) {
    const { source, tables, grainsPerTable, entryBytes, grainBytes, areas } = directory;
    this.#directory = directory;
    this.spanBytes = grainsPerTable * grainBytes;
    const tableBytes = grainsPerTable * entryBytes;
    for (const [, offset] of tables.entries())
      checkInside(source, 'a grain table', offset, tableBytes);
    this.#occupied = new OccupiedBytes(source, areas, tables, tableBytes);
  }

  /** First table from `index` on that is there; behind the last one when none is. */
  nextTable(index: number): number {
    return this.#directory.tables.next(index);
  }

  /** Grains of one table: GRAIN_ABSENT, GRAIN_ZERO, or the byte offset. null: there is no such table.
   *  @throws IMAGE_CORRUPT, IMAGE_TRUNCATED */
  async table(index: number): Promise<Float64Array | null> {
    const offset = this.#directory.tables.offset(index);
    if (offset === 0) return null;
    const known = this.#cache.take(index);
    if (known !== undefined) return known;
    const raw = new Uint8Array(this.#directory.grainsPerTable * this.#directory.entryBytes);
    await this.#directory.source.read(raw, offset);
    const table = this.#decode(viewOf(raw), index, offset);
    this.#cache.add(index, table);
    return table;
  }

  get memoryBytes(): number {
    const { tables } = this.#directory;
    return tables.memoryBytes + this.#occupied.memoryBytes + this.#cache.memoryBytes;
  }

  /** See `DiskImage.keepTables`. */
  keep(maxBytes: number): void {
    this.#cache.keep(maxBytes);
  }

  /** Reads the last `count` tables, and so checks them.
   *  @returns of the grains that they name, the one that lies last in the file; null: there is none */
  async readLast(count: number): Promise<{ guestOffset: number; host: number } | null> {
    const { tables, grainBytes } = this.#directory;
    let last: { guestOffset: number; host: number } | null = null;
    let left = count;
    for (let index = tables.length - 1; index >= 0 && left > 0; index--) {
      const table = await this.table(index);
      if (table === null) continue;
      left -= 1;
      for (const [entry, host] of table.entries())
        if (host > (last?.host ?? GRAIN_ZERO))
          last = { guestOffset: index * this.spanBytes + entry * grainBytes, host };
    }
    return last;
  }

  #decode(view: DataView, index: number, tableOffset: number): Float64Array {
    const { source, sizeBytes, grainBytes, grainsPerTable, entryBytes, isCompressed } =
      this.#directory;
    const table = new Float64Array(grainsPerTable);
    for (let entry = 0; entry < grainsPerTable; entry++) {
      const leftBytes = sizeBytes - index * this.spanBytes - entry * grainBytes;
      if (leftBytes <= 0) break; // behind the end of the disk: not interpreted
      const at = entry * entryBytes;
      const grain = this.#directory.decode(view, at);
      if (grain === null)
        throw imageFault(
          source,
          'IMAGE_CORRUPT',
          `table entry at offset ${tableOffset + at} breaks the rules of the format`,
          { offset: tableOffset + at },
        );
      if (grain === GRAIN_ABSENT || grain === GRAIN_ZERO) {
        table[entry] = grain;
        continue;
      }
      const bytes = isCompressed ? LEAST_COMPRESSED_BYTES : Math.min(grainBytes, leftBytes);
      checkInside(source, 'a grain', grain, bytes);
      if (this.#occupied.overlaps(grain, bytes))
        throw imageFault(
          source,
          'IMAGE_CORRUPT',
          `table entry at offset ${tableOffset + at} points to ${grain}, where the image keeps something else`,
          { offset: tableOffset + at },
        );
      table[entry] = grain;
    }
    return table;
  }
}

/** The bytes of a file that hold no grains. Eight bytes a table, however large the file is. */
class OccupiedBytes {
  readonly #areas: readonly FileArea[];
  readonly #tables: Offsets;
  readonly #tableBytes: number;
  // The last answer "free" holds between its two neighbours; grains mostly lie in long runs.
  #low = 0;
  #high = 0;

  constructor(
    source: ByteSource,
    areas: readonly FileArea[],
    tables: PointerTable,
    tableBytes: number,
  ) {
    this.#areas = areas;
    this.#tables = tables.sortedOffsets();
    this.#tableBytes = tableBytes;
    const refuse = (what: string, offset: number): Error =>
      imageFault(source, 'IMAGE_CORRUPT', `${what} at offset ${offset}`, { offset });
    for (const [index, offset] of this.#tables.entries())
      if (offset - (this.#tables[index - 1] ?? -Infinity) < tableBytes)
        throw refuse('two grain tables overlap', offset);
    for (const area of areas)
      if (this.#hitsTable(area.offset, area.bytes))
        throw refuse(`a grain table overlaps ${area.name}`, area.offset);
  }

  get memoryBytes(): number {
    return this.#tables.byteLength;
  }

  overlaps(offset: number, bytes: number): boolean {
    return (
      this.#areas.some((area) => overlap(area, { offset, bytes })) || this.#hitsTable(offset, bytes)
    );
  }

  #hitsTable(offset: number, bytes: number): boolean {
    if (offset >= this.#low && offset + bytes <= this.#high) return false;
    let from = 0;
    let to = this.#tables.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#tables[middle] ?? 0) + this.#tableBytes <= offset) from = middle + 1;
      else to = middle;
    }
    const next = this.#tables[from] ?? Infinity; // the first table that ends behind `offset`
    if (next < offset + bytes) return true;
    this.#low = (this.#tables[from - 1] ?? -Infinity) + this.#tableBytes;
    this.#high = next;
    return false;
  }
}

function overlap(a: Omit<FileArea, 'name'>, b: Omit<FileArea, 'name'>): boolean {
  return a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
}
