import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import { BackupError } from '../../domain/errors.js';
import type { SlotPlacement } from '../../domain/targets/slot-placement.js';
import type { ByteSink } from '../byte-source.js';
import { MAP_BLOCKS, type Dialect } from '../disk-image.js';
import { seededGuid } from '../guid.js';
import { refuseStraySlots } from '../stray-slots.js';
import {
  FIRST_SLOT,
  NOT_STORED,
  type ComposerTraits,
  type FileShape,
  type PlannedContent,
} from '../image-format.js';
import { writeHead } from './compose-head.js';
import { vhdxDialect, type VhdxDialect } from './dialect.js';
import {
  BAT_ENTRY_BYTES,
  BITMAP_BYTES,
  MAX_DISK_BYTES,
  MIB,
  STATE_FULL,
  STATE_PARTIAL,
  batEntries,
  chunkBlocks,
  viewOf,
  type VhdxGeometry,
} from './numbers.js';

/** Header area, log, metadata, and one to spare: whole MiB, so payload blocks lie as the format wants them. */
const HEAD_BYTES = 4 * MIB;

export function vhdxTraits(dialect: Dialect): ComposerTraits {
  return {
    kinds: ['full', 'increment'],
    parents: ['vhdx'],
    parentSize: 'same',
    slotOrder: 'any',
    granuleBlocks: vhdxDialect(dialect).blockBytes / BLOCK_BYTES,
    zeros: 'stored',
    maxDiskBytes: MAX_DISK_BYTES,
  };
}

/** A granule of slots is a payload block. */
export function placeVhdxSlots(): SlotPlacement {
  return { headBytes: HEAD_BYTES, groupSlots: 0, prefixBytes: 0 };
}

/** Writes tables, metadata and headers around payload blocks that are in the file already: a dynamic file, or a differencing one with a parent.
 *
 *  Layout: header area, log (1 MiB, empty), metadata, payload blocks, BAT, then a sector bitmap for each chunk that needs one.
 *  A payload block that the plan wants whole is FULLY_PRESENT, any other of an increment PARTIALLY_PRESENT with a sector bitmap. Zeros over a parent
 *  are stored, as holes: the format has a state for them (ZERO), but libvhdi reads the parent there (20210425), and a hole takes no more space.
 *  Write order: everything behind the payload blocks, end of the file, metadata, sync, header area, sync; so a file that was not finished has no
 *  magic. Holes are made by cutting the file off behind the payload blocks first.
 *  Memory: 4 KiB of the BAT, 128 KiB of a bitmap, 64 KiB of the plan.
 *  @throws DISK_TOO_LARGE, IMAGE_LIMIT_EXCEEDED when the name of the parent is too long */
export async function composeVhdx(
  sink: ByteSink,
  shape: FileShape,
  content: PlannedContent,
): Promise<{ sizeBytes: number }> {
  const dialect = vhdxDialect(shape.dialect);
  const geometry = geometryOf(shape, dialect);
  const granuleBlocks = dialect.blockBytes / BLOCK_BYTES;
  const payloadBytes = Math.ceil(shape.slotCount / granuleBlocks) * dialect.blockBytes;
  const bat = {
    offset: HEAD_BYTES + payloadBytes,
    length: Math.ceil((batEntries(geometry) * BAT_ENTRY_BYTES) / MIB) * MIB,
  };
  await sink.truncate(bat.offset);
  const tables = new TableWriter(sink, geometry, bat);
  const referred = await tables.write(content);
  await refuseStraySlots(shape, content, referred);
  const sizeBytes = tables.end;
  await sink.truncate(sizeBytes);
  const dataWriteGuid = shape.linkId ?? seededGuid(shape.seed, 'content');
  await writeHead(sink, { ...shape, geometry, dialect, bat, dataWriteGuid });
  return { sizeBytes };
}

function geometryOf({ virtualSizeBytes, parent }: FileShape, dialect: VhdxDialect): VhdxGeometry {
  const { blockBytes, sectorBytes } = dialect;
  if (virtualSizeBytes % sectorBytes !== 0)
    throw new Error(`plan: disk of ${virtualSizeBytes} bytes, no multiple of ${sectorBytes}`);
  if (virtualSizeBytes > MAX_DISK_BYTES)
    throw new BackupError(
      'DISK_TOO_LARGE',
      `a disk of ${virtualSizeBytes} bytes is too large for VHDX (64 TiB)`,
      { details: { virtualSizeBytes } },
    );
  return { virtualSizeBytes, blockBytes, sectorBytes, hasParent: parent !== null };
}

class TableWriter {
  /** Where the next bitmap goes. */
  end: number;
  readonly #sink: ByteSink;
  readonly #geometry: VhdxGeometry;
  readonly #bat: { readonly offset: number };
  readonly #blocksPerPayload: number;
  /** Bytes of a sector bitmap that tell of one guest block. */
  readonly #bitmapBytesPerBlock: number;
  readonly #entries: Uint8Array;
  readonly #bits: Uint8Array;
  #bitmap: { readonly chunk: number; readonly offset: number } | null = null;
  #referred = 0;

