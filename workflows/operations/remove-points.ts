import { executeChild, proxyActivities, workflowInfo } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { HealthActivities } from '../../activities/operations/health-activities.js';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import type { ErrorCode } from '../../src/domain/errors.js';
import type { OperationStatus } from '../../src/domain/sessions/operation.js';
import type { RemovalMode } from '../../src/domain/retention/point-removal.js';
import { partsOfRestorePointKey } from '../../src/domain/targets/repository-view.js';
import type {
  ChainToVerify,
  CheckedChain,
  VerificationPage,
} from '../../src/domain/targets/verification.js';
import { controlActivities, listingActivities, retentionActivities } from '../activity-profiles.js';
import {
  chainWorkflowId,
  CONTROL_TASK_QUEUE,
  lookTaskQueue,
  type RemoveInput,
} from '../messages.js';
import { OperationState } from './operation-state.js';

/** Takes a restore point out of its chain because an operator wants it, with what builds on it if that was said. */
export async function removePoint(input: RemoveInput): Promise<OperationStatus> {
  const state = new OperationState();
  try {
    const removal = await remove(input);
    if ('code' in removal) return state.end('failed', removal.reason, removal.code);
    const { ids } = removal;
    const what = input.mode === 'delete' ? 'deleted' : 'set aside in the quarantine of its chain';
    for (const id of ids) state.note(`${id} was ${what}`);
    return state.end('success', null);
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) return state.fail(error);
    const reason = 'its chain is in use by a session or a health check: try it again';
    return state.end('failed', reason, 'CHAIN_LOCKED');
  }
}

async function remove(input: RemoveInput): Promise<{ ids: readonly string[] } | Refusal> {
  const { repositoryId, restorePointId, mode, withDependents } = input;
  const settings = await controlActivities.readCopySettings.executeWithOptions(
    { summary: 'read settings' },
    [],
  );
  const { listVerification } = proxyActivities<HealthActivities>({
    taskQueue: lookTaskQueue(repositoryId),
    startToCloseTimeout: '10m',
    heartbeatTimeout: settings.heartbeatTimeoutMs,
    scheduleToCloseTimeout: '10m',
  });
  const { parts } = await listVerification.executeWithOptions({ summary: 'look for its chain' }, [
    { repositoryId, restorePointId, jobId: null, since: new Date().toISOString(), after: null },
  ]);
  const found = parts.find((part): part is ChainToVerify => part.type === 'chain');
  if (found === undefined) return whyNot(restorePointId, parts);
  const { jobId, workloadId, workload } = found;
  const pointId = partsOfRestorePointKey(restorePointId)[2] ?? '';
  return executeChild(removeFromChain, {
    workflowId: chainWorkflowId(repositoryId, jobId, workloadId),
    taskQueue: CONTROL_TASK_QUEUE,
    staticSummary: `${workload.name}: ${mode === 'delete' ? 'delete' : 'set aside'} ${pointId}`,
    args: [
      {
        targetRepositoryId: repositoryId,
        chain: { jobId, workloadId, workload },
        ...{ pointId, mode, withDependents, settings },
      },
    ],
  });
}

interface Refusal {
  readonly code: ErrorCode;
  readonly reason: string;
}

function whyNot(restorePointId: string, [part]: VerificationPage['parts']): Refusal {
  if (part?.type === 'unreadable') {
    const { code } = part;
    return { code, reason: `its chain cannot be read: ${part.reason} (${code})` };
  }
  const reason = `${restorePointId} is one of a tree of files, which its points share: they go by the days that its job keeps`;
  return { code: 'POINT_OF_TREE', reason };
}

interface RemoveFromChainInput {
  readonly targetRepositoryId: string;
  readonly chain: CheckedChain;
  readonly pointId: string;
  readonly mode: RemovalMode;
  readonly withDependents: boolean;
  readonly settings: CopySettings;
}

/** As the owner of the chain: the workflow id is its lock. */
export async function removeFromChain(
  input: RemoveFromChainInput,
): Promise<{ ids: readonly string[] }> {
  const { targetRepositoryId, chain, pointId, mode, withDependents, settings } = input;
  const { jobId, workloadId, workload } = chain;
  const ids = { targetRepositoryId, jobId, workloadId };
  const owner = workflowInfo().firstExecutionRunId;
  const { epoch } = await listingActivities(
    targetRepositoryId,
    settings,
  ).inspectTargetChain.executeWithOptions({ summary: `${workload.name}: take the chain over` }, [
    { ...ids, workload, owner, nowMs: Date.now(), isKept: true },
  ]);
  const activities = retentionActivities(targetRepositoryId, settings);
  const plan = await activities.planRemoval.executeWithOptions(
    { summary: `${workload.name}: what goes with ${pointId}` },
    [{ ...ids, epoch, nowMs: Date.now(), pointId, withDependents }],
  );
  await activities.removeRestorePoints.executeWithOptions(
    { summary: `${workload.name}: take out ${plan.ids.length} restore points` },
    [{ ...ids, epoch, nowMs: Date.now(), ids: plan.ids, mode }],
  );
  return plan;
}
