import { checkInside, imageFault } from '../image-fault.js';
import { KeptTables } from '../kept-tables.js';
import { lastNonZero } from '../zero-bytes.js';
import { HeldBlocks } from './held-blocks.js';
import {
  BAT_ENTRY_BYTES,
  BITMAP_BYTES,
  HEADER_AREA_BYTES,
  MIB,
  STATE_FULL,
  STATE_MASK,
  STATE_NOT_PRESENT,
  STATE_PARTIAL,
  STATE_UNDEFINED,
  STATE_UNMAPPED,
  STATE_UNMAPPED_DRAFT,
  STATE_ZERO,
  batEntries,
  chunkBlocks,
  payloadBlocks,
  viewOf,
  type VhdxGeometry,
} from './numbers.js';
import type { Region, VhdxFile } from './vhdx-file.js';

const READ_BYTES = MIB;
const PAGE_BYTES = 65_536;
const PAGE_ENTRIES = PAGE_BYTES / BAT_ENTRY_BYTES;
/** Of the table. */
const KEPT_BYTES = 8 * MIB;
/** Bits 3..19. */
const RESERVED_LOW = 0x000f_fff8;

export interface BatEntry {
  readonly state: number;
  /** 0 where the state has no data. */
  readonly offset: number;
}

/** The block allocation table. Memory: 8 MiB of entries, and a bit for each payload block of those parts of the disk of which it says something (8 MiB at most). */
export class BlockAllocationTable {
  readonly #file: VhdxFile;
  readonly #geometry: VhdxGeometry;
  readonly #chunkBlocks: number;
  /** Those that are not as a new disk has them. */
  readonly #held = new HeldBlocks();
  readonly #pages = new KeptTables<DataView>({
    mostBytes: KEPT_BYTES,
    bytesOf: ({ byteLength }) => byteLength,
  });

  private constructor(file: VhdxFile, geometry: VhdxGeometry) {
    this.#file = file;
    this.#geometry = geometry;
    this.#chunkBlocks = chunkBlocks(geometry);
  }

  /** Reads the whole table and checks every entry.
   *  @throws IMAGE_CORRUPT, IMAGE_TRUNCATED */
  static async open(file: VhdxFile, geometry: VhdxGeometry): Promise<BlockAllocationTable> {
    const table = new BlockAllocationTable(file, geometry);
    await table.#check(Infinity);
    return table;
  }

  /** Checks the entries of the first `maxBytes` of the table.
   *  @throws IMAGE_CORRUPT, IMAGE_TRUNCATED */
  static async checkStart(file: VhdxFile, geometry: VhdxGeometry, maxBytes: number): Promise<void> {
    await new BlockAllocationTable(file, geometry).#check(maxBytes);
  }

  async #check(maxBytes: number): Promise<void> {
    const { source, bat } = this.#file;
    const entries = batEntries(this.#geometry);
    const needed = entries * BAT_ENTRY_BYTES;
    if (needed > bat.length)
      throw imageFault(
        source,
        'IMAGE_CORRUPT',
        `its BAT has ${bat.length} bytes; a disk of this size needs ${needed}`,
        { offset: bat.offset },
      );
    const buffer = new Uint8Array(Math.min(READ_BYTES, needed));
    for (let done = 0; done < Math.min(needed, maxBytes); done += READ_BYTES) {
      const part = buffer.subarray(0, Math.min(READ_BYTES, needed - done));
      await source.read(part, bat.offset + done);
      const view = viewOf(part);
      const last = lastNonZero(part);
      for (let at = 0; at <= last; at += BAT_ENTRY_BYTES) {
        if (view.getUint32(at, true) === 0 && view.getUint32(at + 4, true) === 0) continue;
        this.#checkEntry((done + at) / BAT_ENTRY_BYTES, decode(view, at));
        this.#refuseReserved((done + at) / BAT_ENTRY_BYTES, view.getUint32(at, true));
      }
    }
  }

  #checkEntry(index: number, { state, offset }: BatEntry): void {
    const inChunk = index % (this.#chunkBlocks + 1);
    if (inChunk === this.#chunkBlocks) {
      if (state === STATE_FULL) this.#checkPlace(index, offset, BITMAP_BYTES);
      else if (state !== STATE_NOT_PRESENT) throw this.#corrupt(index, `has the state ${state}`);
      return;
    }
    const block = Math.floor(index / (this.#chunkBlocks + 1)) * this.#chunkBlocks + inChunk;
    const { virtualSizeBytes, blockBytes, hasParent } = this.#geometry;
    const diskBytes = virtualSizeBytes - block * blockBytes;
    if (diskBytes <= 0) return; // the rest of the last chunk
    if (state === STATE_FULL || (state === STATE_PARTIAL && hasParent))
      this.#checkPlace(index, offset, Math.min(blockBytes, diskBytes));
    else if (!HOLDS_ZEROS.includes(state) && state !== STATE_NOT_PRESENT)
      throw this.#corrupt(index, `has the state ${state}`);
    if (state !== STATE_NOT_PRESENT) this.#held.add(block);
  }

  #checkPlace(index: number, offset: number, bytes: number): void {
    const { source, bat, metadata, header } = this.#file;
    checkInside(source, `what BAT entry ${index} points to`, offset, bytes);
    const taken: readonly Region[] = [
      { offset: 0, length: HEADER_AREA_BYTES },
      bat,
      metadata,
      header.log,
    ];
    if (
      taken.some(
        (region) => offset < region.offset + region.length && offset + bytes > region.offset,
      )
    )
      throw this.#corrupt(index, `points to ${offset}, where the file keeps a structure`);
  }

  #refuseReserved(index: number, low: number): void {
    if ((low & RESERVED_LOW) !== 0) throw this.#corrupt(index, 'has reserved bits set');
  }

  #corrupt(index: number, what: string): Error {
    const { source, bat } = this.#file;
    return imageFault(source, 'IMAGE_CORRUPT', `BAT entry ${index} ${what}`, {
      offset: bat.offset + index * BAT_ENTRY_BYTES,
    });
  }

  get memoryBytes(): number {
    return this.#held.memoryBytes + this.#pages.memoryBytes;
  }

  /** See `DiskImage.keepTables`. */
  keep(maxBytes: number): void {
    this.#pages.keep(maxBytes);
  }

  isHeld(block: number): boolean {
    return this.#held.has(block);
  }

  /** First payload block from `block` on that is held; the number of blocks when there is none. */
  nextHeld(block: number): number {
    return this.#held.next(block, payloadBlocks(this.#geometry));
  }

  async payload(block: number): Promise<BatEntry> {
    if (!this.isHeld(block)) return NOT_PRESENT;
    return this.#entry(block + Math.floor(block / this.#chunkBlocks));
  }

  /** File offset of the sector bitmap of the chunk of a payload block.
   *  @throws IMAGE_CORRUPT when there is none */
  async bitmapOffset(block: number): Promise<number> {
    const chunk = Math.floor(block / this.#chunkBlocks);
    const index = (chunk + 1) * (this.#chunkBlocks + 1) - 1;
    const { state, offset } = await this.#entry(index);
    if (state === STATE_FULL) return offset;
    throw this.#corrupt(index, 'names no sector bitmap, and a block of its chunk needs one');
  }

  async #entry(index: number): Promise<BatEntry> {
    const page = Math.floor(index / PAGE_ENTRIES);
    const known = this.#pages.take(page);
    const view = known ?? (await this.#readPage(page));
    if (known === undefined) this.#pages.add(page, view);
    return decode(view, (index % PAGE_ENTRIES) * BAT_ENTRY_BYTES);
  }

  async #readPage(page: number): Promise<DataView> {
    const { source, bat } = this.#file;
    const at = page * PAGE_BYTES;
    const bytes = new Uint8Array(Math.min(PAGE_BYTES, bat.length - at));
    await source.read(bytes, bat.offset + at);
    return viewOf(bytes);
  }
}

const HOLDS_ZEROS: readonly number[] = [
  STATE_UNDEFINED,
  STATE_ZERO,
  STATE_UNMAPPED,
  STATE_UNMAPPED_DRAFT,
];

const NOT_PRESENT: BatEntry = { state: STATE_NOT_PRESENT, offset: 0 };

function decode(view: DataView, at: number): BatEntry {
  const low = view.getUint32(at, true);
  const state = low & STATE_MASK;
  if (state !== STATE_FULL && state !== STATE_PARTIAL) return { state, offset: 0 };
  const mebibytes = view.getUint32(at + 4, true) * 4_096 + (low >>> 20);
  return { state, offset: mebibytes * MIB };
}
