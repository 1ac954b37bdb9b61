import type { ByteSource } from '../byte-source.js';
import { lastNonZero } from '../zero-bytes.js';
import { HIGH_COPIED, POINTER_BYTES, entryOffset, viewOf } from './numbers.js';
import type { Qcow2Header } from './header.js';
import { checkInside, imageFault } from '../image-fault.js';
import { PointerCollector, type PointerTable } from '../pointer-table.js';

const READ_BYTES = 1024 * 1024;
// Bits that must be 0: 0..8, and 56..62 of an L1 entry. Bit 63 of a refcount table entry would be an offset beyond every file.
const RESERVED_LOW = 0x1ff;
const RESERVED_HIGH_L1 = 0x7f00_0000;
const RESERVED_HIGH_REFCOUNT = 0xff00_0000;

/** The tables of an image that are read when it is opened. */
export interface Qcow2Tables {
  /** Host offset of the L2 table of each L1 entry; 0: none. At most 32 MiB, as the format allows. */
  readonly l2Offsets: PointerTable;
  /** L1 entries without the COPIED flag: their L2 table may have a second user. */
  readonly sharedL2Tables: number;
  /** Host offset of the reference count block of each table entry; 0: none. */
  readonly refcountBlocks: PointerTable;
  readonly metadata: MetadataClusters;
}

/** What they take for as long as the image is open. */
export function memoryOf({ l2Offsets, refcountBlocks, metadata }: Qcow2Tables): number {
  return l2Offsets.memoryBytes + refcountBlocks.memoryBytes + metadata.memoryBytes;
}

/** Reads L1 and refcount table and proves that no cluster serves two of: header, L1, L2, refcount table, refcount block,
 *  snapshot table. That also refuses every loop of tables.
 *  @throws IMAGE_CORRUPT, IMAGE_TRUNCATED */
export async function readTables(source: ByteSource, header: Qcow2Header): Promise<Qcow2Tables> {
  const clusterBytes = 2 ** header.clusterBits;
  const l1 = await readPointers(
    source,
    { ...header.l1, name: 'L1 table', reservedHigh: RESERVED_HIGH_L1 },
    clusterBytes,
  );
  const refcounts = await readPointers(
    source,
    { ...header.refcountTable, name: 'refcount table', reservedHigh: RESERVED_HIGH_REFCOUNT },
    clusterBytes,
  );
  return {
    l2Offsets: l1.offsets,
    sharedL2Tables: l1.withoutCopied,
    refcountBlocks: refcounts.offsets,
    metadata: new MetadataClusters(source, header, l1.offsets, refcounts.offsets),
  };
}

interface TablePlace {
  readonly name: string;
  readonly offset: number;
  readonly entries: number;
  /** Bits of the upper half of an entry that must be 0. */
  readonly reservedHigh: number;
}

async function readPointers(
  source: ByteSource,
  table: TablePlace,
  clusterBytes: number,
): Promise<{ offsets: PointerTable; withoutCopied: number }> {
  const found = new PointerCollector();
  let withoutCopied = 0;
  const tableBytes = table.entries * POINTER_BYTES;
  const buffer = new Uint8Array(Math.min(READ_BYTES, tableBytes));
  const view = viewOf(buffer);
  for (let done = 0; done < tableBytes; done += READ_BYTES) {
    const bytes = Math.min(READ_BYTES, tableBytes - done);
    await source.read(buffer.subarray(0, bytes), table.offset + done);
    const last = lastNonZero(buffer.subarray(0, bytes));
    for (let at = 0; at <= last; at += POINTER_BYTES) {
      const high = view.getUint32(at);
      const low = view.getUint32(at + 4);
      if (high === 0 && low === 0) continue;
      const index = (done + at) / POINTER_BYTES;
      const offset = entryOffset(high, low);
      const reserved = (low & RESERVED_LOW) | (high & table.reservedHigh);
      if (reserved !== 0 || offset % clusterBytes !== 0)
        throw imageFault(
          source,
          'IMAGE_CORRUPT',
          `${table.name} entry ${index} is 0x${view.getBigUint64(at).toString(16)}: ` +
            `reserved bits are set or the offset is no multiple of ${clusterBytes}`,
          { offset: table.offset + done + at },
        );
      if (offset === 0) continue;
      checkInside(source, `what ${table.name} entry ${index} points to`, offset, clusterBytes);
      found.add(index, offset);
      if ((high & HIGH_COPIED) === 0) withoutCopied += 1;
    }
  }
  return { offsets: found.table(table.entries), withoutCopied };
}

/** The clusters that hold tables. One sorted list: 8 bytes per table, however large the file is. */
export class MetadataClusters {
  readonly #sorted: Float64Array;
  // The last answer "free" holds for all clusters between its two neighbours; data mostly lies in long runs.
  #low = 0;
  #high = 0;

  /** @throws IMAGE_CORRUPT when two tables use one cluster */
  constructor(
    source: ByteSource,
    header: Qcow2Header,
    l2Offsets: PointerTable,
    refcountBlocks: PointerTable,
  ) {
    const clusterBytes = 2 ** header.clusterBits;
    const areas = [
      { offset: 0, entries: 1 },
      header.l1,
      header.refcountTable,
      { offset: header.snapshots.offset, entries: header.snapshots.count > 0 ? 1 : 0 },
    ];
    const clusters: number[] = [];
    for (const { offset, entries } of areas) {
      const first = offset / clusterBytes;
      const count = Math.ceil((entries * POINTER_BYTES) / clusterBytes);
      for (let index = 0; index < count; index++) clusters.push(first + index);
    }
    for (const table of [l2Offsets, refcountBlocks])
      for (const [, offset] of table.entries()) clusters.push(offset / clusterBytes);

    this.#sorted = Float64Array.from(clusters).sort();
    for (let index = 1; index < this.#sorted.length; index++)
      if (this.#sorted[index] === this.#sorted[index - 1])
        throw imageFault(
          source,
          'IMAGE_CORRUPT',
          `two tables use the cluster at offset ${at(this.#sorted, index) * clusterBytes}`,
          { offset: at(this.#sorted, index) * clusterBytes },
        );
  }

  get memoryBytes(): number {
    return this.#sorted.byteLength;
  }

  has(cluster: number): boolean {
    if (cluster > this.#low && cluster < this.#high) return false;
    let from = 0;
    let to = this.#sorted.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (at(this.#sorted, middle) < cluster) from = middle + 1;
      else to = middle;
    }
    if (this.#sorted[from] === cluster) return true;
    this.#low = this.#sorted[from - 1] ?? -1;
    this.#high = this.#sorted[from] ?? Infinity;
    return false;
  }
}

function at(array: Float64Array, index: number): number {
  return array[index] ?? 0;
}
