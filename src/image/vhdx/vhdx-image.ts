import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import type { ByteSource } from '../byte-source.js';
import {
  BLOCK_DIRECT,
  BLOCK_ENCODED,
  BLOCK_UNALLOCATED,
  BLOCK_ZERO,
  emptyBlockMap,
  type BlockMap,
  type Dialect,
  type DiskImage,
  type ReadBelow,
} from '../disk-image.js';
import { SectorBitmaps } from '../sector-bitmaps.js';
import { BlockAllocationTable, type BatEntry } from './bat.js';
import {
  BITMAP_BYTES,
  STATE_FULL,
  STATE_NOT_PRESENT,
  STATE_PARTIAL,
  chunkBlocks,
  payloadBlocks,
  type VhdxGeometry,
} from './numbers.js';
import { openVhdxFile, writeMarkOf, type VhdxFile } from './vhdx-file.js';
import { readMetadata, type VhdxMetadata } from './metadata.js';
import { vhdxHead } from './vhdx-head.js';

/** Opens one VHDX or AVHDX file, without its parents. A log that was not written back is replayed in memory, never into the file.
 *  Memory: 8 MiB of the BAT, 4 MiB of sector bitmaps, a bit for each payload block of the parts of the disk that it has something of, and what the log holds (32 MiB at most).
 *  @throws IMAGE_MAGIC_MISSING, IMAGE_VERSION_UNKNOWN, IMAGE_CORRUPT, IMAGE_LIMIT_EXCEEDED, IMAGE_TRUNCATED; `mapBlocks` and `read` throw the
 *  last three, too. Source: [MS-VHDX] */
export async function openVhdxImage(source: ByteSource): Promise<DiskImage> {
  const file = await openVhdxFile(source);
  const metadata = await readMetadata(file);
  const bat = await BlockAllocationTable.open(file, metadata.geometry);
  return new OpenVhdxImage(file, metadata, bat);
}

/** What one step of a read can answer: one state and, of data, one piece of the file. */
interface Run {
  readonly state: number;
  readonly bytes: number;
  readonly host: number;
}

class OpenVhdxImage implements DiskImage {
  readonly format = 'vhdx';
  readonly label: string;
  readonly virtualSizeBytes: number;
  readonly parent: DiskImage['parent'];
  readonly linkId: string | null;
  readonly isOpen?: true;
  readonly writeMark: string;
  readonly dialect: Dialect;
  readonly #file: VhdxFile;
  readonly #geometry: VhdxGeometry;
  readonly #bat: BlockAllocationTable;
  readonly #bitmaps: SectorBitmaps;

  constructor(file: VhdxFile, metadata: VhdxMetadata, bat: BlockAllocationTable) {
    const head = vhdxHead(file, metadata);
    this.label = file.source.label;
    this.virtualSizeBytes = head.virtualSizeBytes;
    this.parent = head.parent;
    this.linkId = head.linkId;
    if (head.isOpen === true) this.isOpen = true;
    this.writeMark = writeMarkOf(file.header);
    this.dialect = head.dialect;
    this.#file = file;
    this.#geometry = metadata.geometry;
    this.#bat = bat;
    this.#bitmaps = new SectorBitmaps(file.source, 'leastFirst');
  }

  async mapBlocks(firstBlock: number, count: number, reuse?: BlockMap): Promise<BlockMap> {
    const map = emptyBlockMap(count, reuse);
    const { blockBytes } = this.#geometry;
    const start = firstBlock * BLOCK_BYTES;
    const end = Math.min(start + count * BLOCK_BYTES, this.virtualSizeBytes);
    for (let from = start; from < end;) {
      const payload = Math.floor(from / blockBytes);
      const to = Math.min((payload + 1) * blockBytes, end);
      if (this.#bat.isHeld(payload)) await this.#mapPayload(map, start, { payload, from, to });
      from = to;
    }
    return map;
  }

  async #mapPayload(
    map: BlockMap,
    start: number,
    { payload, from, to }: { payload: number; from: number; to: number },
  ): Promise<void> {
    const entry = await this.#bat.payload(payload);
    for (let at = from; at < to; at += BLOCK_BYTES) {
      const bytes = Math.min(BLOCK_BYTES, to - at);
      const run =
        entry.state === STATE_PARTIAL
          ? await this.#partialRun(entry, payload, at, at + bytes)
          : this.#wholeRun(entry, payload, at, at + bytes);
      const isWhole = run.bytes === bytes && !this.#isChangedByLog(run);
      const block = (at - start) / BLOCK_BYTES;
      map.states[block] = isWhole ? run.state : BLOCK_ENCODED;
      if (isWhole && run.state === BLOCK_DIRECT) map.hostOffsets[block] = run.host;
    }
  }

