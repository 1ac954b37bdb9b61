import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ApplicationFailure, executeChild } from '@temporalio/workflow';
import type {
  FormerCopies,
  LookForWorkRequest,
  TakeFormerRequest,
  WorkLook,
} from '../../activities/payloads/chain-payloads.js';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import { retentionActivities } from '../activity-profiles.js';
import { chainWorkflowId, CONTROL_TASK_QUEUE } from '../messages.js';
import { counted } from '../../src/domain/sentences.js';

interface FormerOrder extends Pick<
  LookForWorkRequest,
  'targetRepositoryId' | 'jobId' | 'workload' | 'owner'
> {
  readonly settings: CopySettings;
}

interface TakeFormerInput extends TakeFormerRequest {
  readonly settings: CopySettings;
}

/** A look that finds the copies of the workload under an id that it had before has them taken over, and looks again.
 *  @param onTaken told what was taken over, in plain words */
export async function lookPastFormer(
  look: () => Promise<WorkLook | FormerCopies>,
  order: FormerOrder,
  onTaken: (text: string) => void,
): Promise<WorkLook> {
  const first = await look();
  if (!('formerId' in first)) return first;
  const { formerId } = first;
  const pointCount = await taken(order, formerId);
  onTaken(
    `it was ${formerId} before: ${counted(pointCount, 'restore point that lay under that id is', 'restore points that lay under that id are')} its own now`,
  );
  const second = await look();
  if ('formerId' in second)
    throw ApplicationFailure.nonRetryable(
      `the copies under ${second.formerId} were taken over, and are there again`,
      'CHAIN_FOREIGN',
    );
  return second;
}

/** @throws CHAIN_LOCKED when somebody is at work on them */
async function taken(order: FormerOrder, formerId: string): Promise<number> {
  const { targetRepositoryId, jobId, owner, settings } = order;
  const { id, name, type } = order.workload;
  const workload = { id, name, type };
  try {
    const { pointCount } = await executeChild(takeFormerCopies, {
      workflowId: chainWorkflowId(targetRepositoryId, jobId, formerId),
      taskQueue: CONTROL_TASK_QUEUE,
      staticSummary: `${name}: its copies get the id that it has now`,
      args: [
        {
          ...{ targetRepositoryId, jobId, owner, settings, workload, formerId },
          nowMs: Date.now(),
        },
      ],
    });
    return pointCount;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw ApplicationFailure.nonRetryable(
      `somebody is at work on its copies under ${formerId}, the id that it had before`,
      'CHAIN_LOCKED',
    );
  }
}

/** With the lock of where the copies lie, which is the id of this workflow; that of where they go is the caller's. */
export async function takeFormerCopies({
  settings,
  ...request
}: TakeFormerInput): Promise<{ pointCount: number }> {
  const { targetRepositoryId, formerId, workload } = request;
  return retentionActivities(targetRepositoryId, settings).takeFormerCopies.executeWithOptions(
    { summary: `${workload.name}: from ${formerId} to ${workload.id}` },
    [request],
  );
}
