import { availablePoints } from '../src/chain/chain-record.js';
import type { ChainPolicy, RestorePointScope } from '../src/domain/copy-job.js';
import type { WorkloadPage } from '../src/domain/found-workload.js';
import type { SettleRule } from '../src/domain/settle.js';
import type { DataMover } from '../src/mover/data-mover.js';
import type { OperationInput, OperationOutput } from '../src/mover/mover-operations.js';
import type { PlanCopyInput, PlanCopyOutcome } from '../src/mover/copy/plan-copy.js';
import type { FoundWork } from '../src/mover/selection/select-work.js';
import type { TaskControl } from '../src/mover/task/task-control.js';
import { createBlockActivities } from './block-activities.js';
import { onChain, stagingOf, type OnChain } from './on-chain.js';
import { runTask } from './run-task.js';

export interface ChainState {
  readonly epoch: number;
  readonly pointCount: number;
  /** Id of the newest point; null in a new chain. */
  readonly newestId: string | null;
  readonly notes: readonly string[];
}

export type PlanInput = Omit<PlanCopyInput, 'chain'> & { readonly jobId: string };

export interface CopyDependencies {
  readonly mover: DataMover;
  /** For how long nothing may have changed in a restore point of this repository before it is taken for whole. */
  readonly settleMs: (repositoryId: string) => number;
  /** Days during which a repository changes nothing. */
  readonly immutableForDays: (repositoryId: string) => number;
  /** Configured repositories that are written to. */
  readonly targetIds: readonly string[];
}

/** What a session wants of restore points that may be in progress. */
export interface SettleRequest {
  /** They are taken as they are. */
  readonly now?: boolean;
  /** `AwaitedPoint.seen` of the look before. */
  readonly seen?: SettleRule['seen'];
}

/** Input of `lookForWork`. */
export interface LookForWorkInput
  extends
    OnChain<OperationInput<'inspectTargetChain'>>,
    Pick<OperationInput<'selectWork'>, 'sourceRepositoryId' | 'sourceFolders'>,
    SettleRequest {
  /** null: the chain is to be taken over for `owner`. */
  readonly epoch: number | null;
  readonly job: ChainPolicy;
  readonly scope: RestorePointScope;
  readonly activeFull: boolean;
}

/** Where a workload stands. */
export interface WorkLook extends FoundWork {
  /** Of the chain, which is the caller's. */
  readonly epoch: number;
  /** What was found and settled when the chain was taken over. */
  readonly notes: readonly string[];
  /** False: GFS, retention and compacts have nothing to do and nothing to say. */
  readonly isMaintenanceDue: boolean;
}

/** Steps of a copy. Each may be run twice, also at once: what it writes follows from the plan, and a commit is fenced by its epoch. */
export function createCopyActivities(deps: CopyDependencies) {
  return {
    ...createLookActivities(deps),
    ...createPlanActivities(deps),
    ...createBlockActivities(deps),
    ...createCommitActivities(deps),
  };
}

export type CopyActivities = ReturnType<typeof createCopyActivities>;

/** What is there, and what is to be done. */
function createLookActivities({ mover, settleMs, immutableForDays, targetIds }: CopyDependencies) {
  const settleRule = ({
    sourceRepositoryId,
    now,
    seen = [],
  }: SettleRequest & SourceOf): SettleRule => ({
    nowMs: Date.now(),
    settleMs: now === true ? 0 : settleMs(sourceRepositoryId),
    seen,
  });
  const take = async (chain: OperationInput<'inspectTargetChain'>, control: TaskControl) => {
    const { record, notes } = await mover.run('inspectTargetChain', chain, control);
    return { epoch: record.epoch, notes };
  };
  return {
    /** Workloads in a source repository, page by page. Reads only. @throws SOURCE_IS_TARGET */
    async enumerateWorkloads(input: {
      repositoryId: string;
      after: string | null;
    }): Promise<WorkloadPage> {
      const order = { ...input, targetIds };
      return runTask((control) => mover.run('enumerateWorkloads', order, control));
    },

    /** Takes the chain over and finishes what was left, in a target that is marked as one. Repeating it with the same owner changes nothing. */
    async inspectTargetChain(
      input: OnChain<OperationInput<'inspectTargetChain'>>,
    ): Promise<ChainState> {
      return runTask(async (control) => {
        const { record, notes } = await mover.run('inspectTargetChain', onChain(input), control);
        const points = availablePoints(record);
        const newestId = points.at(-1)?.id ?? null;
        return { epoch: record.epoch, pointCount: points.length, newestId, notes };
      });
    },

    /** One look at source and target: takes the chain over when it is not the caller's yet, and finds what is to be copied, and otherwise
     *  whether anything is left to do at the target. */
    async lookForWork(input: LookForWorkInput): Promise<WorkLook> {
      const settle = settleRule(input);
      return runTask(async (control) => {
        const place = onChain(input);
        const { epoch, notes } =
          input.epoch === null ? await take(place, control) : { epoch: input.epoch, notes: [] };
        const owned = { ...place, epoch };
        const work = await mover.run('selectWork', { ...owned, settle }, control);
        const isIdle = work.detection.toCompare.length === 0 && work.selection.points.length === 0;
        const days = immutableForDays(input.targetRepositoryId);
        const isMaintenanceDue =
          !isIdle ||
          (await mover.run('isMaintenanceDue', { ...owned, immutableForDays: days }, control));
        return { epoch, notes, ...work, isMaintenanceDue };
      });
    },
  };
}

/** How it is to be done. */
function createPlanActivities({ mover }: { readonly mover: DataMover }) {
  return {
    /** Prepares the comparison of a source point with the copy that it may be, or takes up the one that is there. */
    async planComparison(
      input: OnChain<OperationInput<'planComparison'>>,
    ): Promise<OperationOutput<'planComparison'>> {
      return runTask((control) => mover.run('planComparison', onChain(input), control));
    },

    /** Writes the outcome of a finished comparison into the commit record. */
    async settleComparison(
      input: OnChain<OperationInput<'settleComparison'>>,
    ): Promise<OperationOutput<'settleComparison'>> {
      return runTask((control) => mover.run('settleComparison', onChain(input), control));
    },

    /** Writes the plan into the staging folder, or takes up the one that is there. */
    async planCopy(input: PlanInput): Promise<PlanCopyOutcome> {
      return runTask((control) => mover.run('planCopy', onChain(input), control));
    },
  };
}

interface SourceOf {
  readonly sourceRepositoryId: string;
}

/** From copied blocks to a restore point. */
function createCommitActivities({ mover }: { readonly mover: DataMover }) {
  return {
    /** Writes tables and digests around the copied blocks. */
    async composeTargetFile(
      input: OnChain<OperationInput<'composeTargetFile'>> & { readonly stagingId: string },
    ): Promise<{ disks: number; sizeBytes: number }> {
      const staging = stagingOf(input);
      return runTask((control) => mover.run('composeTargetFile', { ...input, staging }, control));
    },

    /** Makes the point visible. */
    async commitRestorePoint(
      input: OnChain<OperationInput<'commitRestorePoint'>> & { readonly stagingId: string },
    ): Promise<{ pointId: string; kind: 'full' | 'increment' }> {
      const place = { ...onChain(input), staging: stagingOf(input) };
      return runTask(async (control) => {
        const point = await mover.run('commitRestorePoint', place, control);
        return { pointId: point.id, kind: point.kind };
      });
    },
  };
}
