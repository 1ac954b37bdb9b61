import { executeChild, workflowInfo } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import type { OperationStatus } from '../../src/domain/sessions/operation.js';
import { controlActivities, retentionActivities } from '../activity-profiles.js';
import { chainWorkflowId, CONTROL_TASK_QUEUE, type RehomeInput } from '../messages.js';
import { OperationState } from './operation-state.js';

/** Gives the copies of one workload to another job, or to none. */
export async function rehomeCopies(input: RehomeInput): Promise<OperationStatus> {
  const state = new OperationState();
  const { chain, job, repositoryId } = input;
  const { name } = chain.workload;
  try {
    const settings = await controlActivities.readCopySettings.executeWithOptions(
      { summary: 'read settings' },
      [],
    );
    const { pointCount } = await executeChild(rehomeFrom, {
      workflowId: chainWorkflowId(repositoryId, chain.jobId, chain.workloadId),
      taskQueue: CONTROL_TASK_QUEUE,
      staticSummary: `${name}: its copies leave ${chain.jobId}`,
      args: [{ ...input, settings, owner: workflowInfo().firstExecutionRunId }],
    });
    if (pointCount === null) return state.end('failed', IN_USE);
    state.note(`${pointCount} restore points of ${name} lie under ${job.id} now`);
    return state.end('success', null);
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) return state.fail(error);
    return state.end('failed', IN_USE);
  }
}

const IN_USE = 'the chain is in use by a session or a health check: try it again';

interface LockedRehomeInput extends RehomeInput {
  readonly settings: CopySettings;
  readonly owner: string;
}

/** As the owner of the copies where they are: the workflow id is their lock.
 *  @returns null: somebody has the lock of where they go */
export async function rehomeFrom(input: LockedRehomeInput): Promise<{ pointCount: number | null }> {
  const { chain, job, repositoryId } = input;
  try {
    return await executeChild(rehomeInto, {
      workflowId: chainWorkflowId(repositoryId, job.id, chain.workloadId),
      taskQueue: CONTROL_TASK_QUEUE,
      staticSummary: `${chain.workload.name}: its copies go to ${job.id}`,
      args: [input],
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return { pointCount: null };
  }
}

/** And where they go. */
export async function rehomeInto(input: LockedRehomeInput): Promise<{ pointCount: number }> {
  const { chain, job, repositoryId, settings, owner } = input;
  const { jobId, workloadId, workload } = chain;
  return retentionActivities(repositoryId, settings).rehomeCopies.executeWithOptions(
    { summary: `${workload.name}: from ${jobId} to ${job.id}` },
    [
      {
        targetRepositoryId: repositoryId,
        jobId,
        workloadId,
        workload,
        job,
        owner,
        nowMs: Date.now(),
      },
    ],
  );
}
