import { BLOCK_DIRECT, BLOCK_ENCODED, BLOCK_UNALLOCATED, BLOCK_ZERO } from '../disk-image.js';
import type { ByteSource } from '../byte-source.js';
import { HIGH_COMPRESSED, LOW_ZERO, SECTOR_BYTES, entryOffset, viewOf } from './numbers.js';
import type { Qcow2Header } from './header.js';
import { checkInside, imageFault } from '../image-fault.js';
import type { MetadataClusters } from './metadata-clusters.js';

/** A cluster whose 32 subclusters differ (extended L2 entries); beside the four states of a block. */
const SUBCLUSTERS = 4;
const SUBCLUSTERS_PER_CLUSTER = 32;
const TWO_POW_32 = 2 ** 32;
// Bits that must be 0 in the entry of an uncompressed cluster: 1..8 and 56..61.
const RESERVED_LOW = 0x1fe;
const RESERVED_HIGH = 0x3f00_0000;

/** How the clusters of one image are cut up. A unit is what has one state: a cluster, or a subcluster with extended L2 entries. */
export class Qcow2Geometry {
  readonly clusterBytes: number;
  readonly unitBytes: number;
  readonly unitsPerCluster: number;
  readonly entryBytes: number;
  readonly clustersPerTable: number;
  readonly tableSpanBytes: number;

  constructor(header: Qcow2Header) {
    this.clusterBytes = 2 ** header.clusterBits;
    this.unitsPerCluster = header.extendedL2 ? SUBCLUSTERS_PER_CLUSTER : 1;
    this.unitBytes = this.clusterBytes / this.unitsPerCluster;
    this.entryBytes = header.extendedL2 ? 16 : 8;
    this.clustersPerTable = this.clusterBytes / this.entryBytes;
    this.tableSpanBytes = this.clustersPerTable * this.clusterBytes;
  }
}

/** One L2 table, decoded and checked: whatever it says can be read as it stands. */
export class L2Table {
  /** Host offset of each cluster; of compressed data: the exact byte. Kept for zero clusters that have one, too. */
  readonly offsets: Float64Array;
  /** References of clusters behind the end of the disk (machine state, leftovers of a shrunk disk). Not interpreted. */
  strayReferences = 0;
  compressedClusters = 0;
  readonly #geometry: Qcow2Geometry;
  readonly #raw: Uint8Array;
  readonly #kinds: Uint8Array;
  readonly #compressedBytes: Uint32Array;
  readonly #allocatedBits: Uint32Array;
  readonly #zeroBits: Uint32Array;

  private constructor(geometry: Qcow2Geometry) {
    const clusters = geometry.clustersPerTable;
    const withBits = geometry.unitsPerCluster > 1 ? clusters : 0;
    this.#geometry = geometry;
    this.#raw = new Uint8Array(geometry.clusterBytes);
    this.offsets = new Float64Array(clusters);
    this.#kinds = new Uint8Array(clusters);
    this.#compressedBytes = new Uint32Array(clusters);
    this.#allocatedBits = new Uint32Array(withBits);
    this.#zeroBits = new Uint32Array(withBits);
  }

  get memoryBytes(): number {
    return this.#raw.length + this.#kinds.length * (this.#geometry.unitsPerCluster > 1 ? 21 : 13);
  }

