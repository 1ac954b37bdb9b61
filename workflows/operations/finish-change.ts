import { executeChild } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import type { CheckedChain } from '../../src/domain/targets/verification.js';
import { chainWorkflowId, CONTROL_TASK_QUEUE } from '../messages.js';
import { repairChain } from './repair-chain.js';

/** Finishes what was left of a change of a chain, as its owner.
 *  @returns `held`: a session holds the chain; else why the change waits for somebody to do something, null: it is finished, or waits for a reader */
export async function finishChange(input: {
  readonly repositoryId: string;
  readonly chain: CheckedChain;
  /** When the one began who waits for it; RFC 3339 UTC. */
  readonly since: string;
  readonly settings: CopySettings;
}): Promise<{ readonly stuck: string | null } | 'held'> {
  const { repositoryId: targetRepositoryId, chain, since, settings } = input;
  const { jobId, workloadId, workload } = chain;
  try {
    const { stuck = null } = await executeChild(repairChain, {
      workflowId: chainWorkflowId(targetRepositoryId, jobId, workloadId),
      taskQueue: CONTROL_TASK_QUEUE,
      staticSummary: `${workload.name}: finish a change`,
      args: [{ targetRepositoryId, jobId, workload, damage: [], verified: [], since, settings }],
    });
    return { stuck };
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return 'held';
    throw error;
  }
}
