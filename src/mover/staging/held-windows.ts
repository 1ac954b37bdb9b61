import { isDeepStrictEqual } from 'node:util';
import { isBackupError, isStorageFault } from '../../domain/errors.js';
import { WINDOW_BLOCKS } from '../../domain/targets/digest.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import { isFileUnread } from '../../repository/unread-file.js';
import { BlockListReader, BlockListWriter } from '../blocks/block-list.js';
import { withOpenFiles } from '../task/open-files.js';
import { stagedPath, windowCountOf } from './copy-plan.js';

/** Runs of windows of a disk: ascending, apart from each other. */
interface WindowRun {
  readonly first: number;
  readonly count: number;
  /** Number of windows in the runs before. */
  readonly before: number;
}

interface HeldDisk {
  readonly disk: string;
  readonly blockCount: number;
}

/** The windows of a disk in which an image may hold something, numbered in their order: what goes through a disk window by window takes as
 *  long as what the disk holds, however large it is. The numbers go into cursors, so the list is kept beside them.
 *  Memory: less than 100 bytes for each run, of which there is one for each gigabyte of disk at most (one L2 table held, the next not). */
export class HeldWindows {
  private constructor(
    private readonly blockCount: number,
    private readonly runs: readonly WindowRun[],
  ) {}

  /** @param nextHeldBlock first block from `block` on that may be held; `blockCount` or more when there is none */
  static of(blockCount: number, nextHeldBlock: (block: number) => number): HeldWindows {
    const windowCount = windowCountOf(blockCount);
    const runs: { first: number; count: number }[] = [];
    for (let window = 0; window < windowCount; window++) {
      window = Math.floor(nextHeldBlock(window * WINDOW_BLOCKS) / WINDOW_BLOCKS);
      if (window >= windowCount) break;
      const last = runs.at(-1);
      if (last !== undefined && last.first + last.count === window) last.count++;
      else runs.push({ first: window, count: 1 });
    }
    return new HeldWindows(blockCount, numbered(runs));
  }

  /** @throws STAGING_INVALID when the list is not that of this token, or not as it was written */
  static async read(
    repository: BackupRepository,
    staging: string,
    disk: HeldDisk,
    token: string,
  ): Promise<HeldWindows> {
    const path = stagedPath.heldWindows(staging, disk.disk);
    const file = await repository.openWork(path, token, 'existing');
    try {
      const runs: { first: number; count: number }[] = [];
      const list = await BlockListReader.open(file, token);
      await list.assertSound();
      for await (const { pairs } of list.parts())
        for (let i = 0; i < pairs.length; i += 2)
          runs.push({ first: pairs[i]!, count: pairs[i + 1]! });
      return new HeldWindows(disk.blockCount, numbered(runs));
    } finally {
      await file.close();
    }
  }

  /** null: there is none of this token, or it is not as it was written, or cannot be read. */
  static async readIfSound(
    repository: BackupRepository,
    staging: string,
    disk: HeldDisk,
    token: string,
  ): Promise<HeldWindows | null> {
    try {
      return await HeldWindows.read(repository, staging, disk, token);
    } catch (error) {
      if (isBackupError(error) && !isStorageFault(error)) return null;
      const path = stagedPath.heldWindows(staging, disk.disk);
      if (await isFileUnread(repository, path, error)) return null;
      throw error;
    }
  }

  /** Durable when it returns, but for its name. */
  async write(
    repository: BackupRepository,
    staging: string,
    disk: string,
    token: string,
  ): Promise<void> {
    const path = stagedPath.heldWindows(staging, disk);
    await withOpenFiles(async (files) => {
      const file = files.add(await repository.openWork(path, token));
      await file.truncate(0);
      const list = files.add(new BlockListWriter(file, token));
      for (const { first, count } of this.runs) {
        await list.reserve(1);
        list.push(first, count);
      }
      await list.finish();
    });
  }

  /** Whether each number means the same window. */
  isSame({ blockCount, runs }: HeldWindows): boolean {
    return blockCount === this.blockCount && isDeepStrictEqual(runs, this.runs);
  }

  /** Blocks of all these windows; the last window of a disk may be short. */
  get heldBlocks(): number {
    const last = this.runs.at(-1);
    if (last === undefined) return 0;
    const end = (last.first + last.count) * WINDOW_BLOCKS;
    return (last.before + last.count) * WINDOW_BLOCKS - Math.max(0, end - this.blockCount);
  }

  /** Blocks of the window with this number. */
  blocksOf(number: number): { firstBlock: number; count: number } {
    const { first, before } = this.runs[this.indexOf((run) => run.before <= number)]!;
    const firstBlock = (first + number - before) * WINDOW_BLOCKS;
    return { firstBlock, count: Math.min(WINDOW_BLOCKS, this.blockCount - firstBlock) };
  }

  /** Number of a window of the disk; null when it is not one of these. */
  numberOf(window: number): number | null {
    const run = this.runs[this.indexOf(({ first }) => first <= window)];
    return run !== undefined && window < run.first + run.count
      ? run.before + window - run.first
      : null;
  }

  /** First block from `block` on that lies in one of these windows; `blockCount` when there is none. */
  nextBlock(block: number): number {
    const at = this.indexOf((run) => run.first * WINDOW_BLOCKS <= block);
    const run = this.runs[at];
    if (run !== undefined && block < (run.first + run.count) * WINDOW_BLOCKS) return block;
    const next = this.runs[at + 1];
    return next === undefined ? this.blockCount : next.first * WINDOW_BLOCKS;
  }

  /** Index of the last run for which this holds, as it does for all before; -1: for none. */
  private indexOf(isReached: (run: WindowRun) => boolean): number {
    let from = 0;
    let to = this.runs.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (isReached(this.runs[middle]!)) from = middle + 1;
      else to = middle;
    }
    return from - 1;
  }
}

function numbered(runs: readonly { first: number; count: number }[]): WindowRun[] {
  let before = 0;
  return runs.map((run) => {
    const entry = { ...run, before };
    before += run.count;
    return entry;
  });
}
