import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import type { ByteSource } from '../byte-source.js';
import {
  BLOCK_DIRECT,
  BLOCK_ENCODED,
  BLOCK_UNALLOCATED,
  PLAIN_DIALECT,
  emptyBlockMap,
  type BlockMap,
  type DiskImage,
  type ParentLink,
  type ReadBelow,
} from '../disk-image.js';
import { decompressCluster, prepareCodec } from './cluster-codec.js';
import { POINTER_BYTES } from './numbers.js';
import { readQcow2Header, type Qcow2Header } from './header.js';
import { imageFault } from '../image-fault.js';
import { KeptTables } from '../kept-tables.js';
import { L2Table, Qcow2Geometry } from './l2-table.js';
import { memoryOf, readTables, type Qcow2Tables } from './metadata-clusters.js';

/** L2 tables kept, as read and decoded: some 95 of 64 KiB clusters (48 GiB of guest disk). */
const L2_CACHE_BYTES = 16 * 1024 * 1024;

export interface Qcow2Image extends DiskImage {
  readonly format: 'qcow2';
  readonly clusterBytes: number;
  readonly header: Qcow2Header;
  readonly tables: Qcow2Tables;
  /** Walks all L2 tables, and thereby checks every reference in the image.
   *  @param look called before each table; what it throws ends the walk */
  survey(look?: () => void): Promise<Qcow2Survey>;
}

export interface Qcow2Survey {
  readonly compressedClusters: number;
  /** References of clusters behind the end of the disk. */
  readonly strayReferences: number;
  /** End of the last cluster that is in use by anything but a reference count block; a multiple of the cluster size. */
  readonly endOfReferences: number;
}

/** Opens one qcow2 file, without its parents. Whatever breaks the format is refused here, or when the table concerned is first
 *  needed; what is handed out can be read as it stands. Memory: 20 bytes per table in the file, or L1 and refcount table where these are more than half full (32 and
 *  8 MiB at most), 16 MiB of L2 tables, two clusters.
 *  @throws IMAGE_MAGIC_MISSING, IMAGE_VERSION_UNKNOWN, IMAGE_ENCRYPTED, IMAGE_EXTERNAL_DATA, IMAGE_CORRUPT, IMAGE_LIMIT_EXCEEDED,
 *  IMAGE_TRUNCATED; `mapBlocks`, `read` and `survey` throw the last four, too. Source: QEMU 7.2 docs/interop/qcow2.txt */
export async function openQcow2Image(source: ByteSource): Promise<Qcow2Image> {
  const header = await readQcow2Header(source);
  const tables = await readTables(source, header);
  await prepareCodec(header.compressionType);
  return new OpenQcow2Image(source, header, tables);
}

/** What one step of a read can answer: one state and, of data, one piece of the file. */
interface Run {
  readonly state: number;
  readonly bytes: number;
  /** Of compressed data: of the whole cluster. */
  readonly host: number;
  /** Of compressed data, as `L2Table.compressedBytesOf`. */
  readonly storedBytes: number;
}

