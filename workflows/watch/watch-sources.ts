import {
  allHandlersFinished,
  ChildWorkflowCancellationType,
  condition,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  patched,
  proxyActivities,
  setCurrentDetails,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { WatchActivities } from '../../activities/watch/watch-activities.js';
import { orderOfLost } from '../../src/domain/schedules/retry.js';
import { sessionIdOfWorkflow, sessionWorkflowId } from '../../src/domain/sessions/copy-session.js';
import { cut } from '../../src/domain/sessions/task-brief.js';
import { controlActivities } from '../activity-profiles.js';
import { copySession } from '../session/copy-session.js';
import { goOnInNewRun } from '../history-length.js';
import { CONTROL_TASK_QUEUE, JOB_ID, lookTaskQueue, type WatchSourcesInput } from '../messages.js';

/** A session is its own: the end of its watch does not stop it. */
const SESSION_GOES_ON = 'watchSources-20261127-session-goes-on';

/** Earlier builds waited for a session in one run, however long. */
const WAIT_GOES_ON = 'watchSources-20261127-wait-goes-on';

/** Earlier builds looked no further until their session had ended. */
const LOOKS_ON = 'watchSources-20261129-looks-on';

/** Earlier builds waited for the sessions of the watch before, however long. */
const LOOKS_BESIDE = 'watchSources-20261129-looks-beside';

/** Watches the sources of an immediate job and starts a session when there is something to copy, and only then. It ends by itself only when the job is
 *  disabled or gone: it goes on in a new run now and then, and the job's Schedule starts it anew should it ever be gone. A session that it has started
 *  goes on when the watch is ended, because its job was changed, disabled or deleted. A session that takes long holds up no other
 *  workload: the watch looks on beside it, and so does the next watch. */
export async function watchSources(input: WatchSourcesInput): Promise<void> {
  const { job } = input;
  if (input.seen === undefined && patched(SESSION_GOES_ON) && !(await mayWatch(input))) return;
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
  const underWay = new Set<Promise<void>>();
  let seen = input.seen ?? null;
  let sinceMs = input.sinceMs ?? Date.now();
  // What a session loses that somebody terminates is ordered again in the run that has begun it.
  const mayEnd = (sessions: number) =>
    underWay.size === 0 ||
    sessions >= MOST_SESSIONS_PER_RUN ||
    workflowInfo().historySize > MOST_HISTORY_BYTES;
  for (let sessions = 0; sessions < SESSIONS_PER_RUN || !mayEnd(sessions); sessions++) {
    setCurrentDetails(`Watching the sources of **${job.name}**`);
    const found = await waitForRestorePoints.executeWithOptions(
      { summary: `${job.name}: wait for new restore points` },
      [{ job, seen, intervalMs: settings.watchIntervalMs, sinceMs }],
    );
    ({ seen } = found);
    sinceMs = Date.now();
    // A session that takes days has not left anything yet.
    if (found.isLeft === true && underWay.size > 0) continue;
    const names = found.workloads?.map(({ name }) => name).join(', ') ?? 'all workloads';
    setCurrentDetails(`Copying ${cut(names, MAX_DETAIL_CHARACTERS)}`);
    const session = copyNow(
      input,
      found.workloads?.map(({ id }) => id),
    );
    if (patched(LOOKS_ON)) await endedOrLong(session, underWay);
    else await session;
    // The definition goes into the history with each look, and it may name thousands.
    if (workflowInfo().continueAsNewSuggested && mayEnd(sessions)) break;
  }
  await condition(allHandlersFinished);
  await goOnInNewRun<typeof watchSources>({ ...input, seen, sinceMs });
}

/** Waits for a session that may soon be over, and while so many take long that one more would only be in their way. What one of them has under way is left to it
 *  (`CHAIN_LOCKED`, tried again). */
async function endedOrLong(session: Promise<void>, underWay: Set<Promise<void>>): Promise<void> {
  let hasEnded = false;
  const ended = session.finally(() => {
    hasEnded = true;
    underWay.delete(ended);
  });
  underWay.add(ended);
  // Where nobody waits for it any more, because it takes long or the watch is stopped.
  ended.catch(() => undefined);
  if (await condition(() => hasEnded, LONG_SESSION_MS)) return ended;
  await condition(() => underWay.size < MOST_UNDER_WAY);
}

/** Waits for the sessions of the watch before as for its own (`endedOrLong`): what was changed of the job holds for all that they have not under way. A start that was due
 *  when the job was disabled comes all the same.
 *  @returns whether the job is still to be watched */
async function mayWatch(input: WatchSourcesInput): Promise<boolean> {
  const jobId = input.job.id;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    const { isEnabled, hasSession, begunAtMs } =
      await controlActivities.readWatchedJob.executeWithOptions(
        { summary: `${jobId}: is it to be watched` },
        [{ jobId }],
      );
    if (!isEnabled || !hasSession) return isEnabled;
    if (mayLookBeside(begunAtMs) && patched(LOOKS_BESIDE)) return true;
    setCurrentDetails('Waiting for the session of the watch before');
    // A session of some days takes more looks than one history holds.
    if (workflowInfo().continueAsNewSuggested && patched(WAIT_GOES_ON))
      await goOnInNewRun<typeof watchSources>(input);
    await sleep(pauseMs);
  }
}

