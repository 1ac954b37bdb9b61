import {
  allHandlersFinished,
  condition,
  continueAsNew,
  executeChild,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { WatchActivities } from '../activities/watch-activities.js';
import { sessionWorkflowId } from '../src/domain/copy-session.js';
import { controlActivities } from './activity-profiles.js';
import { copySession } from './copy-session.js';
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
    setCurrentDetails(`Copying ${found.workloads.join(', ')}`);
    await copyNow(input);
  }
  await condition(allHandlersFinished);
  await continueAsNew<typeof watchSources>({ ...input, seen });
}

/** 100 sessions are some 2,000 events. */
const SESSIONS_PER_RUN = 100;

async function copyNow({ job }: WatchSourcesInput): Promise<void> {
  try {
    await executeChild(copySession, {
      workflowId: sessionWorkflowId(job.id, Date.now()),
      taskQueue: CONTROL_TASK_QUEUE,
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      memo: { trigger: 'watch' },
      typedSearchAttributes: [{ key: JOB_ID, value: job.id }],
      staticSummary: job.name,
      staticDetails: `Copies to repository ${job.target.repositoryId}, because new restore points appeared.`,
      args: [{ job, trigger: 'watch' }],
    });
  } catch (error) {
    // A session of the same second, or one that was stopped by hand: the watch goes on.
    if (error instanceof WorkflowExecutionAlreadyStartedError) return;
    if (isCancellation(error)) throw error;
  }
}