class OpenQcow2Image implements Qcow2Image {
  readonly format = 'qcow2';
  readonly label: string;
  readonly virtualSizeBytes: number;
  readonly clusterBytes: number;
  readonly parent: ParentLink | null;
  readonly linkId = null;
  readonly dialect = PLAIN_DIALECT;
  readonly header: Qcow2Header;
  readonly tables: Qcow2Tables;
  readonly #source: ByteSource;
  readonly #geometry: Qcow2Geometry;
  readonly #l2Cache = new KeptTables<L2Table>({
    mostBytes: L2_CACHE_BYTES,
    bytesOf: ({ memoryBytes }) => memoryBytes,
    onDrop: (table) => {
      this.#spare = table;
    },
  });
  /** Memory of a table that was dropped, for the next one: new memory for each would pile up until the collector runs. */
  #spare: L2Table | null = null;
  /** Small reads of a large compressed cluster come one after the other. */
  #decompressed: { readonly offset: number; readonly bytes: Uint8Array } | null = null;

  constructor(source: ByteSource, header: Qcow2Header, tables: Qcow2Tables) {
    this.#source = source;
    this.header = header;
    this.tables = tables;
    this.#geometry = new Qcow2Geometry(header);
    this.label = source.label;
    this.virtualSizeBytes = header.virtualSizeBytes;
    this.clusterBytes = this.#geometry.clusterBytes;
    this.parent = header.backing && { name: header.backing.name, linkId: null };
  }

  async mapBlocks(firstBlock: number, count: number, reuse?: BlockMap): Promise<BlockMap> {
    const map = emptyBlockMap(count, reuse);
    const { tableSpanBytes } = this.#geometry;
    const start = firstBlock * BLOCK_BYTES;
    const end = Math.min(start + count * BLOCK_BYTES, this.virtualSizeBytes);
    for (let from = start; from < end;) {
      const index = Math.floor(from / tableSpanBytes);
      const to = Math.min((index + 1) * tableSpanBytes, end);
      await this.#ask(index, (table) => {
        if (this.#geometry.unitBytes >= BLOCK_BYTES) {
          if (table !== null) this.#mapWholeUnits(table, map, start, from, to);
        } else this.#mapPartUnits(table, map, start, from, to);
      });
      from = to;
    }
    return map;
  }

  nextHeldBlock(block: number): number {
    const { tableSpanBytes } = this.#geometry;
    const { l2Offsets } = this.tables;
    const first = Math.floor((block * BLOCK_BYTES) / tableSpanBytes);
    const end = Math.ceil(this.virtualSizeBytes / tableSpanBytes);
    const index = l2Offsets.next(first);
    if (index >= end) return Math.max(block, Math.ceil(this.virtualSizeBytes / BLOCK_BYTES));
    return Math.max(block, Math.floor((index * tableSpanBytes) / BLOCK_BYTES));
  }

  /** Blocks that lie in one unit each. */
  #mapWholeUnits(table: L2Table, map: BlockMap, start: number, from: number, to: number): void {
    const { clusterBytes, unitBytes, clustersPerTable } = this.#geometry;
    for (let at = from; at < to; at += BLOCK_BYTES) {
      const inCluster = at % clusterBytes;
      const cluster = Math.floor(at / clusterBytes) % clustersPerTable;
      const state = table.stateOf(cluster, Math.floor(inCluster / unitBytes));
      if (state === BLOCK_UNALLOCATED) continue;
      const block = (at - start) / BLOCK_BYTES;
      map.states[block] = state;
      if (state === BLOCK_DIRECT) map.hostOffsets[block] = table.offsetOf(cluster) + inCluster;
    }
  }

  /** Blocks made of several units: they share the state of their units, or are put together. */
  #mapPartUnits(table: L2Table | null, map: BlockMap, start: number, from: number, to: number) {
    const { clusterBytes, unitBytes, clustersPerTable } = this.#geometry;
    for (let at = from; at < to; at += unitBytes) {
      const inCluster = at % clusterBytes;
      const cluster = Math.floor(at / clusterBytes) % clustersPerTable;
      const state = table?.stateOf(cluster, inCluster / unitBytes) ?? BLOCK_UNALLOCATED;
      const host =
        state === BLOCK_DIRECT && table !== null ? table.offsetOf(cluster) + inCluster : 0;
      const block = Math.floor((at - start) / BLOCK_BYTES);
      const inBlock = (at - start) % BLOCK_BYTES;
      if (inBlock === 0) {
        map.states[block] = state;
        map.hostOffsets[block] = host;
      } else if (
        state !== map.states[block] ||
        (state === BLOCK_DIRECT && host !== (map.hostOffsets[block] ?? 0) + inBlock)
      ) {
        map.states[block] = BLOCK_ENCODED;
        map.hostOffsets[block] = 0;
      }
    }
  }

  async read(target: Uint8Array, offset: number, below: ReadBelow | null): Promise<void> {
    const { tableSpanBytes } = this.#geometry;
    const end = Math.min(offset + target.length, Math.max(offset, this.virtualSizeBytes));
    target.fill(0, end - offset);
    for (let from = offset; from < end;) {
      const index = Math.floor(from / tableSpanBytes);
      const to = Math.min((index + 1) * tableSpanBytes, end);
      const run = await this.#ask(index, (table) => this.#runAt(table, from, to));
      const part = target.subarray(from - offset, from - offset + run.bytes);
      if (run.state === BLOCK_DIRECT) await this.#source.read(part, run.host);
      else if (run.state === BLOCK_ENCODED) await this.#readCompressed(run, part, from);
      else if (run.state === BLOCK_UNALLOCATED && below !== null) await below(part, from);
      else part.fill(0);
      from += run.bytes;
    }
  }

  /** The longest run from `from` that one step can answer: one state and, of data, one piece of the file. */
  #runAt(table: L2Table | null, from: number, to: number): Run {
    if (table === null)
      return { state: BLOCK_UNALLOCATED, bytes: to - from, host: 0, storedBytes: 0 };
    const { clusterBytes, unitBytes, clustersPerTable } = this.#geometry;
    let state = BLOCK_UNALLOCATED;
    let host = 0;
    let storedBytes = 0;
    let at = from;
    while (at < to) {
      const inCluster = at % clusterBytes;
      const cluster = Math.floor(at / clusterBytes) % clustersPerTable;
      const unitState = table.stateOf(cluster, Math.floor(inCluster / unitBytes));
      const unitHost = table.offsetOf(cluster) + inCluster;
      if (at === from) {
        state = unitState;
        host = unitHost;
        if (state === BLOCK_ENCODED) {
          host = table.offsetOf(cluster);
          storedBytes = table.compressedBytesOf(cluster);
          at += clusterBytes - inCluster;
          break;
        }
      } else if (unitState !== state || (state === BLOCK_DIRECT && unitHost !== host + at - from))
        break;
      at += unitBytes - (at % unitBytes);
    }
    return { state, bytes: Math.min(at, to) - from, host, storedBytes };
  }

  async #readCompressed(run: Run, target: Uint8Array, offset: number): Promise<void> {
    const { host, storedBytes } = run;
    if (this.#decompressed?.offset !== host) {
      const stored = new Uint8Array(Math.min(storedBytes, this.#source.sizeBytes - host));
      await this.#source.read(stored, host);
      this.#decompressed = { offset: host, bytes: this.#decompress(stored, host) };
    }
    const from = offset % this.#geometry.clusterBytes;
    target.set(this.#decompressed.bytes.subarray(from, from + target.length));
  }

  #decompress(stored: Uint8Array, hostOffset: number): Uint8Array {
    try {
      return decompressCluster(this.header.compressionType, stored, this.clusterBytes);
    } catch (error) {
      const what = `compressed data at offset ${hostOffset} cannot be decompressed`;
      const reason = error instanceof Error ? error.message : String(error);
      throw imageFault(
        this.#source,
        'IMAGE_CORRUPT',
        `${what}: ${reason}`,
        { offset: hostOffset },
        error,
      );
    }
  }

  async survey(look?: () => void): Promise<Qcow2Survey> {
    const { clusterBytes, tableSpanBytes } = this.#geometry;
    const { l1, refcountTable } = this.header;
    const { l2Offsets } = this.tables;
    let compressedClusters = 0;
    let strayReferences = 0;
    let last = Math.max(
      l1.offset + l1.entries * POINTER_BYTES,
      refcountTable.offset + refcountTable.entries * POINTER_BYTES,
    );
    for (const [index, l2Offset] of l2Offsets.entries()) {
      look?.();
      last = Math.max(last, l2Offset + clusterBytes);
      if (index * tableSpanBytes >= this.virtualSizeBytes) {
        strayReferences += 1;
        continue;
      }
      await this.#ask(index, (table) => {
        if (table === null) return;
        compressedClusters += table.compressedClusters;
        strayReferences += table.strayReferences;
        for (const offset of table.offsets) if (offset >= last) last = offset + 1;
      });
    }
    const endOfReferences = Math.ceil(last / clusterBytes) * clusterBytes;
    return { compressedClusters, strayReferences, endOfReferences };
  }

  /** Nobody has a table in hand while he waits: one that is dropped meanwhile becomes another.
   *  @param look at the table, at once; null: there is none */
  async #ask<T>(index: number, look: (table: L2Table | null) => T): Promise<T> {
    const tableOffset = this.tables.l2Offsets.offset(index);
    if (tableOffset === 0) return look(null);
    const cached = this.#l2Cache.take(index);
    if (cached !== undefined) return look(cached);
    const guestOffset = index * this.#geometry.tableSpanBytes;
    const spare = this.#spare;
    this.#spare = null; // nobody else may take it meanwhile
    const table = await L2Table.load(
      this.#source,
      this.header,
      this.#geometry,
      this.tables.metadata,
      tableOffset,
      guestOffset,
      spare,
    );
    this.#l2Cache.add(index, table);
    return look(table);
  }

  get tableBytes(): number {
    const besideTables = (this.#spare?.memoryBytes ?? 0) + (this.#decompressed?.bytes.length ?? 0);
    return memoryOf(this.tables) + this.#l2Cache.memoryBytes + besideTables;
  }

  keepTables(maxBytes: number): void {
    this.#l2Cache.keep(maxBytes);
    if (this.tableBytes - memoryOf(this.tables) <= maxBytes) return;
    this.#spare = null;
    this.#decompressed = null;
  }
}
