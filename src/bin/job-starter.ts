import {
  ScheduleNotFoundError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
  type ScheduleDescription,
} from '@temporalio/client';
import type { JobStarter } from '../../activities/session/session-activities.js';
import { translated } from '../api/executions/temporal-errors.js';
import { quoted } from '../api/executions/visibility-query.js';
import { scheduleIdOf, searchAttributesOf } from '../api/jobs/job-schedule.js';
import type { CopyJob } from '../domain/jobs/copy-job.js';
import {
  RFC3339_SECONDS_LENGTH,
  sessionIdOfWorkflow,
  sessionWorkflowId,
  workflowIdOfSession,
} from '../domain/sessions/copy-session.js';
import {
  AFTER_JOB,
  CONTROL_TASK_QUEUE,
  JOB_ID,
  retryWorkflowId,
  sessionEndedSignal,
  sessionQuery,
  WORKFLOW_COPY_SESSION,
  WORKFLOW_RETRY_SESSIONS,
  type CopySessionInput,
  type RetrySessionsInput,
  type SessionMemo,
} from '../../workflows/messages.js';

/** What sessions ask of the Temporal client. A job that follows gets its predecessor's start time in its session id, and a retry the time at which it
 *  is due, so that a repeat finds the session that is there. A Temporal that does not answer is no fault of ours: it is asked again, however often.
 *  @throws TEMPORAL_UNREACHABLE */
export function jobStarter(client: Client): JobStarter {
  const starter = askingStarter(client);
  return {
    startJobsAfter: translated((...of) => starter.startJobsAfter(...of)),
    tellSessionEnd: translated((...of) => starter.tellSessionEnd(...of)),
    startRetry: translated((...of) => starter.startRetry(...of)),
    enabledJob: translated((jobId) => starter.enabledJob(jobId)),
    waitingSession: translated((jobId) => starter.waitingSession(jobId)),
    watchSessions: translated((jobId) => starter.watchSessions(jobId)),
  };
}

function askingStarter(client: Client): JobStarter {
  return {
    async startJobsAfter(jobId, sessionId) {
      const started: string[] = [];
      const query = `${AFTER_JOB.name} = ${quoted(jobId)}`;
      for await (const schedule of client.schedule.list({ query })) {
        if (schedule.state.paused) continue;
        const { action } = await client.schedule.getHandle(schedule.scheduleId).describe();
        const [input] = action.args as [CopySessionInput];
        const session = { job: input.job, trigger: 'afterJob' } as const;
        started.push(await startOnce(client, session, startMsOfSession(sessionId)));
      }
      return started;
    },

    async tellSessionEnd(jobId, end) {
      const workflowId = retryWorkflowId(jobId);
      if (end.order === null) {
        await client.workflow
          .getHandle(workflowId)
          .signal(sessionEndedSignal, end)
          .catch(ignoreMissing);
        return;
      }
      const input: RetrySessionsInput = { jobId };
      await client.workflow.signalWithStart(WORKFLOW_RETRY_SESSIONS, {
        workflowId,
        taskQueue: CONTROL_TASK_QUEUE,
        args: [input],
        signal: sessionEndedSignal,
        signalArgs: [end],
        typedSearchAttributes: [{ key: JOB_ID, value: jobId }],
        staticSummary: `${jobId}: retries`,
      });
    },

    async startRetry(jobId, { tryNumber, dueMs, workloads, sought }) {
      const job = await enabledJob(client, jobId);
      if (job === null) return null;
      const overrides = workloads === null ? {} : { workloads };
      const names = sought === undefined ? {} : { sought };
      return startOnce(client, { job, overrides, trigger: 'retry', tryNumber, ...names }, dueMs);
    },

    enabledJob: (jobId) => enabledJob(client, jobId),

    async waitingSession(jobId) {
      const changedAtMs = await definitionChangedAtMs(client, jobId);
      for await (const { memo, workflowId, startTime } of runningSessions(client, jobId)) {
        if ((memo as Partial<SessionMemo> | undefined)?.state !== 'waiting') continue;
        // It waits with the hours, the sources and the rules that the job had then.
        if (startTime.getTime() < changedAtMs) continue;
        // The list may be some seconds old, and what it began in them it does not look for again.
        const query = client.workflow.getHandle(workflowId).query(sessionQuery);
        const session = await query.catch(() => null);
        if (session?.state === 'waiting') return session.id;
      }
      return null;
    },

    watchSessions: (jobId) => watchSessions(client, jobId),
  };
}

