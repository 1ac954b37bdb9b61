import { ChildWorkflowFailure, executeChild, workflowInfo } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { IdleChain } from '../activities/removed-workload-activities.js';
import type { CopyJob } from '../src/domain/copy-job.js';
import type { CopySettings } from '../src/domain/copy-settings.js';
import {
  listingActivities,
  removedWorkloadActivities,
  retentionActivities,
} from './activity-profiles.js';
import { isStop, reasonOf } from './failures.js';
import { chainWorkflowId, CONTROL_TASK_QUEUE } from './messages.js';

export interface RemoveWorkloadInput {
  readonly targetRepositoryId: string;
  readonly jobId: string;
  readonly chain: IdleChain;
  readonly settings: CopySettings;
}

/** Deletes all restore points of a workload that is gone, as the owner of its chain (the workflow id is the chain's lock). */
export async function removeWorkload(input: RemoveWorkloadInput): Promise<void> {
  const { targetRepositoryId, jobId, settings } = input;
  const { workload, pointIds } = input.chain;
  const ids = { targetRepositoryId, jobId, workloadId: workload.id };
  const { epoch } = await listingActivities(
    targetRepositoryId,
    settings,
  ).inspectTargetChain.executeWithOptions({ summary: `${workload.name}: take the chain over` }, [
    { ...ids, workload, owner: workflowInfo().firstExecutionRunId, nowMs: Date.now() },
  ]);
  await retentionActivities(targetRepositoryId, settings).deleteRestorePoints.executeWithOptions(
    { summary: `${workload.name}: delete ${pointIds.length} restore points` },
    [{ ...ids, epoch, nowMs: Date.now(), ids: pointIds }],
  );
}

export interface RemovalOutcome {
  readonly workload: string;
  readonly result: 'success' | 'warning';
  /** What was done, or why not. */
  readonly text: string;
}

/** Removes the chains of the job whose workloads the sources do not show any more and that got nothing new for longer than the job says.
 *  @param seen ids of all workloads that the sources show; every source was read */
export async function removeAbsentWorkloads(
  job: CopyJob,
  days: number,
  seen: ReadonlySet<string>,
  settings: CopySettings,
): Promise<RemovalOutcome[]> {
  const targetRepositoryId = job.target.repositoryId;
  const chains = await removedWorkloadActivities(
    targetRepositoryId,
    settings,
  ).listIdleChains.executeWithOptions({ summary: `list chains without news for ${days} days` }, [
    { targetRepositoryId, jobId: job.id, days, nowMs: Date.now() },
  ]);
  const outcomes: RemovalOutcome[] = [];
  for (const chain of chains.filter(({ workload }) => !seen.has(workload.id)))
    outcomes.push(await remove({ targetRepositoryId, jobId: job.id, chain, settings }));
  return outcomes;
}

async function remove(input: RemoveWorkloadInput): Promise<RemovalOutcome> {
  const { workload, pointIds, newestCopiedAt } = input.chain;
  try {
    await executeChild(removeWorkload, {
      workflowId: chainWorkflowId(input.targetRepositoryId, input.jobId, workload.id),
      taskQueue: CONTROL_TASK_QUEUE,
      staticSummary: `${workload.name}: remove the data of a workload that is gone`,
      args: [input],
    });
  } catch (error) {
    if (isStop(error)) throw error;
    const reason =
      error instanceof WorkflowExecutionAlreadyStartedError
        ? 'its chain is in use'
        : reasonOf(error instanceof ChildWorkflowFailure ? error.cause : error);
    const text = `it is gone from the sources, but its restore points could not be deleted: ${reason}`;
    return { workload: workload.name, result: 'warning', text };
  }
  const text = `it is gone from the sources, and its newest restore point was copied on ${newestCopiedAt.slice(0, 10)}: all ${pointIds.length} were deleted`;
  return { workload: workload.name, result: 'success', text };
}
