import type { Client } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { JobStarter } from '../../activities/session-activities.js';
import { quoted } from '../api/visibility-query.js';
import { searchAttributesOf } from '../api/job-schedule.js';
import {
  RFC3339_SECONDS_LENGTH,
  sessionIdOfWorkflow,
  sessionWorkflowId,
  workflowIdOfSession,
} from '../domain/copy-session.js';
import {
  AFTER_JOB,
  CONTROL_TASK_QUEUE,
  WORKFLOW_COPY_SESSION,
  type CopySessionInput,
  type SessionMemo,
} from '../../workflows/messages.js';

/** Starts the jobs that follow another one. A job that follows gets its predecessor's start time in its session id, so that a repeat finds
 *  the session that is there. */
export function jobStarter(client: Client): JobStarter {
  return {
    async startJobsAfter(jobId, sessionId) {
      const started: string[] = [];
      const query = `${AFTER_JOB.name} = ${quoted(jobId)}`;
      for await (const schedule of client.schedule.list({ query })) {
        if (schedule.state.paused) continue;
        const { action } = await client.schedule.getHandle(schedule.scheduleId).describe();
        const [input] = action.args as [CopySessionInput];
        started.push(await startAfter(client, input, startMsOfSession(sessionId)));
      }
      return started;
    },
  };
}

async function startAfter(
  client: Client,
  { job }: CopySessionInput,
  startMs: number,
): Promise<string> {
  const workflowId = sessionWorkflowId(job.id, startMs);
  const memo: SessionMemo = { trigger: 'afterJob' };
  try {
    await client.workflow.start(WORKFLOW_COPY_SESSION, {
      workflowId,
      taskQueue: CONTROL_TASK_QUEUE,
      args: [{ job, trigger: 'afterJob' } satisfies CopySessionInput],
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'FAIL',
      memo: { ...memo },
      typedSearchAttributes: searchAttributesOf(job),
      staticSummary: job.name,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
  return sessionIdOfWorkflow(workflowId);
}

function startMsOfSession(sessionId: string): number {
  const start = workflowIdOfSession(sessionId)?.slice(-RFC3339_SECONDS_LENGTH);
  if (start === undefined) throw new Error(`${sessionId} is not a session id`);
  return Date.parse(start);
}