async function watchSessions(client: Client, jobId: string): Promise<number[]> {
  const begunAtMs: number[] = [];
  for await (const { memo, startTime } of runningSessions(client, jobId)) {
    const { trigger, startedAt } = (memo ?? {}) as Partial<SessionMemo>;
    // One that has gone on in another run says when the first began.
    if (trigger === 'watch')
      begunAtMs.push(startedAt === undefined ? startTime.getTime() : Date.parse(startedAt));
  }
  return begunAtMs;
}

function runningSessions(client: Client, jobId: string) {
  const query = `WorkflowType = ${quoted(WORKFLOW_COPY_SESSION)} AND ${JOB_ID.name} = ${quoted(jobId)} AND ExecutionStatus = 'Running'`;
  return client.workflow.list({ query });
}

/** As the job is now; null: it is gone or disabled. */
async function enabledJob(client: Client, jobId: string): Promise<CopyJob | null> {
  const schedule = await scheduleOf(client, jobId);
  if (schedule === null || schedule.state.paused) return null;
  const [input] = schedule.action.args as [CopySessionInput];
  return input.job;
}

/** Also when the job was enabled or disabled, which changes nothing for a session: one more is begun then, and finds what the waiting one would find. */
async function definitionChangedAtMs(client: Client, jobId: string): Promise<number> {
  const info = (await scheduleOf(client, jobId))?.info;
  return (info?.lastUpdatedAt ?? info?.createdAt)?.getTime() ?? -Infinity;
}

/** null: the job is gone. */
async function scheduleOf(client: Client, jobId: string): Promise<ScheduleDescription | null> {
  try {
    return await client.schedule.getHandle(scheduleIdOf(jobId)).describe();
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return null;
    throw error;
  }
}

/** A session of that start which is there already is the answer of an earlier call, unless somebody else started it in the same second: then the next
 *  second is taken. */
async function startOnce(
  client: Client,
  input: CopySessionInput & Required<Pick<CopySessionInput, 'trigger'>>,
  startMs: number,
): Promise<string> {
  const { job, trigger, tryNumber, overrides } = input;
  const isPartial = overrides?.workloads !== undefined;
  const tried = tryNumber === undefined ? {} : { tryNumber };
  const memo: SessionMemo = { trigger, isPartial, ...tried };
  for (let atMs = startMs; ; atMs += 1_000) {
    const workflowId = sessionWorkflowId(job.id, atMs);
    try {
      await client.workflow.start(WORKFLOW_COPY_SESSION, {
        workflowId,
        taskQueue: CONTROL_TASK_QUEUE,
        args: [input],
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        workflowIdConflictPolicy: 'FAIL',
        memo: { ...memo },
        typedSearchAttributes: searchAttributesOf(job),
        staticSummary: job.name,
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      const present = await client.workflow.getHandle(workflowId).describe();
      const { trigger: by, tryNumber: number } = (present.memo ?? {}) as Partial<SessionMemo>;
      if (by !== trigger || number !== tryNumber) continue;
    }
    return sessionIdOfWorkflow(workflowId);
  }
}

/** A job without retries under way. */
function ignoreMissing(error: unknown): void {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
}

function startMsOfSession(sessionId: string): number {
  const start = workflowIdOfSession(sessionId)?.slice(-RFC3339_SECONDS_LENGTH);
  if (start === undefined) throw new Error(`${sessionId} is not a session id`);
  return Date.parse(start);
}
