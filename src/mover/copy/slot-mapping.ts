import { FIRST_SLOT, NOT_STORED, STORED_ZEROS } from '../../image/image-format.js';
import { ABSENT_OFFSET, guestBlockOf, type BlockListReader } from '../blocks/block-list.js';

/** Blocks of which one byte tells whether one of them is mapped: 512 MiB of disk. */
const STRETCH_BLOCKS = 8_192;

/** Guest blocks → slots, from lists that are in another order, in bounded memory: the window holds 4 million blocks (256 GiB of disk) in
 *  16 MiB at most, and the lists are read once for each window that has something in it; what became of a slot is asked for once, but for
 *  those around the border of two windows. */
const WINDOW_BLOCKS = 4 * 1024 * 1024;

export class SlotMapping {
  private window: Uint32Array = new Uint32Array(0);
  private windowStart = -1;
  private mappedStretches: MappedStretches | null = null;

  constructor(
    private readonly blocks: BlockListReader,
    private readonly zeros: BlockListReader,
    private readonly blockCount: number,
    /** 1 = the slot holds data, 0 = its block was found to be zeros. null: a block of zeros is in its slot like any other. */
    private readonly slotsInUse: ((first: number, count: number) => Promise<Uint8Array>) | null,
  ) {}

  /** As `PlannedContent.nextMapped`. */
  async nextMapped(block: number): Promise<number> {
    this.mappedStretches ??= await this.findMappedStretches();
    const first = Math.floor(block / STRETCH_BLOCKS);
    const next = this.mappedStretches.next(first);
    return next === first ? block : next * STRETCH_BLOCKS;
  }

  private async findMappedStretches(): Promise<MappedStretches> {
    const stretches = new MappedStretches(Math.ceil(this.blockCount / STRETCH_BLOCKS));
    for await (const { pairs } of this.zeros.parts())
      for (let i = 0; i < pairs.length; i += 2)
        stretches.add(stretchOf(pairs[i]!), stretchOf(pairs[i]! + pairs[i + 1]! - 1));
    for await (const { pairs } of this.blocks.parts())
      for (let i = 0; i < pairs.length; i += 2) {
        if (pairs[i + 1] === ABSENT_OFFSET) continue;
        const stretch = stretchOf(guestBlockOf(pairs[i]!));
        stretches.add(stretch, stretch);
      }
    return stretches;
  }

  /** As `PlannedContent.mapBlocks`. Meant to be called with growing `first`. */
  async mapBlocks(first: number, out: Float64Array): Promise<void> {
    for (let i = 0; i < out.length;) {
      const start = Math.floor((first + i) / WINDOW_BLOCKS) * WINDOW_BLOCKS;
      if (start !== this.windowStart) await this.load(start);
      const count = Math.min(out.length - i, start + WINDOW_BLOCKS - (first + i));
      const from = first + i - start;
      for (let k = 0; k < count; k++) out[i + k] = this.window[from + k] ?? NOT_STORED;
      i += count;
    }
  }

  private async load(start: number): Promise<void> {
    // New memory for each part of a large disk would pile up until the collector runs.
    if (this.window.length === 0)
      this.window = new Uint32Array(Math.min(WINDOW_BLOCKS, this.blockCount));
    else this.window.fill(NOT_STORED);
    this.windowStart = start;
    const end = start + WINDOW_BLOCKS;
    for await (const { pairs } of this.zeros.parts())
      for (let i = 0; i < pairs.length; i += 2) {
        const from = Math.max(pairs[i]!, start);
        const to = Math.min(pairs[i]! + pairs[i + 1]!, end);
        if (from < to) this.window.fill(STORED_ZEROS, from - start, to - start);
      }
    for await (const { first, pairs } of this.blocks.parts()) {
      // What the slots hold costs more to ask for than the list: twice its bytes, and their seals.
      if (!hasBlockIn(pairs, start, end)) continue;
      const used = await this.slotsInUse?.(first, pairs.length / 2);
      for (let i = 0; i < pairs.length / 2; i++) {
        const block = guestBlockOf(pairs[i * 2]!);
        if (block < start || block >= end || pairs[i * 2 + 1] === ABSENT_OFFSET) continue;
        const isZeros = used !== undefined && used[i] === 0;
        this.window[block - start] = isZeros ? STORED_ZEROS : FIRST_SLOT + first + i;
      }
    }
  }
}

function hasBlockIn(pairs: Float64Array, start: number, end: number): boolean {
  for (let i = 0; i < pairs.length; i += 2) {
    const block = guestBlockOf(pairs[i]!);
    if (block >= start && block < end) return true;
  }
  return false;
}

function stretchOf(block: number): number {
  return Math.floor(block / STRETCH_BLOCKS);
}

/** One byte a stretch: 4 MiB for the largest disk. */
class MappedStretches {
  private readonly isMapped: Uint8Array;

  constructor(count: number) {
    this.isMapped = new Uint8Array(count);
  }

  add(first: number, last: number): void {
    this.isMapped.fill(1, first, last + 1);
  }

  /** First mapped stretch from `stretch` on; Infinity when there is none. */
  next(stretch: number): number {
    const found = this.isMapped.indexOf(1, stretch);
    return found < 0 ? Infinity : found;
  }
}
