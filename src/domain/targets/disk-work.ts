import { BLOCK_BYTES, WINDOW_BLOCKS, WINDOW_BYTES } from './digest.js';

/** The work that a disk needs, as it goes through Temporal: counts, never lists. */
export interface DiskWork {
  readonly disk: string;
  readonly blockCount: number;
  readonly windowCount: number;
  /** Windows before this one are done. */
  readonly firstOpenWindow: number;
  /** Of the blocks those that something is copied for, and those of them that are done: slots come in groups in some formats, of which a thin disk fills
   *  few. Absent: all. */
  readonly copied?: { readonly blockCount: number; readonly doneBlocks: number };
}

/** Names a plan in Temporal's history. */
export interface PlanReference {
  readonly token: string;
  readonly epoch: number;
}

/** Bytes of a disk that are to be worked on, done or not. */
export function workBytesOf({ blockCount, copied }: DiskWork): number {
  return (copied?.blockCount ?? blockCount) * BLOCK_BYTES;
}

/** Of those what is done already. */
export function doneBytesOf(disk: DiskWork): number {
  return disk.copied === undefined ? openAtByte(disk) : disk.copied.doneBlocks * BLOCK_BYTES;
}

/** Where among its blocks, holes and all, the work on a disk goes on. */
export function openAtByte({ blockCount, firstOpenWindow }: DiskWork): number {
  return Math.min(firstOpenWindow * WINDOW_BYTES, blockCount * BLOCK_BYTES);
}

/** What a batch adds to the work that is done.
 *  @param counts of the attempt that ended it */
export function batchBytesOf(
  { copied }: DiskWork,
  { sizeBytes }: DiskBatch,
  counts: { readonly processedBytes: number; readonly resumedBytes?: number },
): number {
  return copied === undefined ? sizeBytes : counts.processedBytes + (counts.resumedBytes ?? 0);
}

/** A part of a disk's windows that one activity does. */
export interface DiskBatch {
  readonly firstWindow: number;
  readonly windowCount: number;
  readonly firstBlock: number;
  readonly lastBlock: number;
  readonly sizeBytes: number;
}

/** The windows from the first open one on, `batchWindows` at a time; the last batch may be shorter. */
export function* batchesOf(disk: DiskWork, batchWindows: number): Generator<DiskBatch> {
  for (let firstWindow = disk.firstOpenWindow; firstWindow < disk.windowCount;) {
    const windowCount = Math.min(batchWindows, disk.windowCount - firstWindow);
    const firstBlock = firstWindow * WINDOW_BLOCKS;
    const endBlock = Math.min((firstWindow + windowCount) * WINDOW_BLOCKS, disk.blockCount);
    const sizeBytes = (endBlock - firstBlock) * BLOCK_BYTES;
    yield { firstWindow, windowCount, firstBlock, lastBlock: endBlock - 1, sizeBytes };
    firstWindow += windowCount;
  }
}
