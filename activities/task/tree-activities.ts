import { claimCopies } from '../../src/chain/sessions/copies-owner.js';
import type { DataMover } from '../../src/mover/data-mover.js';
import type { CommittedTree, TreePlanOutcome } from '../../src/domain/trees/tree-work.js';
import type { PlanTreeInput } from '../../src/mover/tree/plan/plan-class.js';
import { StagedClass } from '../../src/mover/tree/copy/staged-files.js';
import { classIndexOf, requireTreePlan } from '../../src/mover/tree/tree-plan.js';
import { runBatch, type FindOpenRuns } from './block-activities.js';
import type { BatchCounts } from '../payloads/chain-payloads.js';
import { onChain } from '../running/on-chain.js';
import { runTask } from '../running/run-task.js';
import { taskTarget } from '../running/task-target.js';
import type {
  CommitTreeRequest,
  FileBatch,
  FreeTreeRequest,
  NoteToldRequest,
  PlanTreeRequest,
  PublishedFiles,
  PublishFilesRequest,
  RemovedTreeFiles,
  RemoveTreeFilesRequest,
} from '../payloads/tree-payloads.js';

interface TreeDependencies {
  readonly mover: DataMover;
  readonly settleMs: (repositoryId: string) => number;
  /** Days during which a repository changes nothing. */
  readonly immutableForDays: (repositoryId: string) => number;
}

/** Of storage that was not probed. */
const ALL_NAMES_DIFFER = { caseSensitive: true, accentSensitive: true };

/** What a plan has to know of its two repositories. */
async function placesOf(
  { mover, settleMs, immutableForDays }: TreeDependencies,
  { targetRepositoryId, sourceRepositoryId, now }: PlanTreeRequest,
): Promise<Pick<PlanTreeInput, 'limits' | 'settleMs' | 'immutableForDays'>> {
  const abilities = (await mover.storage.of(targetRepositoryId, false))?.abilities;
  const { caseSensitive, accentSensitive } = abilities ?? ALL_NAMES_DIFFER;
  return {
    limits: { names: { caseSensitive, accentSensitive } },
    settleMs: now === true ? 0 : settleMs(sourceRepositoryId),
    immutableForDays: immutableForDays(targetRepositoryId),
  };
}

/** The windows of a class. */
function openOfClass(batch: FileBatch & { readonly chain: string }): FindOpenRuns {
  const { chain, reference, firstWindow, windowCount } = batch;
  return async (opened) => {
    const target = await opened();
    const plan = await requireTreePlan(target, chain, reference);
    const classIndex = classIndexOf(plan, batch.class);
    const staged = await StagedClass.open(target, chain, plan, classIndex);
    try {
      return await staged.openWindows(target, firstWindow, windowCount);
    } finally {
      await staged.close();
    }
  };
}

/** Steps of the copy of a tree. Each may be run twice, also at once: what it writes follows from the plan, and a commit is fenced by its epoch. */
export function createTreeActivities(dependencies: TreeDependencies) {
  const { mover, immutableForDays } = dependencies;
  return {
    /** Takes the tree over, compares it with the source and lists what is to be copied. Writes nothing where nothing is different.
     *  @throws COPIES_OF_OTHER_JOB */
    async planTree(request: PlanTreeRequest): Promise<TreePlanOutcome> {
      return runTask(async (control) => {
        const { now: _now, origin, takeOver, definition, ...input } = request;
        const job = { id: request.jobId, ...(origin === undefined ? {} : { origin }) };
        const target = await taskTarget(mover, request.targetRepositoryId, control);
        await claimCopies(target, job, { takeOver, definition });
        const places = await placesOf(dependencies, request);
        return mover.run('planTree', { ...onChain(input), ...places }, control);
      });
    },

    /** Copies files, or parts of large ones. Windows that are done are left alone. */
    async copyFiles(batch: FileBatch): Promise<BatchCounts> {
      const input = onChain(batch);
      return runBatch(mover, batch, openOfClass(input), (windows, control) =>
        mover.runWindows('copyFiles', input, windows, control),
      );
    },

    /** Gives the large files of a class their names. */
    async publishFiles(input: PublishFilesRequest): Promise<PublishedFiles> {
      return runTask((control) => mover.run('publishFiles', onChain(input), control));
    },

    /** Makes the points of the plan visible. */
    async commitTree(input: CommitTreeRequest): Promise<CommittedTree> {
      return runTask((control) => mover.run('commitTree', { ...onChain(input) }, control));
    },

    /** Ends what the copy keeps for whoever did not get an answer. */
    async noteTold(input: NoteToldRequest): Promise<void> {
      return runTask((control) => mover.runFreeing('noteTold', onChain(input), control));
    },

    /** Removes what retention or the source lets go. */
    async removeTreeFiles(input: RemoveTreeFilesRequest): Promise<RemovedTreeFiles> {
      const days = immutableForDays(input.targetRepositoryId);
      return runTask((control) =>
        mover.runFreeing('removeTreeFiles', { ...onChain(input), immutableForDays: days }, control),
      );
    },

    /** The same after a copy that found no room. Takes the tree over, because a plan that found none has not.
     *  @throws COPIES_OF_OTHER_JOB */
    async freeTree(request: FreeTreeRequest): Promise<RemovedTreeFiles> {
      const { origin, takeOver, definition, ...input } = request;
      const days = immutableForDays(request.targetRepositoryId);
      return runTask(async (control) => {
        const job = { id: request.jobId, ...(origin === undefined ? {} : { origin }) };
        const target = await taskTarget(mover, request.targetRepositoryId, control);
        await claimCopies(target, job, { takeOver, definition });
        const order = { ...onChain(input), immutableForDays: days };
        return mover.runFreeing('freeTree', order, control);
      });
    },
  };
}

export type TreeActivities = ReturnType<typeof createTreeActivities>;
