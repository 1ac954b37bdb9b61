import { Context } from '@temporalio/activity';
import { BLOCK_BYTES } from '../src/domain/digest.js';
import type { CopyBlocksHeartbeat } from '../src/domain/operation.js';
import {
  requireDisk,
  requirePlan,
  stagedPath,
  type PlanReference,
} from '../src/mover/staging/copy-plan.js';
import { openCopyWindows } from '../src/mover/staging/copy-cursor.js';
import type { DataMover } from '../src/mover/data-mover.js';
import { openWindows } from '../src/mover/staging/disk-work.js';
import type { BackupRepository } from '../src/repository/backup-repository.js';
import type { TaskControl } from '../src/mover/task/task-control.js';
import { stagingOf, type ChainIds } from './on-chain.js';
import { runTask } from './run-task.js';

/** A batch of windows of one disk. */
export interface BlockBatch extends ChainIds {
  readonly targetRepositoryId: string;
  /** Name of the staging folder. */
  readonly stagingId: string;
  readonly reference: PlanReference;
  readonly disk: string;
  readonly firstWindow: number;
  readonly windowCount: number;
}

export interface BatchCounts {
  readonly processedBytes: number;
  readonly readBytes: number;
  readonly transferredBytes: number;
  /** Windows of the batch that an attempt before this one had made durable already. */
  readonly resumedWindows: number;
  readonly attempt: number;
}

/** The long work on blocks. Windows that are done are left alone, so a repeat does only the rest. */
export function createBlockActivities({ mover }: { readonly mover: DataMover }) {
  return {
    /** Compares source blocks with the target's digests. */
    async scanBlocks(batch: BlockBatch): Promise<BatchCounts> {
      const { targetRepositoryId, reference, disk } = batch;
      const staging = stagingOf(batch);
      const input = { targetRepositoryId, staging, reference, disk };
      return runBatch(mover, batch, openByMark(batch, staging), (windows, control) =>
        mover.runWindows('scanBlocks', input, windows, control),
      );
    },

    /** Copies blocks into the staged file. */
    async copyBlocks(batch: BlockBatch): Promise<BatchCounts> {
      const { targetRepositoryId, reference, disk } = batch;
      const staging = stagingOf(batch);
      const input = { targetRepositoryId, staging, reference, disk };
      return runBatch(mover, batch, openBySeal(batch, staging), (windows, control) =>
        mover.runWindows('copyBlocks', input, windows, control),
      );
    },
  };
}

/** Finds the windows of a batch that are not done. */
export type FindOpenWindows = (target: BackupRepository) => Promise<number[]>;

type Windows = Pick<BlockBatch, 'disk' | 'firstWindow' | 'windowCount' | 'reference'>;

/** For work whose cursor has a mark for each window: scans, restores of raw disks. */
export function openByMark(
  { disk, firstWindow, windowCount }: Omit<Windows, 'reference'>,
  staging: string,
): FindOpenWindows {
  const cursor = stagedPath.scanCursor(staging, disk);
  return (target) => openWindows(target, cursor, firstWindow, windowCount);
}

/** For copies. */
export function openBySeal(
  { disk, firstWindow, windowCount, reference }: Windows,
  staging: string,
): FindOpenWindows {
  return async (target) => {
    const plan = await requirePlan(target, staging, reference);
    return openCopyWindows(target, staging, requireDisk(plan, disk), firstWindow, windowCount);
  };
}

/** Runs the open windows of a batch; the heartbeat carries its counters. */
export async function runBatch(
  mover: DataMover,
  batch: Pick<BlockBatch, 'targetRepositoryId' | 'windowCount'>,
  findOpenWindows: FindOpenWindows,
  run: (windows: readonly number[], control: TaskControl) => Promise<void>,
): Promise<BatchCounts> {
  const { attempt } = Context.current().info;
  const startedAtMs = performance.now();
  return runTask(
    async (control) => {
      const target = await mover.repository(batch.targetRepositoryId);
      const windows = await findOpenWindows(target);
      await run(windows, control);
      const { processedBytes, readBytes, transferredBytes } = counts(control, startedAtMs);
      const resumedWindows = batch.windowCount - windows.length;
      return { processedBytes, readBytes, transferredBytes, resumedWindows, attempt };
    },
    (control) => counts(control, startedAtMs),
  );
}

function counts(control: TaskControl, startedAtMs: number): CopyBlocksHeartbeat {
  const processedBytes = control.get('processedBlocks') * BLOCK_BYTES;
  const seconds = Math.max(0.001, (performance.now() - startedAtMs) / 1000);
  return {
    processedBytes,
    readBytes: control.get('readBytes'),
    transferredBytes: control.get('transferredBytes'),
    bytesPerSecond: Math.round(processedBytes / seconds),
  };
}
