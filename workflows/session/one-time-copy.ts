import {
  condition,
  continueAsNew,
  executeChild,
  setCurrentDetails,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { ExpiryAnswer, TakeChainRequest } from '../../activities/payloads/chain-payloads.js';
import type { CopyJob } from '../../src/domain/jobs/copy-job.js';
import { sessionWorkflowId } from '../../src/domain/sessions/copy-session.js';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import type { CheckedChain } from '../../src/domain/targets/verification.js';
import {
  controlActivities,
  healthActivities,
  listingActivities,
  recordActivities,
  retentionActivities,
} from '../activity-profiles.js';
import { copySession } from './copy-session.js';
import { codeOf, isStop, reasonOf } from '../failures.js';
import { isHistoryLong } from '../history-length.js';
import {
  chainWorkflowId,
  CONTROL_TASK_QUEUE,
  JOB_ID,
  JOB_NAME,
  removeCopySignal,
  type OneTimeCopyInput,
  type SessionMemo,
} from '../messages.js';

/** Immutable, leased and unreachable copies are asked about again so often. */
const LOOK_AGAIN_MS = 60 * 60_000;

/** One session that no schedule starts; then it waits for the date, or for an operator, and has removed what was copied when it ends. A copy without
 *  a date ends with its session. What says that a copy may go lies beside the data (`planExpiry`): here is only when somebody looks. */
export async function oneTimeCopy(input: OneTimeCopyInput): Promise<void> {
  const { repositoryId, copy, expiresAt } = input;
  let isOrdered = input.isOrdered ?? false;
  setHandler(removeCopySignal, () => void (isOrdered = true));
  if (copy !== null) await runSession(input, copy);
  if (expiresAt === null && !isOrdered) return;
  const settings = await controlActivities.readCopySettings.executeWithOptions(
    { summary: 'read settings' },
    [],
  );
  while (!isOrdered && Date.now() < Date.parse(expiresAt!)) {
    setCurrentDetails(`Kept until ${expiresAt!}`);
    await condition(() => isOrdered, Date.parse(expiresAt!) - Date.now());
  }
  for (;;) {
    const wasOrdered = isOrdered;
    const heldBy = await removeAll(input, isOrdered, settings);
    if (heldBy === null) return;
    setCurrentDetails(`It is to go, but stays for now: ${heldBy}`);
    await condition(() => isOrdered && !wasOrdered, LOOK_AGAIN_MS);
    if (isHistoryLong(settings))
      await continueAsNew<typeof oneTimeCopy>({
        ...{ repositoryId, copyId: input.copyId, copy: null, expiresAt, isOrdered },
      });
  }
}

async function runSession(
  { copyId }: OneTimeCopyInput,
  { job, startMs, startedBy }: NonNullable<OneTimeCopyInput['copy']>,
): Promise<void> {
  const memo: SessionMemo = { trigger: 'api', startedBy };
  setCurrentDetails('Copying');
  try {
    const session = await startChild(copySession, {
      workflowId: sessionWorkflowId(copyId, startMs),
      taskQueue: CONTROL_TASK_QUEUE,
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      memo: { ...memo },
      typedSearchAttributes: [
        { key: JOB_ID, value: job.id },
        { key: JOB_NAME, value: job.name },
      ],
      staticSummary: job.name,
      staticDetails: `Copies to repository ${job.target.repositoryId}, once.`,
      args: [{ job, trigger: 'api', startedBy }],
    });
    await Promise.all([session.result(), recordDefinition(job)]);
  } catch (error) {
    // How it ended stands in its session; what it has left goes on its date all the same.
    if (isStop(error)) throw error;
  }
}

/** Before there is anything to remove; the session writes it once more at its end. */
async function recordDefinition(job: CopyJob): Promise<void> {
  try {
    await recordActivities(job.target.repositoryId).recordDefinition.executeWithOptions(
      { summary: 'write its definition' },
      [{ job }],
    );
  } catch (error) {
    if (isStop(error)) throw error;
  }
}

/** @returns why something is left; null: nothing is */
async function removeAll(
  input: OneTimeCopyInput,
  isOrdered: boolean,
  settings: CopySettings,
): Promise<string | null> {
  try {
    const { chains, unreadable } = await chainsOf(input, settings);
    const held = [...unreadable];
    for (const chain of chains) {
      const { heldBy } = await executeChild(expireChain, {
        workflowId: chainWorkflowId(input.repositoryId, input.copyId, chain.workloadId),
        taskQueue: CONTROL_TASK_QUEUE,
        staticSummary: `${chain.workload.name}: remove a one-time copy`,
        args: [{ repositoryId: input.repositoryId, chain, isOrdered, settings }],
      });
      if (heldBy !== null) held.push(heldBy);
    }
    return held.length === 0 ? null : held.join('; ');
  } catch (error) {
    if (isStop(error)) throw error;
    return error instanceof WorkflowExecutionAlreadyStartedError
      ? 'its chain is in use'
      : reasonOf(error);
  }
}

async function chainsOf({ repositoryId, copyId }: OneTimeCopyInput, settings: CopySettings) {
  const { listVerification } = healthActivities(repositoryId, settings);
  const { parts } = await listVerification.executeWithOptions({ summary: 'look for its chains' }, [
    {
      ...{ repositoryId, restorePointId: null, jobId: copyId },
      // Whenever they were verified: all of its points are meant.
      ...{ since: '9999-12-31T00:00:00.000Z', after: null },
      // A deletion that was stopped has taken them out of the record, and not all of their files away.
      withEmpty: true,
    },
  ]);
  const chains: CheckedChain[] = [];
  const unreadable: string[] = [];
  for (const part of parts)
    if (part.type === 'chain') chains.push(part);
    else if (part.type === 'unreadable') unreadable.push(`${part.path}: ${part.reason}`);
  return { chains, unreadable };
}

export interface ExpireChainInput {
  readonly repositoryId: string;
  readonly chain: CheckedChain;
  readonly isOrdered: boolean;
  readonly settings: CopySettings;
}

/** As the owner of the chain: the workflow id is its lock. */
export async function expireChain(input: ExpireChainInput): Promise<ExpiryAnswer> {
  const { repositoryId: targetRepositoryId, chain, isOrdered, settings } = input;
  const { jobId, workloadId, workload } = chain;
  const ids = { targetRepositoryId, jobId, workloadId };
  const owner = workflowInfo().firstExecutionRunId;
  const epoch = await epochOfKept(input, { ...ids, workload, owner, nowMs: Date.now() });
  // Moved or removed by hand since it was listed.
  if (epoch === null) return { deleted: 0, heldBy: null };
  return retentionActivities(targetRepositoryId, settings).expireChain.executeWithOptions(
    { summary: `${workload.name}: remove what may go` },
    [{ ...ids, epoch, nowMs: Date.now(), isOrdered }],
  );
}

/** null: the chain is not there any more. */
async function epochOfKept(
  { settings, chain, repositoryId }: ExpireChainInput,
  order: TakeChainRequest,
): Promise<number | null> {
  const { inspectTargetChain } = listingActivities(repositoryId, settings);
  try {
    const summary = `${chain.workload.name}: take the chain over`;
    const taken = { ...order, isKept: true };
    return (await inspectTargetChain.executeWithOptions({ summary }, [taken])).epoch;
  } catch (error) {
    if (codeOf(error) !== 'RESTORE_POINT_MISSING') throw error;
    return null;
  }
}