  constructor(
    sink: ByteSink,
    geometry: VhdxGeometry,
    bat: { readonly offset: number; readonly length: number },
  ) {
    this.#sink = sink;
    this.#geometry = geometry;
    this.#bat = bat;
    this.end = bat.offset + bat.length;
    this.#blocksPerPayload = geometry.blockBytes / BLOCK_BYTES;
    this.#bitmapBytesPerBlock = BLOCK_BYTES / geometry.sectorBytes / 8;
    this.#entries = new Uint8Array((MAP_BLOCKS / this.#blocksPerPayload) * BAT_ENTRY_BYTES);
    this.#bits = new Uint8Array(MAP_BLOCKS * this.#bitmapBytesPerBlock);
  }

  /** @returns number of slots that are referred to */
  async write(content: PlannedContent): Promise<number> {
    const blocks = Math.ceil(this.#geometry.virtualSizeBytes / BLOCK_BYTES);
    const values = new Float64Array(MAP_BLOCKS);
    const nextWindow = async (block: number): Promise<number> =>
      Math.floor((await content.nextMapped(block)) / MAP_BLOCKS) * MAP_BLOCKS;
    let first = await nextWindow(0);
    while (first < blocks) {
      const window = values.subarray(0, Math.min(MAP_BLOCKS, blocks - first));
      await content.mapBlocks(first, window);
      await this.#writeWindow(first, window);
      if (first + MAP_BLOCKS >= blocks) break;
      first = await nextWindow(first + MAP_BLOCKS);
    }
    return this.#referred;
  }

  async #writeWindow(firstBlock: number, window: Float64Array): Promise<void> {
    this.#entries.fill(0);
    this.#bits.fill(0);
    const view = viewOf(this.#entries);
    let isHeld = false;
    let isPartial = false;
    for (let at = 0; at < window.length; at += this.#blocksPerPayload) {
      const payload = this.#payloadOf(window, at);
      if (payload === null) continue;
      isHeld = true;
      isPartial ||= payload.state === STATE_PARTIAL;
      setEntry(view, (at / this.#blocksPerPayload) * BAT_ENTRY_BYTES, payload);
    }
    if (!isHeld) return;
    const ratio = chunkBlocks(this.#geometry);
    const firstPayload = firstBlock / this.#blocksPerPayload;
    const chunk = Math.floor(firstPayload / ratio);
    const payloads = Math.ceil(window.length / this.#blocksPerPayload);
    await this.#sink.write(
      this.#entries.subarray(0, payloads * BAT_ENTRY_BYTES),
      this.#bat.offset + (firstPayload + chunk) * BAT_ENTRY_BYTES,
    );
    if (isPartial) await this.#writeBits(chunk, firstBlock % (ratio * this.#blocksPerPayload));
  }

  /** Reads off what a payload block holds, and notes its bits. null: nothing. */
  #payloadOf(window: Float64Array, from: number): { state: number; offset: number } | null {
    const end = Math.min(from + this.#blocksPerPayload, window.length);
    let held = 0;
    let offset = 0;
    for (let block = from; block < end; block++) {
      const slot = (window[block] ?? NOT_STORED) - FIRST_SLOT;
      if (slot < 0) continue;
      held += 1;
      offset = HEAD_BYTES + (slot - (block - from)) * BLOCK_BYTES;
    }
    this.#referred += held;
    if (held === 0) return null;
    if (!this.#geometry.hasParent || held === end - from) return { state: STATE_FULL, offset };
    for (let block = from; block < end; block++)
      if ((window[block] ?? NOT_STORED) >= FIRST_SLOT)
        this.#bits.fill(0xff, ...this.#bitsOf(block));
    return { state: STATE_PARTIAL, offset };
  }

  #bitsOf(block: number): [number, number] {
    return [block * this.#bitmapBytesPerBlock, (block + 1) * this.#bitmapBytesPerBlock];
  }

  async #writeBits(chunk: number, firstBlockInChunk: number): Promise<void> {
    if (this.#bitmap?.chunk !== chunk) {
      this.#bitmap = { chunk, offset: this.end };
      this.end += BITMAP_BYTES;
      const entry = new Uint8Array(BAT_ENTRY_BYTES);
      setEntry(viewOf(entry), 0, { state: STATE_FULL, offset: this.#bitmap.offset });
      const index = (chunk + 1) * (chunkBlocks(this.#geometry) + 1) - 1;
      await this.#sink.write(entry, this.#bat.offset + index * BAT_ENTRY_BYTES);
    }
    const at = this.#bitmap.offset + firstBlockInChunk * this.#bitmapBytesPerBlock;
    await this.#sink.write(this.#bits, at);
  }
}

function setEntry(view: DataView, at: number, entry: { state: number; offset: number }): void {
  const mebibytes = entry.offset / MIB;
  view.setUint32(at, ((mebibytes % 4_096) * MIB + entry.state) >>> 0, true);
  view.setUint32(at + 4, Math.floor(mebibytes / 4_096), true);
}
