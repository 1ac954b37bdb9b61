/** What the sessions of a job say of it, as far as Temporal remembers them. */

import type { Client } from '@temporalio/client';
import { LRUCache } from 'lru-cache';
import {
  jobOutcome,
  type EndedSession,
  type JobOutcome,
} from '../../domain/sessions/job-outcome.js';
import type { SessionTrigger } from '../../domain/sessions/copy-session.js';
import { JOB_ID, RESULT, WORKFLOW_COPY_SESSION } from '../../../workflows/messages.js';
import { listExecutions } from '../executions/execution-list.js';
import { quoted } from '../executions/visibility-query.js';
import type { SessionSummary } from './session-schemas.js';
import { memoOf, summaryOf, type SessionExecution } from './session-summary.js';

const PAGE_SIZE = 100;
export const LONG_PAGE_SIZE = 1_000;
/** Of 1,000 sessions each. */
const MAX_PAGES = 10;
/** What has left the newest 100 of a job since is told a moment later. */
const KEPT_MS = 60_000;

/** Sessions that were started so are nearly always over some workloads. */
const BY_THEMSELVES: readonly SessionTrigger[] = ['watch', 'retry'];

/** What a job shows of its sessions. */
export interface LatestSessions {
  readonly newest: SessionSummary;
  readonly outcome: JobOutcome;
}

export function queryOf(jobId: string): string {
  return `WorkflowType = ${quoted(WORKFLOW_COPY_SESSION)} AND ${JOB_ID.name} = ${quoted(jobId)}`;
}

/** Sessions overlap when someone starts one by hand, so the newest start decides. */
export function latestOf(executions: readonly SessionExecution[]): LatestSessions | null {
  const sessions = executions
    .filter(({ status }) => status.name !== 'CONTINUED_AS_NEW')
    .map((execution) => ({ summary: summaryOf(execution), memo: memoOf(execution) }))
    .sort((a, b) => (a.summary.startedAt > b.summary.startedAt ? -1 : 1));
  const [newest] = sessions;
  if (newest === undefined) return null;
  const ended = sessions.flatMap(({ summary, memo }): EndedSession[] => {
    const { id, result, startedAt, trigger } = summary;
    if (summary.state !== 'ended' || result === null) return [];
    const actionRequired = memo.taskCounts?.actionRequired ?? (result === 'actionRequired' ? 1 : 0);
    const { left = null } = memo;
    // One that ended without a word, started by an earlier build.
    const isLikelyPartial = memo.taskCounts === undefined && BY_THEMSELVES.includes(trigger);
    const { isPartial = isLikelyPartial } = memo;
    return [{ id, result, startedAt, isPartial, actionRequired, left }];
  });
  return { newest: newest.summary, outcome: jobOutcome(ended) };
}

/** Sessions of a job before those of a cut list that bear on what it has left: those that may have left something, and all since the oldest of them. A job
 *  that looks at some workloads at a time has thousands of the others. */
export class OlderSessions {
  readonly #client: Client;
  readonly #kept = new LRUCache<string, readonly SessionExecution[]>({ max: 200, ttl: KEPT_MS });

  constructor(client: Client) {
    this.#client = client;
  }

  /** @param known those of the cut list */
  async of(
    jobId: string,
    outcome: JobOutcome,
    known: readonly SessionExecution[],
  ): Promise<readonly SessionExecution[]> {
    const last = this.#kept.get(jobId);
    if (last !== undefined) return last;
    const runs = new Set(known.map(({ runId }) => runId));
    const results = [
      ...(outcome.isFaultKnown ? [] : ['failed', 'warning']),
      ...(outcome.isDecisionKnown ? [] : ['failed', 'actionRequired', 'stopped']),
    ];
    const troubled = `(${RESULT.name} IN (${results.map(quoted).join(', ')}) OR ExecutionStatus IN ('Failed', 'TimedOut', 'Terminated'))`;
    const found = await listExecutions(this.#client, `${queryOf(jobId)} AND ${troubled}`, {
      pageSize: PAGE_SIZE,
    });
    const older: SessionExecution[] = found.executions.filter(({ runId }) => !runs.has(runId));
    const oldestMs = Math.min(...older.map(({ closeTime }) => closeTime?.getTime() ?? Infinity));
    if (oldestMs < Infinity) {
      const since = `${queryOf(jobId)} AND CloseTime > ${quoted(new Date(oldestMs).toISOString())}`;
      for await (const page of this.#pages(since))
        older.push(...page.filter(({ runId }) => !runs.has(runId)));
    }
    const each = new Map(older.map((execution) => [execution.runId, execution]));
    this.#kept.set(jobId, [...each.values()]);
    return [...each.values()];
  }

  async *#pages(query: string): AsyncGenerator<readonly SessionExecution[]> {
    let cursor: string | null = null;
    for (let page = 0; page < MAX_PAGES; page++) {
      const found = await listExecutions(this.#client, query, {
        pageSize: LONG_PAGE_SIZE,
        ...(cursor === null ? {} : { cursor }),
      });
      yield found.executions;
      cursor = found.nextCursor;
      if (cursor === null) return;
    }
  }
}
