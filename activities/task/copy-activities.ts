import { availablePoints } from '../../src/chain/chain-record.js';
import { claimCopies } from '../../src/chain/sessions/copies-owner.js';
import { isBackupError } from '../../src/domain/errors.js';
import {
  namedLook,
  type FoundWorkload,
  type NamedLook,
  type WorkloadPage,
} from '../../src/domain/sources/found-workload.js';
import type { BrowseRepositoryInput } from '../../src/domain/targets/repository-view.js';
import type { SettleRule } from '../../src/domain/sources/settle.js';
import type { DataMover } from '../../src/mover/data-mover.js';
import type { TaskControl } from '../../src/mover/task/task-control.js';
import { createBlockActivities } from './block-activities.js';
import type {
  ChainState,
  CommitRequest,
  CompareRequest,
  FormerCopies,
  LookForWorkRequest,
  PlanCopyRequest,
  PlannedComparison,
  PlannedCopy,
  SettleRequest,
  StagedPoint,
  TakeChainRequest,
  WorkLook,
} from '../payloads/chain-payloads.js';
import { onChain, stagingOf } from '../running/on-chain.js';
import { runTask } from '../running/run-task.js';
import { taskTarget } from '../running/task-target.js';

interface CopyDependencies {
  readonly mover: DataMover;
  /** For how long nothing may have changed in a restore point of this repository before it is taken for whole. */
  readonly settleMs: (repositoryId: string) => number;
  /** Days during which a repository changes nothing. */
  readonly immutableForDays: (repositoryId: string) => number;
  /** Configured repositories that are written to. */
  readonly targetIds: readonly string[];
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
function createLookActivities(deps: CopyDependencies) {
  const { mover, targetIds } = deps;
  return {
    /** Workloads in a source repository, page by page. Reads only. @throws SOURCE_IS_TARGET */
    async enumerateWorkloads(input: {
      repositoryId: string;
      after: string | null;
    }): Promise<WorkloadPage> {
      const order = { ...input, targetIds };
      return runTask((control) => mover.run('enumerateWorkloads', order, control));
    },

    /** What a source holds under a name, for whoever asks before a job is made. Reads only. @throws SOURCE_IS_TARGET */
    async findNamed({ repositoryId, workload = '' }: BrowseRepositoryInput): Promise<NamedLook> {
      return runTask(async (control) => {
        const workloads: FoundWorkload[] = [];
        let after: string | null = null;
        do {
          const order = { repositoryId, targetIds, after };
          const page: WorkloadPage = await mover.run('enumerateWorkloads', order, control);
          workloads.push(...page.workloads);
          after = page.next;
        } while (after !== null);
        return namedLook(workloads, workload);
      });
    },

    /** Takes the chain over and finishes what was left, in a target that is marked as one. Repeating it with the same owner changes nothing. */
    async inspectTargetChain(input: TakeChainRequest): Promise<ChainState> {
      return runTask(async (control) => {
        const { record, notes, stuck } = await takeOver(mover, input, control);
        const points = availablePoints(record);
        const newestId = points.at(-1)?.id ?? null;
        return { epoch: record.epoch, pointCount: points.length, newestId, notes, stuck };
      });
    },

    /** One look at source and target: takes the chain over when it is not the caller's yet, and finds what is to be copied, and otherwise
     *  whether anything is left to do at the target. Where copies lie under an id that the workload had before, and are its own by proof, nothing is taken over
     *  and they are told instead. @throws COPIES_OF_OTHER_JOB */
    async lookForWork(input: LookForWorkRequest): Promise<WorkLook | FormerCopies> {
      return runTask((control) => lookForWork(deps, input, control));
    },
  };
}

async function lookForWork(
  { mover, settleMs, immutableForDays }: CopyDependencies,
  input: LookForWorkRequest,
  control: TaskControl,
): Promise<WorkLook | FormerCopies> {
  const settle = settleRule(settleMs, input);
  const place = onChain(input);
  const target = await taskTarget(mover, input.targetRepositoryId, control);
  await claimCopies(target, input.job, input);
  const { formerIds = [] } = input;
  const former =
    input.epoch !== null || formerIds.length === 0
      ? null
      : await mover.run('findFormerChain', { ...place, formerIds }, control);
  if (former !== null && former.workloadId !== null) return { formerId: former.workloadId };
  const { epoch, notes } =
    input.epoch === null ? await take(mover, input, control) : { epoch: input.epoch, notes: [] };
  const owned = { ...place, epoch };
  const { told, ...work } = await mover.run('selectWork', { ...owned, settle }, control);
  const isIdle = work.detection.toCompare.length === 0 && work.selection.points.length === 0;
  const days = immutableForDays(input.targetRepositoryId);
  const isMaintenanceDue =
    !isIdle || (await mover.run('isMaintenanceDue', { ...owned, immutableForDays: days }, control));
  // Of a task that copies something the warnings are those of its last look, and that one has another newest point.
  const isFirst = input.epoch === null;
  return {
    epoch,
    notes: isFirst && !isIdle ? [...notes, ...told] : notes,
    ...work,
    ...withDoubt(work.newDoubt, former?.text ?? null),
    isMaintenanceDue,
  };
}

async function take(mover: DataMover, input: TakeChainRequest, control: TaskControl) {
  const { record, notes } = await takeOver(mover, input, control);
  return { epoch: record.epoch, notes };
}

function withDoubt(known: string | undefined, found: string | null): Pick<WorkLook, 'newDoubt'> {
  const doubts = [...(known === undefined ? [] : [known]), ...(found === null ? [] : [found])];
  return doubts.length === 0 ? {} : { newDoubt: doubts.join('; ') };
}

function settleRule(
  settleMs: CopyDependencies['settleMs'],
  { sourceRepositoryId, now, seen = [] }: SettleRequest & SourceOf,
): SettleRule {
  return { nowMs: Date.now(), settleMs: now === true ? 0 : settleMs(sourceRepositoryId), seen };
}

/** A change that was announced and finds no room is finished with what the target keeps aside; where that is not enough it waits, and all that need
 *  not wait for it goes on. */
async function takeOver(mover: DataMover, input: TakeChainRequest, control: TaskControl) {
  const order = onChain(input);
  try {
    return await mover.runFreeing('inspectTargetChain', { ...order, needsRoom: true }, control);
  } catch (error) {
    if (!isBackupError(error, 'REPOSITORY_FULL')) throw error;
    return mover.run('inspectTargetChain', order, control);
  }
}

/** How it is to be done. */
function createPlanActivities({ mover, settleMs }: CopyDependencies) {
  return {
    /** Prepares the comparison of a source point with the copy that it may be, or takes up the one that is there. */
    async planComparison(input: CompareRequest): Promise<PlannedComparison> {
      return runTask((control) => mover.run('planComparison', onChain(input), control));
    },

    /** Writes the outcome of a finished comparison into the commit record. */
    async settleComparison(input: CompareRequest): Promise<{ outcome: string }> {
      return runTask((control) => mover.run('settleComparison', onChain(input), control));
    },

    /** Writes the plan into the staging folder, or takes up the one that is there. */
    async planCopy(input: PlanCopyRequest): Promise<PlannedCopy> {
      // A look that is remembered was judged by its own rule.
      const settle = input.lookId === undefined ? { settle: settleRule(settleMs, input) } : {};
      return runTask((control) => mover.run('planCopy', { ...onChain(input), ...settle }, control));
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
    async composeTargetFile(input: StagedPoint): Promise<{ disks: number; sizeBytes: number }> {
      const staging = stagingOf(input);
      return runTask((control) => mover.run('composeTargetFile', { ...input, staging }, control));
    },

    /** Makes the point visible. */
    async commitRestorePoint(
      input: CommitRequest,
    ): Promise<{ pointId: string; kind: 'full' | 'increment' }> {
      const place = { ...onChain(input), staging: stagingOf(input) };
      return runTask(async (control) => {
        const point = await mover.run('commitRestorePoint', place, control);
        return { pointId: point.id, kind: point.kind };
      });
    },
  };
}
