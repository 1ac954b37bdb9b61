import { Context } from '@temporalio/activity';
import { chainFolder, stagingFolder } from '../src/chain/chain-paths.js';
import { availablePoints } from '../src/chain/chain-record.js';
import { BLOCK_BYTES } from '../src/domain/digest.js';
import type { ChainDetection } from '../src/domain/recreated-chain.js';
import type { RestorePointSelection } from '../src/domain/select-restore-points.js';
import type { WorkloadType } from '../src/domain/restore-point.js';
import { stagedPath, type PlanReference } from '../src/mover/copy-plan.js';
import type { DataMover } from '../src/mover/data-mover.js';
import { openWindows } from '../src/mover/disk-work.js';
import type { PlanCopyInput, PlanCopyOutcome } from '../src/mover/plan-copy.js';
import type { OperationInput } from '../src/mover/mover-operations.js';
import { listSourceWorkloads } from '../src/mover/source-catalogue.js';
import { TaskControl } from '../src/mover/task-control.js';
import type { CopyBlocksHeartbeat } from '../workflows/messages.js';
import { runTask } from './run-task.js';

export interface WorkloadToCopy {
  readonly id: string;
  readonly name: string;
  readonly type: WorkloadType;
}

export interface ChainState {
  readonly epoch: number;
  readonly pointCount: number;
  /** Id of the newest point; null in a new chain. */
  readonly newestId: string | null;
  readonly notes: readonly string[];
}

/** A batch of windows of one disk. */
export interface BlockBatch {
  readonly targetRepositoryId: string;
  readonly jobId: string;
  readonly workloadId: string;
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

export type PlanInput = Omit<PlanCopyInput, 'chain'> & { readonly jobId: string };

type OnChain<T> = Omit<T, 'chain' | 'staging'> & {
  readonly jobId: string;
  readonly workloadId: string;
};

/** Steps of a copy. Each may be run twice, also at once: what it writes follows from the plan, and a commit is fenced by its epoch. */
export function createCopyActivities(deps: { readonly mover: DataMover }) {
  const { mover } = deps;

  /** Runs the batch's open windows; those done already are left alone. */
  async function runBatch(
    name: 'copyBlocks' | 'scanBlocks',
    batch: BlockBatch,
    cursorPath: (staging: string, disk: string) => string,
    attempt: number,
  ): Promise<BatchCounts> {
    const staging = stagingOf(batch);
    const target = await mover.repository(batch.targetRepositoryId);
    const { disk, firstWindow, windowCount, reference, targetRepositoryId } = batch;
    const startedAtMs = performance.now();
    return runTask(
      async (control) => {
        const windows = await openWindows(
          target,
          cursorPath(staging, disk),
          firstWindow,
          windowCount,
        );
        const input = { targetRepositoryId, staging, reference, disk };
        await mover.runWindows(name, input, windows, control);
        const { processedBytes, readBytes, transferredBytes } = counts(control, startedAtMs);
        const resumedWindows = windowCount - windows.length;
        return { processedBytes, readBytes, transferredBytes, resumedWindows, attempt };
      },
      (control): CopyBlocksHeartbeat => counts(control, startedAtMs),
    );
  }

  return {
    /** Workloads in a source repository. Reads only. */
    async enumerateWorkloads(input: { repositoryId: string }): Promise<WorkloadToCopy[]> {
      return runTask(async () => {
        const repository = await mover.repository(input.repositoryId);
        const workloads = await listSourceWorkloads(repository);
        return workloads.map(({ id, name, type }) => ({ id, name, type }));
      });
    },

    /** Takes the chain over and finishes what was left. Repeating it with the same owner changes nothing. */
    async inspectTargetChain(
      input: OnChain<OperationInput<'inspectTargetChain'>>,
    ): Promise<ChainState> {
      return runTask(async (control) => {
        const chain = chainFolder(input.jobId, input.workloadId);
        const { record, notes } = await mover.run(
          'inspectTargetChain',
          { ...input, chain },
          control,
        );
        const points = availablePoints(record);
        return {
          epoch: record.epoch,
          pointCount: points.length,
          newestId: points.at(-1)?.id ?? null,
          notes,
        };
      });
    },

    /** Reads only. */
    async detectRecreatedChain(
      input: OnChain<OperationInput<'detectChain'>>,
    ): Promise<ChainDetection> {
      return runTask((control) =>
        mover.run(
          'detectChain',
          { ...input, chain: chainFolder(input.jobId, input.workloadId) },
          control,
        ),
      );
    },

    /** Reads only. */
    async enumerateRestorePoints(
      input: OnChain<OperationInput<'selectWork'>>,
    ): Promise<RestorePointSelection> {
      return runTask((control) =>
        mover.run(
          'selectWork',
          { ...input, chain: chainFolder(input.jobId, input.workloadId) },
          control,
        ),
      );
    },

    /** Writes the plan into the staging folder, or takes up the one that is there. */
    async planCopy(input: PlanInput): Promise<PlanCopyOutcome> {
      return runTask((control) =>
        mover.run(
          'planCopy',
          { ...input, chain: chainFolder(input.jobId, input.workloadId) },
          control,
        ),
      );
    },

    /** Compares source blocks with the target's digests. */
    async scanBlocks(batch: BlockBatch): Promise<BatchCounts> {
      return runBatch('scanBlocks', batch, stagedPath.scanCursor, currentAttempt());
    },

    /** Copies blocks into the staged file. */
    async copyBlocks(batch: BlockBatch): Promise<BatchCounts> {
      return runBatch('copyBlocks', batch, stagedPath.cursor, currentAttempt());
    },

    /** Writes tables and digests around the copied blocks. */
    async composeTargetFile(
      input: OnChain<OperationInput<'composeTargetFile'>> & { readonly stagingId: string },
    ): Promise<{ disks: number; sizeBytes: number }> {
      return runTask((control) =>
        mover.run('composeTargetFile', { ...input, staging: stagingOf(input) }, control),
      );
    },

    /** Makes the point visible. */
    async commitRestorePoint(
      input: OnChain<OperationInput<'commitRestorePoint'>> & { readonly stagingId: string },
    ): Promise<{ pointId: string; kind: 'full' | 'increment' }> {
      return runTask(async (control) => {
        const chain = chainFolder(input.jobId, input.workloadId);
        const point = await mover.run(
          'commitRestorePoint',
          { ...input, chain, staging: stagingOf(input) },
          control,
        );
        return { pointId: point.id, kind: point.kind };
      });
    },
  };
}

export type CopyActivities = ReturnType<typeof createCopyActivities>;

function stagingOf(input: { jobId: string; workloadId: string; stagingId: string }): string {
  return stagingFolder(chainFolder(input.jobId, input.workloadId), input.stagingId);
}

function currentAttempt(): number {
  return Context.current().info.attempt;
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
