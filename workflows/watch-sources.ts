import {
  allHandlersFinished,
  condition,
  executeChild,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { WatchActivities } from '../activities/watch-activities.js';
import { sessionWorkflowId } from '../src/domain/sessions/copy-session.js';
import { cut } from '../src/domain/sessions/task-brief.js';
import { controlActivities } from './activity-profiles.js';
import { copySession } from './copy-session.js';
import { goOnInNewRun } from './history-length.js';
import { CONTROL_TASK_QUEUE, JOB_ID, lookTaskQueue, type WatchSourcesInput } from './messages.js';

/** Watches the sources of an immediate job and starts a session when there is something to copy, and only then. It never ends by itself: it
 *  goes on in a new run now and then, and the job's Schedule starts it anew should it ever be gone. */
export async function watchSources(input: WatchSourcesInput): Promise<void> {
  const { job } = input;
  const settings = await controlActivities.readCopySettings.executeWithOptions(
    { summary: 'read settings' },
    [],
  );
  const { waitForRestorePoints } = proxyActivities<WatchActivities>({
    taskQueue: lookTaskQueue(job.target.repositoryId),
    startToCloseTimeout: '365d',
    heartbeatTimeout: settings.heartbeatTimeoutMs,
    retry: { initialInterval: settings.retryIntervalMs, maximumInterval: '1m' },
  });
  let seen = input.seen ?? null;
  for (let sessions = 0; sessions < SESSIONS_PER_RUN; sessions++) {
    setCurrentDetails(`Watching the sources of **${job.name}**`);
    const found = await waitForRestorePoints.executeWithOptions(
      { summary: `${job.name}: wait for new restore points` },
      [{ job, seen, intervalMs: settings.watchIntervalMs }],
    );
    ({ seen } = found);
    const names = found.workloads?.map(({ name }) => name).join(', ') ?? 'all workloads';
    setCurrentDetails(`Copying ${cut(names, MAX_DETAIL_CHARACTERS)}`);
    await copyNow(
      input,
      found.workloads?.map(({ id }) => id),
    );
    // The definition goes into the history with each look, and it may name thousands.
    if (workflowInfo().continueAsNewSuggested) break;
  }
  await condition(allHandlersFinished);
  await goOnInNewRun<typeof watchSources>({ ...input, seen });
}

/** 100 sessions are some 2,000 events. */
const SESSIONS_PER_RUN = 100;
/** The Temporal UI shows at most 20,000 bytes. */
const MAX_DETAIL_CHARACTERS = 5_000;

/** @param workloads ids of those that have something new; absent: all */
async function copyNow(
  { job }: WatchSourcesInput,
  workloads: readonly string[] | undefined,
): Promise<void> {
  try {
    await executeChild(copySession, {
      workflowId: sessionWorkflowId(job.id, Date.now()),
      taskQueue: CONTROL_TASK_QUEUE,
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      memo: { trigger: 'watch' },
      typedSearchAttributes: [{ key: JOB_ID, value: job.id }],
      staticSummary: job.name,
      staticDetails: `Copies to repository ${job.target.repositoryId}, because new restore points appeared.`,
      args: [{ job, trigger: 'watch', overrides: { workloads } }],
    });
  } catch (error) {
    // A session of the same second, or one that was stopped by hand: the watch goes on.
    if (error instanceof WorkflowExecutionAlreadyStartedError) return;
    if (isCancellation(error)) throw error;
  }
}
