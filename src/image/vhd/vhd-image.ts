import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import type { ByteSource } from '../byte-source.js';
import {
  BLOCK_DIRECT,
  BLOCK_ENCODED,
  BLOCK_UNALLOCATED,
  emptyBlockMap,
  type BlockMap,
  type Dialect,
  type DiskImage,
  type ImageHead,
  type ReadBelow,
} from '../disk-image.js';
import type { PointerTable } from '../pointer-table.js';
import { openRawImage } from '../raw/raw-image.js';
import { SectorBitmaps } from '../sector-bitmaps.js';
import { readBlockTable } from './block-table.js';
import { SECTOR_BYTES, bitmapBytes } from './numbers.js';
import { readFooter } from './footer.js';
import { readHeader, type VhdHeader } from './header.js';
import { vhdHead } from './vhd-head.js';

/** Opens one VHD or AVHD file, without its parents. Memory: 8 bytes for each block in it, or 4 for each of the disk where those are fewer (32 MiB at most), and 4 MiB of sector bitmaps.
 *  The bitmaps of a dynamic file are not looked at: a sector that was never written is zeros in the file, too, and QEMU reads it so.
 *  @throws IMAGE_MAGIC_MISSING, IMAGE_VERSION_UNKNOWN, IMAGE_CORRUPT, IMAGE_LIMIT_EXCEEDED, IMAGE_TRUNCATED.
 *  Source: Virtual Hard Disk Image Format Specification 1.0 */
export async function openVhdImage(source: ByteSource): Promise<DiskImage> {
  const footer = await readFooter(source);
  if (footer.type === 'fixed') {
    const disk = openRawImage(source, footer.virtualSizeBytes);
    return { ...disk, ...vhdHead(footer, null), format: 'vhd' };
  }
  const header = await readHeader(source, footer);
  const table = await readBlockTable(source, footer, header);
  return new SparseVhdImage(source, vhdHead(footer, header), header, table);
}

/** What one step of a read can answer: one state and, of data, one piece of the file. */
interface Run {
  readonly state: number;
  readonly bytes: number;
  readonly host: number;
}

class SparseVhdImage implements DiskImage {
  readonly format = 'vhd';
  readonly label: string;
  readonly virtualSizeBytes: number;
  readonly parent: ImageHead['parent'];
  readonly linkId: string | null;
  readonly dialect: Dialect;
  readonly #source: ByteSource;
  readonly #blockBytes: number;
  readonly #table: PointerTable;
  readonly #bitmaps: SectorBitmaps;

  constructor(source: ByteSource, head: ImageHead, header: VhdHeader, table: PointerTable) {
    this.label = source.label;
    this.virtualSizeBytes = head.virtualSizeBytes;
    this.parent = head.parent;
    this.linkId = head.linkId;
    this.dialect = head.dialect;
    this.#source = source;
    this.#blockBytes = header.blockBytes;
    this.#table = table;
    this.#bitmaps = new SectorBitmaps(source, 'mostFirst');
  }

  async mapBlocks(firstBlock: number, count: number, reuse?: BlockMap): Promise<BlockMap> {
    const map = emptyBlockMap(count, reuse);
    for (let index = 0; index < count; index++) {
      const from = (firstBlock + index) * BLOCK_BYTES;
      const to = Math.min(from + BLOCK_BYTES, this.virtualSizeBytes);
      if (from >= to) break;
      const run = this.#isPartial(from)
        ? await this.#partialRun(from, to)
        : this.#wholeRun(from, to);
      const state = from + run.bytes === to ? run.state : BLOCK_ENCODED;
      map.states[index] = state;
      if (state === BLOCK_DIRECT) map.hostOffsets[index] = run.host;
    }
    return map;
  }

  nextHeldBlock(block: number): number {
    const first = Math.floor((block * BLOCK_BYTES) / this.#blockBytes);
    const at = this.#table.next(first);
    if (at >= this.#table.length)
      return Math.max(block, Math.ceil(this.virtualSizeBytes / BLOCK_BYTES));
    return Math.max(block, Math.floor((at * this.#blockBytes) / BLOCK_BYTES));
  }

  get tableBytes(): number {
    return this.#table.memoryBytes + this.#bitmaps.memoryBytes;
  }

  keepTables(maxBytes: number): void {
    this.#bitmaps.keep(maxBytes);
  }

  async read(target: Uint8Array, offset: number, below: ReadBelow | null): Promise<void> {
    const end = Math.min(offset + target.length, Math.max(offset, this.virtualSizeBytes));
    target.fill(0, end - offset);
    for (let from = offset; from < end;) {
      const run = this.#isPartial(from)
        ? await this.#partialRun(from, end)
        : this.#wholeRun(from, end);
      const part = target.subarray(from - offset, from - offset + run.bytes);
      if (run.state === BLOCK_DIRECT) await this.#source.read(part, run.host);
      else if (below !== null) await below(part, from);
      else part.fill(0);
      from += run.bytes;
    }
  }

  /** Whether sectors of the block at `offset` may lie here, and others in the parent. */
  #isPartial(offset: number): boolean {
    return this.parent !== null && this.#sectorOf(offset) !== 0;
  }

  /** 0: the block is not in this file. */
  #sectorOf(offset: number): number {
    return this.#table.offset(Math.floor(offset / this.#blockBytes));
  }

  /** Within the block of `from`. */
  #wholeRun(from: number, to: number): Run {
    const inBlock = from % this.#blockBytes;
    const bytes = Math.min(to - from, this.#blockBytes - inBlock);
    const sector = this.#sectorOf(from);
    if (sector === 0) return { state: BLOCK_UNALLOCATED, bytes, host: 0 };
    const host = sector * SECTOR_BYTES + bitmapBytes(this.#blockBytes) + inBlock;
    return { state: BLOCK_DIRECT, bytes, host };
  }

  /** The longest run from `from` on whose sectors all lie here, or all in the parent. */
  async #partialRun(from: number, to: number): Promise<Run> {
    const whole = this.#wholeRun(from, to);
    const inBlock = from % this.#blockBytes;
    const inSector = inBlock % SECTOR_BYTES;
    const bitmap = {
      offset: this.#sectorOf(from) * SECTOR_BYTES,
      bytes: bitmapBytes(this.#blockBytes),
    };
    const { isSet, count } = await this.#bitmaps.runOf(
      bitmap,
      (inBlock - inSector) / SECTOR_BYTES,
      Math.ceil((inSector + whole.bytes) / SECTOR_BYTES),
    );
    const bytes = Math.min(whole.bytes, count * SECTOR_BYTES - inSector);
    return isSet ? { ...whole, bytes } : { state: BLOCK_UNALLOCATED, bytes, host: 0 };
  }
}
