/** Runs of file-backup jobs, as far as Temporal remembers them. */

import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import {
  fileBackupRunId,
  JOB_ID,
  WORKFLOW_RUN_FILE_BACKUP,
  type FileBackupOutcome,
} from '../../../workflows/messages.js';
import { listExecutions } from '../executions/execution-list.js';
import { quoted } from '../executions/visibility-query.js';
import { LONG_PAGE_SIZE } from '../sessions/latest-sessions.js';
import type { FileBackupRunView } from './file-backup-schemas.js';

const ALL_RUNS = `WorkflowType = ${quoted(WORKFLOW_RUN_FILE_BACKUP)}`;

export class FileBackupRuns {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** As `of`, in one call for all jobs; one of which the newest thousand runs do not tell how it went is asked for itself. */
  async byJob(): Promise<(id: string) => Promise<readonly FileBackupRunView[]>> {
    const { executions, nextCursor } = await listExecutions(this.#client, ALL_RUNS, {
      pageSize: LONG_PAGE_SIZE,
    });
    const byJob = new Map<string, WorkflowExecutionInfo[]>();
    for (const execution of executions) {
      const id = execution.typedSearchAttributes.get(JOB_ID) ?? '';
      byJob.set(id, [...(byJob.get(id) ?? []), execution]);
    }
    return async (id) => {
      const runs = runViewsOf(byJob.get(id) ?? []);
      const isEnough = nextCursor === null || runs.some(({ result }) => result !== null);
      return isEnough ? runs : this.of(id);
    };
  }

  /** Those that run, and the last ones that have ended; the newest first. */
  async of(id: string): Promise<readonly FileBackupRunView[]> {
    const query = `${ALL_RUNS} AND ${JOB_ID.name} = ${quoted(id)}`;
    const { executions } = await listExecutions(this.#client, query, { pageSize: 20 });
    return runViewsOf(executions);
  }
}

function runViewsOf(executions: readonly WorkflowExecutionInfo[]): readonly FileBackupRunView[] {
  return [...executions]
    .sort((a, b) => b.startTime.getTime() - a.startTime.getTime())
    .map(runViewOf);
}

function runViewOf(execution: WorkflowExecutionInfo): FileBackupRunView {
  const { workflowId, startTime, closeTime, status } = execution;
  const memo = (execution.memo ?? {}) as Partial<FileBackupOutcome>;
  const ended = memo.result === undefined ? unsaid(status.name) : { reason: null, ...memo };
  const { result, reason } = status.name === 'RUNNING' ? { result: null, reason: null } : ended;
  return {
    runId: fileBackupRunId(workflowId),
    state: status.name === 'RUNNING' ? 'running' : 'ended',
    ...{ result: result ?? null, reason },
    snapshot: memo.snapshot ?? null,
    sessions: memo.sessions ?? [],
    startedAt: startTime.toISOString(),
    endedAt: closeTime?.toISOString() ?? null,
  };
}

/** How a run went that has not said it: only one that somebody stopped has not failed. */
function unsaid(status: string): Pick<FileBackupRunView, 'result' | 'reason'> {
  if (status === 'CANCELLED') return { result: null, reason: null };
  return { result: 'failed', reason: `the run ended without a word (${status} in Temporal)` };
}
