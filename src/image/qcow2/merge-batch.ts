import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import { BackupError } from '../../domain/errors.js';
import type { ByteSink, ByteSource } from '../byte-source.js';
import { BLOCK_DIRECT, BLOCK_UNALLOCATED, BLOCK_ZERO, type BlockMap } from '../disk-image.js';
import type { ClusterAllocator } from './cluster-allocator.js';
import {
  HIGH_COPIED,
  LOW_ZERO,
  POINTER_BYTES,
  entryOffset,
  setCopiedEntry,
  viewOf,
} from './numbers.js';
import { RUN_BLOCKS, withRunBuffer } from '../run-buffer.js';
import type { Qcow2Image } from './qcow2-image.js';

const ENTRIES_PER_TABLE = BLOCK_BYTES / POINTER_BYTES;
/** So many bytes are made durable while the next ones are copied. */
const SYNC_BYTES = 16 * 1024 * 1024;

/** A part of an L2 table of the base, as it is to be. */
interface L2Part {
  readonly tableIndex: number;
  readonly tableOffset: number;
  readonly isNewTable: boolean;
  readonly partOffset: number;
  readonly bytes: Uint8Array;
}

interface BlockCopy {
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
}

/** Blocks of the increment that are brought into the base together; `add` plans, `commit` writes.
 *
 *  Order within a commit, each line after a sync of the ones before: data, new L2 tables and new blocks of reference counts (all of
 *  which nothing refers to yet, but for data that the increment hides); reference counts; table entries. Entries are written in the
 *  order in which clusters were handed out, so that after a stop what is referred to is a prefix of what was handed out.
 *  Data are read back and compared. */
export class MergeBatch {
  storedBlocks = 0;
  #l2Parts: L2Part[] = [];
  #copies: BlockCopy[] = [];
  /** Tables that are allocated in this batch. */
  #newTables = new Set<number>();
  #hasAllocated = false;
  readonly #l2Offsets: Float64Array;

  constructor(
    private readonly base: ByteSource & ByteSink,
    private readonly baseImage: Qcow2Image,
    private readonly increment: { readonly image: Qcow2Image; readonly source: ByteSource },
    private readonly allocator: ClusterAllocator,
  ) {
    const tables = Math.ceil(increment.image.virtualSizeBytes / (ENTRIES_PER_TABLE * BLOCK_BYTES));
    this.#l2Offsets = new Float64Array(tables);
    for (const [index, offset] of baseImage.tables.l2Offsets.entries())
      if (index < tables) this.#l2Offsets[index] = offset;
  }

  get tableParts(): number {
    return this.#l2Parts.length;
  }

  /** Plans the blocks of `map`, which begins at `firstBlock` and stays within one L2 table. */
  async add(firstBlock: number, map: BlockMap): Promise<void> {
    const tableIndex = Math.floor(firstBlock / ENTRIES_PER_TABLE);
    const partOffset = (firstBlock % ENTRIES_PER_TABLE) * POINTER_BYTES;
    const bytes = await this.#readL2(tableIndex, partOffset, map.states.length);
    const view = viewOf(bytes);
    let isChanged = false;
    for (const [index, state] of map.states.entries()) {
      if (state === BLOCK_UNALLOCATED) continue;
      const at = index * POINTER_BYTES;
      if (state === BLOCK_ZERO) {
        isChanged = setZero(view, at) || isChanged;
        continue;
      }
      if (state !== BLOCK_DIRECT) throw new Error('compressed; mergeRefusal excludes that');
      this.storedBlocks += 1;
      if ((this.#l2Offsets[tableIndex] ?? 0) === 0) this.#allocateTable(tableIndex);
      isChanged =
        this.#place(view, at, firstBlock + index, map.hostOffsets[index] ?? 0) || isChanged;
    }
    if (isChanged)
      this.#l2Parts.push({
        tableIndex,
        tableOffset: this.#l2Offsets[tableIndex] ?? 0,
        isNewTable: this.#newTables.has(tableIndex),
        partOffset,
        bytes,
      });
  }

  async #readL2(tableIndex: number, partOffset: number, entries: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(entries * POINTER_BYTES);
    const tableOffset = this.#l2Offsets[tableIndex] ?? 0;
    if (tableOffset !== 0 && !this.#newTables.has(tableIndex))
      await this.base.read(bytes, tableOffset + partOffset);
    return bytes;
  }

