import { movedBytes, sumMoved } from '../../src/domain/targets/moved-bytes.js';
import { moverTimes, sumTimes, type MoverTimes } from '../../src/domain/sessions/mover-times.js';
import { Context } from '@temporalio/activity';
import { BLOCK_BYTES } from '../../src/domain/targets/digest.js';
import type { CopyBlocksHeartbeat } from '../../src/domain/sessions/operation.js';
import { comparisonJournal, copiedIn } from '../../src/mover/staging/journals.js';
import type { DataMover } from '../../src/mover/data-mover.js';
import type { BackupRepository } from '../../src/repository/backup-repository.js';
import type { TaskControl } from '../../src/mover/task/task-control.js';
import { openRuns, type JournalPlace } from '../../src/mover/task/window-journal.js';
import { windowsBeside, windowsIn, type WindowRun } from '../../src/mover/task/window-runs.js';
import type { BatchCounts, BlockBatch } from '../payloads/chain-payloads.js';
import { stagingOf } from '../running/on-chain.js';
import { runTask } from '../running/run-task.js';

/** The long work on blocks. Windows that are done are left alone, so a repeat does only the rest. */
export function createBlockActivities({ mover }: { readonly mover: DataMover }) {
  return {
    /** Compares source blocks with the target's digests. */
    async scanBlocks(batch: BlockBatch): Promise<BatchCounts> {
      const { targetRepositoryId, reference, disk } = batch;
      const staging = stagingOf(batch);
      const input = { targetRepositoryId, staging, reference, disk };
      const journal = comparisonJournal(staging, disk, reference.token);
      return runBatch(mover, batch, openIn(journal, batch), (windows, control) =>
        mover.runWindows('scanBlocks', input, windows, control),
      );
    },

    /** Copies blocks into the staged file. */
    async copyBlocks(batch: BlockBatch): Promise<BatchCounts> {
      const { targetRepositoryId, reference, disk } = batch;
      const staging = stagingOf(batch);
      const input = { targetRepositoryId, staging, reference, disk };
      return runBatch(
        mover,
        batch,
        openOfCopy(mover, { ...batch, staging }),
        (windows, control) => mover.runWindows('copyBlocks', input, windows, control),
        copiedOf(batch, staging),
      );
    },
  };
}

/** Finds the windows of a batch that are not done.
 *  @param target opened when it is asked for */
export type FindOpenRuns = (
  target: () => Promise<BackupRepository>,
  control: TaskControl,
) => Promise<WindowRun[]>;

type Windows = Pick<BlockBatch, 'disk' | 'firstWindow' | 'windowCount' | 'reference'>;

export function openIn(
  journal: JournalPlace,
  { firstWindow, windowCount }: Pick<Windows, 'firstWindow' | 'windowCount'>,
): FindOpenRuns {
  return async (target) => openRuns(await target(), journal, firstWindow, windowCount);
}

/** Of a copy whose file may be composed by now. */
export function openOfCopy(
  mover: DataMover,
  batch: Windows & { readonly targetRepositoryId: string; readonly staging: string },
): FindOpenRuns {
  const { targetRepositoryId, staging, disk, reference, firstWindow, windowCount } = batch;
  const input = { targetRepositoryId, staging, disk, reference, firstWindow, windowCount };
  return (_, control) => mover.run('openCopyWindows', input, control);
}

/** Counts the blocks that windows which are done were copied for. */
type CountCopied = (target: BackupRepository, windows: readonly WindowRun[]) => Promise<number>;

export function copiedOf(
  { disk, reference: { token } }: Pick<Windows, 'disk' | 'reference'>,
  staging: string,
): CountCopied {
  return (target, windows) => copiedIn(target, staging, { disk, token }, windows);
}

/** Runs the open windows of a batch; the heartbeat carries its counters, with what the attempts before had moved by their last one: they have done windows that
 *  this one finds done.
 *  @param countCopied absent: every block of a window is worked on */
export async function runBatch(
  mover: DataMover,
  batch: Pick<BlockBatch, 'targetRepositoryId' | 'windowCount'> & { readonly firstWindow?: number },
  findOpenRuns: FindOpenRuns,
  run: (windows: readonly WindowRun[], control: TaskControl) => Promise<void>,
  countCopied?: CountCopied,
): Promise<BatchCounts> {
  const { info } = Context.current();
  const start = { atMs: performance.now(), before: movedBefore(info.heartbeatDetails) };
  return runTask(
    async (control) => {
      const target = () => mover.repository(batch.targetRepositoryId);
      const windows = await findOpenRuns(target, control);
      await run(windows, control);
      const { processedBytes, times, ...moved } = counts(control, start);
      const resumedWindows = batch.windowCount - windowsIn(windows);
      const all = { first: batch.firstWindow ?? 0, count: batch.windowCount };
      const resumed =
        countCopied === undefined || resumedWindows === 0
          ? {}
          : {
              resumedBytes:
                (await countCopied(await target(), windowsBeside(all, windows))) * BLOCK_BYTES,
            };
      return {
        ...{ processedBytes, times, ...movedBytes(moved) },
        ...{ resumedWindows, ...resumed, attempt: info.attempt },
      };
    },
    (control) => counts(control, start),
  );
}

type Counts = CopyBlocksHeartbeat & { readonly times: MoverTimes };

interface BatchStart {
  /** As `performance.now()` tells. */
  readonly atMs: number;
  /** null: this is the first attempt, or nobody heard of those before. */
  readonly before: CopyBlocksHeartbeat | null;
}

/** An attempt that ended before its first heartbeat has told nothing; one of another build may have told something else. */
function movedBefore(details: unknown): CopyBlocksHeartbeat | null {
  const told = (details ?? {}) as Partial<CopyBlocksHeartbeat>;
  const { readBytes, transferredBytes, reusedBytes, storedBytes } = told;
  const isTold = [readBytes, transferredBytes, reusedBytes, storedBytes].every(Number.isFinite);
  return isTold ? (told as CopyBlocksHeartbeat) : null;
}

function counts(control: TaskControl, { atMs, before }: BatchStart): Counts {
  const processedBytes = control.get('processedBlocks') * BLOCK_BYTES;
  const seconds = Math.max(0.001, (performance.now() - atMs) / 1000);
  const moved = {
    readBytes: control.get('readBytes'),
    transferredBytes: control.get('transferredBytes'),
    reusedBytes: control.get('reusedBytes'),
    storedBytes: control.get('storedBytes'),
  };
  return {
    processedBytes,
    ...sumMoved(before === null ? [moved] : [before, moved]),
    bytesPerSecond: Math.round(processedBytes / seconds),
    times: sumTimes([before?.times ?? null, timesOf(control)]),
  };
}

function timesOf(control: TaskControl): MoverTimes {
  const ms = (part: 'loopNs' | 'sourceNs' | 'targetNs' | 'limitNs') => control.get(part) / 1e6;
  return moverTimes({
    loopMs: ms('loopNs'),
    sourceMs: ms('sourceNs'),
    targetMs: ms('targetNs'),
    limitMs: ms('limitNs'),
  });
}
