import type { Client } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { JobStarter } from '../../activities/session-activities.js';
import { AFTER_JOB, quoted } from '../api/search-attributes.js';
import { searchAttributesOf } from '../api/job-schedule.js';
import { sessionIdOfWorkflow } from '../domain/copy-session.js';
import {
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
        started.push(await startAfter(client, input, startOf(sessionId)));
      }
      return started;
    },
  };
}

async function startAfter(
  client: Client,
  { job }: CopySessionInput,
  start: string,
): Promise<string> {
  const workflowId = `session/${job.id}-${start}`;
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

/** `…-20261124T220000Z` → `2026-11-24T22:00:00Z`. */
function startOf(sessionId: string): string {
  const match = /(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(sessionId);
  if (match === null) throw new Error(`${sessionId} is not a session id`);
  const [, year, month, day, hour, minute, second] = match;
  return `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
}