  #allocateTable(tableIndex: number): void {
    this.#l2Offsets[tableIndex] = this.#allocate();
    this.#newTables.add(tableIndex);
  }

  #allocate(): number {
    this.#hasAllocated = true;
    return this.allocator.allocate();
  }

  /** @returns whether the entry had to change */
  #place(view: DataView, at: number, block: number, from: number): boolean {
    const high = view.getUint32(at);
    const low = view.getUint32(at + 4);
    const own = (high & HIGH_COPIED) === 0 ? 0 : entryOffset(high, low);
    const to = own === 0 ? this.#allocate() : own;
    const diskBytes = this.increment.image.virtualSizeBytes - block * BLOCK_BYTES;
    this.#copies.push({ from, to, bytes: Math.min(BLOCK_BYTES, diskBytes) });
    setCopiedEntry(view, at, to);
    return view.getUint32(at) !== high || view.getUint32(at + 4) !== low;
  }

  async commit(look?: () => void): Promise<void> {
    if (this.#copies.length === 0 && this.#l2Parts.length === 0) return;
    await this.#copyData(look);
    for (const tableIndex of this.#newTables)
      await this.base.write(new Uint8Array(BLOCK_BYTES), this.#l2Offsets[tableIndex] ?? 0);
    for (const part of this.#l2Parts)
      if (part.isNewTable) await this.base.write(part.bytes, part.tableOffset + part.partOffset);
    await this.allocator.writeNewBlocks();
    await this.base.sync();

    if (this.#hasAllocated) {
      await this.allocator.countNew();
      await this.base.sync();
    }
    if (this.#l2Parts.length > 0) {
      await this.#writeEntries();
      await this.base.sync();
    }
    this.#l2Parts = [];
    this.#copies = [];
    this.#newTables.clear();
    this.#hasAllocated = false;
    this.storedBlocks = 0;
  }

  async #copyData(look?: () => void): Promise<void> {
    let syncing = Promise.resolve();
    let unsyncedBytes = 0;
    try {
      for (let index = 0; index < this.#copies.length;) {
        look?.();
        const run = this.#runFrom(index);
        await withRunBuffer((buffer) => withRunBuffer((copy) => this.#copyRun(run, buffer, copy)));
        index += run.blocks;
        unsyncedBytes += run.bytes;
        if (unsyncedBytes < SYNC_BYTES) continue;
        await syncing;
        syncing = this.base.sync();
        syncing.catch(() => undefined); // thrown where it is awaited
        unsyncedBytes = 0;
      }
      await syncing;
    } finally {
      await Promise.allSettled([syncing]);
    }
  }

  /** Read, write, read back, compare. */
  async #copyRun(run: BlockCopy & { blocks: number }, buffer: Buffer, back: Buffer): Promise<void> {
    const piece = buffer.subarray(0, run.blocks * BLOCK_BYTES);
    const copy = back.subarray(0, piece.length);
    await this.increment.source.read(piece.subarray(0, run.bytes), run.from);
    piece.fill(0, run.bytes);
    await this.base.write(piece, run.to);
    await this.base.read(copy, run.to);
    if (copy.equals(piece)) return;
    throw new BackupError(
      'BLOCK_DIGEST_MISMATCH',
      `${this.base.label}: the blocks merged to byte ${run.to} do not read back as they were written`,
      { details: { path: this.base.label, offset: run.to } },
    );
  }

  /** Copies from `index` on that are consecutive in both files; only the last one may be short. */
  #runFrom(index: number): BlockCopy & { blocks: number } {
    const [first, ...rest] = this.#copies.slice(index, index + RUN_BLOCKS);
    if (first === undefined) throw new Error(`no copy ${index}`);
    let { bytes } = first;
    let blocks = 1;
    for (const next of rest) {
      if (next.from !== first.from + bytes || next.to !== first.to + bytes) break;
      bytes += next.bytes;
      blocks += 1;
    }
    return { from: first.from, to: first.to, bytes, blocks };
  }

  async #writeEntries(): Promise<void> {
    const entered = new Set<number>();
    for (const part of this.#l2Parts) {
      if (!part.isNewTable) {
        await this.base.write(part.bytes, part.tableOffset + part.partOffset);
      } else if (!entered.has(part.tableIndex)) {
        entered.add(part.tableIndex);
        const entry = new Uint8Array(POINTER_BYTES);
        setCopiedEntry(viewOf(entry), 0, part.tableOffset);
        const l1Offset = this.baseImage.header.l1.offset;
        await this.base.write(entry, l1Offset + part.tableIndex * POINTER_BYTES);
      }
    }
  }
}

/** Reads as zeros from now on; a cluster that the entry has stays with it. Without one the base, which has no parent, reads zeros
 *  already. @returns whether the entry had to change */
function setZero(view: DataView, at: number): boolean {
  const low = view.getUint32(at + 4);
  if (entryOffset(view.getUint32(at), low) === 0 || (low & LOW_ZERO) !== 0) return false;
  view.setUint32(at + 4, (low | LOW_ZERO) >>> 0);
  return true;
}
