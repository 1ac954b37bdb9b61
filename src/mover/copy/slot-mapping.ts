import { FIRST_SLOT, NOT_STORED, STORED_ZEROS } from '../../image/image-format.js';
import { ABSENT_OFFSET, guestBlockOf, type BlockListReader } from '../blocks/block-list.js';

/** Blocks of which one byte tells whether one of them is mapped: 512 MiB of disk. */
const STRETCH_BLOCKS = 8_192;

/** Guest blocks → slots, from lists that are in another order, in bounded memory: the window holds 4 million blocks (256 GiB of disk) in
 *  16 MiB at most. The lists are read whole once, and of them again for each window what may have something in it; what became of a slot is asked for once,
 *  but for those around the border of two windows. */
const WINDOW_BLOCKS = 4 * 1024 * 1024;

export class SlotMapping {
  private window: Uint32Array = new Uint32Array(0);
  private windowStart = -1;
  private mappedStretches: MappedStretches | null = null;
  private readonly bounds = { blocks: new PartBounds(), zeros: new PartBounds() };

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
    for await (const { first, pairs } of this.zeros.parts()) {
      this.bounds.zeros.note(first, boundsOfRuns(pairs));
      for (let i = 0; i < pairs.length; i += 2)
        stretches.add(stretchOf(pairs[i]!), stretchOf(pairs[i]! + pairs[i + 1]! - 1));
    }
    for await (const { first, pairs } of this.blocks.parts()) {
      this.bounds.blocks.note(first, boundsOfBlocks(pairs));
      for (let i = 0; i < pairs.length; i += 2) {
        if (pairs[i + 1] === ABSENT_OFFSET) continue;
        const stretch = stretchOf(guestBlockOf(pairs[i]!));
        stretches.add(stretch, stretch);
      }
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
    const { blocks, zeros } = this.bounds;
    for await (const { first, pairs } of this.zeros.parts(zeros.within(start, end))) {
      zeros.note(first, boundsOfRuns(pairs));
      for (let i = 0; i < pairs.length; i += 2) {
        const from = Math.max(pairs[i]!, start);
        const to = Math.min(pairs[i]! + pairs[i + 1]!, end);
        if (from < to) this.window.fill(STORED_ZEROS, from - start, to - start);
      }
    }
    for await (const { first, pairs } of this.blocks.parts(blocks.within(start, end))) {
      blocks.note(first, boundsOfBlocks(pairs));
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

/** The first guest block of a part of a list, and the one behind its last. */
type Bounds = readonly [number, number];

/** Where the blocks of each part of a list lie, as far as it was read: 16,384 parts for the largest disk. */
class PartBounds {
  private readonly known = new Map<number, Bounds>();

  /** @param first number of the first entry of the part */
  note(first: number, bounds: Bounds): void {
    this.known.set(first, bounds);
  }

  /** Whether a part may have blocks from `start` on before `end`. */
  within(start: number, end: number): (first: number) => boolean {
    return (first) => {
      const [from, to] = this.known.get(first) ?? [0, Infinity];
      return from < end && to > start;
    };
  }
}

function boundsOfBlocks(pairs: Float64Array): Bounds {
  let [from, to] = [Infinity, 0];
  for (let i = 0; i < pairs.length; i += 2) {
    const block = guestBlockOf(pairs[i]!);
    if (block < from) from = block;
    if (block >= to) to = block + 1;
  }
  return [from, to];
}

function boundsOfRuns(pairs: Float64Array): Bounds {
  let [from, to] = [Infinity, 0];
  for (let i = 0; i < pairs.length; i += 2) {
    from = Math.min(from, pairs[i]!);
    to = Math.max(to, pairs[i]! + pairs[i + 1]!);
  }
  return [from, to];
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