  #clear(): void {
    this.strayReferences = 0;
    this.compressedClusters = 0;
    this.offsets.fill(0);
    this.#kinds.fill(0);
    this.#compressedBytes.fill(0);
    this.#allocatedBits.fill(0);
    this.#zeroBits.fill(0);
  }

  /** State of one unit, as BLOCK_*. */
  stateOf(cluster: number, unit: number): number {
    const kind = this.#kinds[cluster] ?? BLOCK_UNALLOCATED;
    if (kind !== SUBCLUSTERS) return kind;
    if ((((this.#allocatedBits[cluster] ?? 0) >>> unit) & 1) !== 0) return BLOCK_DIRECT;
    return (((this.#zeroBits[cluster] ?? 0) >>> unit) & 1) !== 0 ? BLOCK_ZERO : BLOCK_UNALLOCATED;
  }

  offsetOf(cluster: number): number {
    return this.offsets[cluster] ?? 0;
  }

  /** Length of compressed data in the file, in whole sectors: may pass the end of the file in its last sector. */
  compressedBytesOf(cluster: number): number {
    return this.#compressedBytes[cluster] ?? 0;
  }

  /** Reads the table at `tableOffset`; its first cluster is at guest offset `guestOffset`.
   *  @param spare a table of this image that is not needed any more: its memory is taken
   *  @throws IMAGE_CORRUPT, IMAGE_TRUNCATED */
  static async load(
    source: ByteSource,
    header: Qcow2Header,
    geometry: Qcow2Geometry,
    metadata: MetadataClusters,
    tableOffset: number,
    guestOffset: number,
    spare: L2Table | null = null,
  ): Promise<L2Table> {
    const { clusterBytes, entryBytes } = geometry;
    if (spare !== null) spare.#clear();
    const table = spare ?? new L2Table(geometry);
    await source.read(table.#raw, tableOffset);
    const view = viewOf(table.#raw);
    const entry = new L2EntryReader(source, header, geometry, metadata);
    for (let cluster = 0; cluster < geometry.clustersPerTable; cluster++) {
      const at = cluster * entryBytes;
      const high = view.getUint32(at);
      const low = view.getUint32(at + 4);
      const zeroBits = header.extendedL2 ? view.getUint32(at + 8) : 0;
      const allocatedBits = header.extendedL2 ? view.getUint32(at + 12) : 0;
      if ((high | low | zeroBits | allocatedBits) === 0) continue;
      const diskBytes = header.virtualSizeBytes - guestOffset - cluster * clusterBytes;
      if (diskBytes <= 0) {
        table.strayReferences += 1;
        continue;
      }
      entry.at = tableOffset + at;
      if ((high & HIGH_COMPRESSED) !== 0) {
        table.#kinds[cluster] = BLOCK_ENCODED;
        table.compressedClusters += 1;
        const data = entry.compressed(high, low);
        table.offsets[cluster] = data.offset;
        table.#compressedBytes[cluster] = data.bytes;
      } else if (header.extendedL2) {
        table.#kinds[cluster] = SUBCLUSTERS;
        table.#allocatedBits[cluster] = allocatedBits;
        table.#zeroBits[cluster] = zeroBits;
        table.offsets[cluster] = entry.extended(high, low, allocatedBits, zeroBits, diskBytes);
      } else {
        const offset = entry.standard(high, low, Math.min(clusterBytes, diskBytes));
        table.offsets[cluster] = offset;
        if ((low & LOW_ZERO) !== 0) table.#kinds[cluster] = BLOCK_ZERO;
        else if (offset !== 0) table.#kinds[cluster] = BLOCK_DIRECT;
      }
    }
    return table;
  }
}

/** The rules for one L2 entry. */
class L2EntryReader {
  /** File offset of the entry in work, for messages. */
  at = 0;
  readonly #source: ByteSource;
  readonly #header: Qcow2Header;
  readonly #geometry: Qcow2Geometry;
  readonly #metadata: MetadataClusters;

  constructor(
    source: ByteSource,
    header: Qcow2Header,
    geometry: Qcow2Geometry,
    metadata: MetadataClusters,
  ) {
    this.#source = source;
    this.#header = header;
    this.#geometry = geometry;
    this.#metadata = metadata;
  }

  /** Bytes from an exact byte to the end of a sector. */
  compressed(high: number, low: number): { offset: number; bytes: number } {
    const sectorBits = this.#header.clusterBits - 8;
    const highOffsetBits = 62 - sectorBits - 32;
    const field = high & 0x3fff_ffff;
    const offset = (field & (2 ** highOffsetBits - 1)) * TWO_POW_32 + low;
    const sectors = (field >>> highOffsetBits) + 1;
    const bytes = sectors * SECTOR_BYTES - (offset % SECTOR_BYTES);
    // The writer does not fill the last sector at the end of the file.
    checkInside(this.#source, 'compressed data', offset, Math.max(1, bytes - SECTOR_BYTES + 1));
    this.#refuseMetadata(offset);
    this.#refuseMetadata(offset + bytes - 1);
    return { offset, bytes };
  }

  standard(high: number, low: number, usedBytes: number): number {
    const offset = entryOffset(high, low);
    const mayBeZero = this.#header.version === 3 && !this.#header.extendedL2;
    if ((high & RESERVED_HIGH) !== 0 || (low & (mayBeZero ? RESERVED_LOW : RESERVED_LOW | 1)) !== 0)
      throw this.#corrupt('has reserved bits set');
    if (offset === 0) return 0;
    if (offset % this.#geometry.clusterBytes !== 0)
      throw this.#corrupt(
        `points to ${offset}, no multiple of the cluster size ${this.#geometry.clusterBytes}`,
      );
    checkInside(this.#source, 'a data cluster', offset, usedBytes);
    this.#refuseMetadata(offset);
    return offset;
  }

  extended(
    high: number,
    low: number,
    allocatedBits: number,
    zeroBits: number,
    diskBytes: number,
  ): number {
    if ((allocatedBits & zeroBits) !== 0)
      throw this.#corrupt('says of one subcluster that it is stored and that it is zero');
    const { unitBytes } = this.#geometry;
    const usedUnits = 32 - Math.clz32(allocatedBits);
    const offset = this.standard(high, low, Math.min(usedUnits * unitBytes, diskBytes));
    if (offset === 0 && allocatedBits !== 0)
      throw this.#corrupt('has stored subclusters and no cluster');
    return offset;
  }

  #refuseMetadata(offset: number): void {
    if (this.#metadata.has(Math.floor(offset / this.#geometry.clusterBytes)))
      throw this.#corrupt(`points to ${offset}, where the image keeps a table`);
  }

  #corrupt(what: string): Error {
    return imageFault(this.#source, 'IMAGE_CORRUPT', `L2 entry at offset ${this.at} ${what}`, {
      offset: this.at,
    });
  }
}