/** @param begunAtMs of the sessions that run; absent: an earlier build tells no more than that there are some */
function mayLookBeside(begunAtMs?: readonly number[]): boolean {
  if (begunAtMs === undefined || begunAtMs.length >= MOST_UNDER_WAY) return false;
  return begunAtMs.every((startMs) => Date.now() - startMs >= LONG_SESSION_MS);
}

const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 60_000;

const LONG_SESSION_MS = 10 * 60_000;
const MOST_UNDER_WAY = 4;

/** 100 sessions are some 2,000 events. */
const SESSIONS_PER_RUN = 100;
/** With one under way all the time: 20,000 events. Temporal ends a run of 51,200, or of 50 MB. */
const MOST_SESSIONS_PER_RUN = 1_000;
const MOST_HISTORY_BYTES = 20 * 1024 * 1024;
/** The Temporal UI shows at most 20,000 bytes. */
const MAX_DETAIL_CHARACTERS = 5_000;

/** @param workloads ids of those that have something new; absent: all */
async function copyNow(
  input: WatchSourcesInput,
  workloads: readonly string[] | undefined,
): Promise<void> {
  for (;;) {
    const workflowId = sessionWorkflowId(input.job.id, Date.now());
    try {
      return await runSession(input, workflowId, workloads);
    } catch (error) {
      if (isCancellation(error)) throw error;
      if (!patched(SESSION_GOES_ON)) return;
      if (!(error instanceof WorkflowExecutionAlreadyStartedError))
        return orderAgain(input, workflowId, workloads);
      // Somebody else's of the same second, which may have looked before there was anything new.
      await sleep(1_000);
    }
  }
}

async function runSession(
  { job }: WatchSourcesInput,
  workflowId: string,
  workloads: readonly string[] | undefined,
): Promise<void> {
  const goesOn = patched(SESSION_GOES_ON)
    ? {
        parentClosePolicy: ParentClosePolicy.ABANDON,
        cancellationType: ChildWorkflowCancellationType.ABANDON,
      }
    : {};
  await executeChild(copySession, {
    ...goesOn,
    workflowId,
    taskQueue: CONTROL_TASK_QUEUE,
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    memo: { trigger: 'watch', isPartial: workloads !== undefined },
    typedSearchAttributes: [{ key: JOB_ID, value: job.id }],
    staticSummary: job.name,
    staticDetails: `Copies to repository ${job.target.repositoryId}, because new restore points appeared.`,
    args: [{ job, trigger: 'watch', overrides: { workloads } }],
  });
}

/** A session that was terminated has told nobody what it has not copied, and the source will not show it as new again. */
async function orderAgain(
  { job }: WatchSourcesInput,
  workflowId: string,
  workloads: readonly string[] | undefined,
): Promise<void> {
  const order = orderOfLost(job, workloads ?? null, Date.now());
  if (order === null) return;
  await controlActivities.startJobsAfter.executeWithOptions(
    { summary: `${job.id}: its session was terminated, order another one` },
    [
      {
        ...{ jobId: job.id, sessionId: sessionIdOfWorkflow(workflowId) },
        ...{ end: { covered: [], order }, startsFollowers: false },
      },
    ],
  );
}