  #isChangedByLog({ state, host, bytes }: Run): boolean {
    return state === BLOCK_DIRECT && this.#file.source.changes(host, bytes);
  }

  nextHeldBlock(block: number): number {
    const { blockBytes } = this.#geometry;
    const payload = this.#bat.nextHeld(Math.floor((block * BLOCK_BYTES) / blockBytes));
    if (payload >= payloadBlocks(this.#geometry))
      return Math.max(block, Math.ceil(this.virtualSizeBytes / BLOCK_BYTES));
    return Math.max(block, (payload * blockBytes) / BLOCK_BYTES);
  }

  get tableBytes(): number {
    return this.#bat.memoryBytes + this.#bitmaps.memoryBytes + this.#file.source.logBytes;
  }

  keepTables(maxBytes: number): void {
    this.#bat.keep(maxBytes / 2);
    this.#bitmaps.keep(maxBytes / 2);
  }

  async read(target: Uint8Array, offset: number, below: ReadBelow | null): Promise<void> {
    const { blockBytes } = this.#geometry;
    const end = Math.min(offset + target.length, Math.max(offset, this.virtualSizeBytes));
    target.fill(0, end - offset);
    for (let from = offset; from < end;) {
      const payload = Math.floor(from / blockBytes);
      const to = Math.min((payload + 1) * blockBytes, end);
      const entry = await this.#bat.payload(payload);
      const run =
        entry.state === STATE_PARTIAL
          ? await this.#partialRun(entry, payload, from, to)
          : this.#wholeRun(entry, payload, from, to);
      const part = target.subarray(from - offset, from - offset + run.bytes);
      if (run.state === BLOCK_DIRECT) await this.#file.source.read(part, run.host);
      else if (run.state === BLOCK_UNALLOCATED && below !== null) await below(part, from);
      else part.fill(0);
      from += run.bytes;
    }
  }

  /** From `from` to `to`, both in this payload block. */
  #wholeRun({ state, offset }: BatEntry, payload: number, from: number, to: number): Run {
    const bytes = to - from;
    if (state === STATE_FULL)
      return {
        state: BLOCK_DIRECT,
        bytes,
        host: offset + from - payload * this.#geometry.blockBytes,
      };
    const isParents = state === STATE_NOT_PRESENT;
    return { state: isParents ? BLOCK_UNALLOCATED : BLOCK_ZERO, bytes, host: 0 };
  }

  /** The longest run from `from` on whose sectors all lie here, or all in the parent. */
  async #partialRun(entry: BatEntry, payload: number, from: number, to: number): Promise<Run> {
    const { blockBytes, sectorBytes } = this.#geometry;
    const inBlock = from - payload * blockBytes;
    const inChunk = (payload % chunkBlocks(this.#geometry)) * blockBytes + inBlock;
    const inSector = inChunk % sectorBytes;
    const { isSet, count } = await this.#bitmaps.runOf(
      { offset: await this.#bat.bitmapOffset(payload), bytes: BITMAP_BYTES },
      (inChunk - inSector) / sectorBytes,
      Math.ceil((inSector + to - from) / sectorBytes),
    );
    const bytes = Math.min(to - from, count * sectorBytes - inSector);
    return isSet
      ? { state: BLOCK_DIRECT, bytes, host: entry.offset + inBlock }
      : { state: BLOCK_UNALLOCATED, bytes, host: 0 };
  }
}
