import { BLOCK_BYTES, WINDOW_BLOCKS, WINDOW_BYTES } from './digest.js';

/** The work that a disk needs, as it goes through Temporal: counts, never lists. */
export interface DiskWork {
  readonly disk: string;
  readonly blockCount: number;
  readonly windowCount: number;
  /** Windows before this one are done. */
  readonly firstOpenWindow: number;
}

/** Names a plan in Temporal's history. */
export interface PlanReference {
  readonly token: string;
  readonly epoch: number;
}

/** Bytes of a disk's blocks that are done already. */
export function doneBytesOf({ blockCount, firstOpenWindow }: DiskWork): number {
  return Math.min(firstOpenWindow * WINDOW_BYTES, blockCount * BLOCK_BYTES);
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
