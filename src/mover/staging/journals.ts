import { DIGEST_BYTES, WINDOW_BLOCKS } from '../../domain/targets/digest.js';
import type { DiskWork, PlanReference } from '../../domain/targets/disk-work.js';
import type { BackupRepository, SourceRepository } from '../../repository/backup-repository.js';
import { WINDOW_BITS_BYTES } from '../blocks/block-bits.js';
import { BlockListReader } from '../blocks/block-list.js';
import type { MoverContext } from '../task/mover-context.js';
import { withOpenFiles } from '../task/open-files.js';
import { firstOpenWindow, openRuns, type JournalPlace } from '../task/window-journal.js';
import type { WindowRun } from '../task/window-runs.js';
import { stagedPath, windowCountOf } from './copy-plan.js';

/** Of a copy: the digest of the block in each slot of the window, 32 zero bytes for one of zeros. */
export function copyJournal(staging: string, disk: string, token: string): JournalPlace {
  const path = stagedPath.journal(staging, disk);
  return { path, token, payloadBytes: WINDOW_BLOCKS * DIGEST_BYTES };
}

/** Of a comparison: which blocks differ. It lies beside the journal of the copy that follows. */
export function comparisonJournal(staging: string, disk: string, token: string): JournalPlace {
  return { path: stagedPath.compared(staging, disk), token, payloadBytes: WINDOW_BITS_BYTES };
}

/** Of a health check: which units do not have their digest. */
export function verificationJournal(staging: string, disk: string, token: string): JournalPlace {
  return { path: stagedPath.journal(staging, disk), token, payloadBytes: WINDOW_BITS_BYTES };
}

/** Of a restore as a raw disk: that the window is written. That of a copy would vouch for the image of its plan, which is never made (`isSoundPlan`). */
export function rawRestoreJournal(staging: string, disk: string, token: string): JournalPlace {
  return { path: stagedPath.restored(staging, disk), token, payloadBytes: 0 };
}

/** What is left of work on `blockCount` blocks. */
export async function diskWork(
  repository: BackupRepository,
  journal: JournalPlace,
  disk: string,
  blockCount: number,
): Promise<DiskWork> {
  const windowCount = windowCountOf(blockCount);
  const firstOpen = await firstOpenWindow(repository, journal, windowCount);
  return { disk, blockCount, windowCount, firstOpenWindow: firstOpen };
}

/** What is left of the copies of a plan's disks. */
export async function copyWork(
  target: BackupRepository,
  staging: string,
  plan: {
    readonly token: string;
    readonly disks: readonly { disk: string; slotCount: number; holeCount: number }[];
  },
): Promise<DiskWork[]> {
  const isComposed = await hasComposed(target, staging);
  const work: DiskWork[] = [];
  for (const { disk, slotCount, holeCount } of plan.disks) {
    const windowCount = windowCountOf(slotCount);
    const journal = copyJournal(staging, disk, plan.token);
    const whole = isComposed
      ? { disk, blockCount: slotCount, windowCount, firstOpenWindow: windowCount }
      : await diskWork(target, journal, disk, slotCount);
    if (holeCount === 0) {
      work.push(whole);
      continue;
    }
    const blockCount = slotCount - holeCount;
    const done = [{ first: 0, count: whole.firstOpenWindow }];
    const doneBlocks =
      whole.firstOpenWindow === windowCount
        ? blockCount
        : await copiedIn(target, staging, { disk, token: plan.token }, done);
    work.push({ ...whole, copied: { blockCount, doneBlocks } });
  }
  return work;
}

/** Blocks that are copied in these windows of a plan. */
export async function copiedIn(
  target: BackupRepository,
  staging: string,
  { disk, token }: { readonly disk: string; readonly token: string },
  windows: readonly WindowRun[],
): Promise<number> {
  if (windows.every(({ count }) => count === 0)) return 0;
  return withOpenFiles(async (files) => {
    const path = stagedPath.blockList(staging, disk);
    const file = files.add(await target.openWork(path, token, 'existing'));
    const list = await BlockListReader.open(file, token);
    let copied = 0;
    for (const { first, count } of windows)
      copied += await list.countCopied(first * WINDOW_BLOCKS, count * WINDOW_BLOCKS);
    return copied;
  });
}

/** The windows of `firstWindow … firstWindow + windowCount - 1` that are not copied: none once the file is composed, whose parts may have their final names
 *  by then. An operation of a thread: there the way to the journal is a few calls, and on the thread that runs the activity forty that each go through
 *  the pool. */
export async function openCopyWindows(
  context: MoverContext,
  input: {
    readonly targetRepositoryId: string;
    readonly staging: string;
    readonly reference: PlanReference;
    readonly disk: string;
    readonly firstWindow: number;
    readonly windowCount: number;
  },
): Promise<WindowRun[]> {
  const { staging, disk, reference, firstWindow, windowCount } = input;
  const target = await context.repository(input.targetRepositoryId);
  if (await hasComposed(target, staging)) return [];
  const journal = copyJournal(staging, disk, reference.token);
  return openRuns(target, journal, firstWindow, windowCount);
}

async function hasComposed(target: SourceRepository, staging: string): Promise<boolean> {
  return (await target.stat(stagedPath.composed(staging))) !== null;
}
