/** What the execution of a session tells of it in lists, which ask no worker. */

import type { WorkflowExecutionInfo } from '@temporalio/client';
import {
  sessionIdOfWorkflow,
  type SessionResult,
  type SessionTrigger,
} from '../../domain/sessions/copy-session.js';
import { JOB_ID, RESULT, type SessionMemo } from '../../../workflows/messages.js';
import { quoted } from '../executions/visibility-query.js';
import type { SessionSummary } from './session-schemas.js';

export type SessionExecution = Omit<WorkflowExecutionInfo, 'raw'>;

export function memoOf({ memo }: Pick<WorkflowExecutionInfo, 'memo'>): Partial<SessionMemo> {
  return memo ?? {};
}

export function summaryOf(execution: SessionExecution): SessionSummary {
  const id = sessionIdOfWorkflow(execution.workflowId);
  const isRunning = execution.status.name === 'RUNNING';
  const memo = memoOf(execution);
  return {
    id,
    jobId: execution.typedSearchAttributes.get(JOB_ID) ?? id.slice(0, -'-20261124T220000Z'.length),
    trigger: memo.trigger ?? guessTrigger(execution),
    startedBy: memo.startedBy ?? null,
    tryNumber: memo.tryNumber ?? 1,
    state: isRunning ? (memo.state ?? 'running') : 'ended',
    result: isRunning ? null : resultOf(execution),
    startedAt: memo.startedAt ?? execution.startTime.toISOString(),
    endedAt: execution.closeTime?.toISOString() ?? null,
    nextTryAt: tryToCome(memo.nextTryAt ?? null, Date.now()),
  };
}

/** The memo of a session that has ended says for ever when it was to be tried again. null: that was made, or another session has dealt with it.
 *  @param nextTryAt RFC 3339 */
export function tryToCome(nextTryAt: string | null, nowMs: number): string | null {
  if (nextTryAt === null || Date.parse(nextTryAt) < nowMs - TRY_BEGINS_MS) return null;
  return nextTryAt;
}

/** As long as a try may take to begin, once it is due: one that could not be started is tried again ten minutes later. */
const TRY_BEGINS_MS = 11 * 60_000;

/** Of sessions in one list those are tried again no more after which, when that was due, another of the job began. */
export function withoutTriesMade(sessions: readonly SessionSummary[]): SessionSummary[] {
  const newest = new Map<string, number>();
  for (const { jobId, startedAt } of sessions)
    newest.set(jobId, Math.max(newest.get(jobId) ?? 0, Date.parse(startedAt)));
  return sessions.map((session) => {
    const { jobId, nextTryAt } = session;
    const isMade = nextTryAt !== null && newest.get(jobId)! >= Date.parse(nextTryAt);
    return isMade ? { ...session, nextTryAt: null } : session;
  });
}

/** For sessions whose starter left no memo: Temporal marks those that a calendar started. */
function guessTrigger(execution: Pick<WorkflowExecutionInfo, 'searchAttributes'>): SessionTrigger {
  return 'TemporalScheduledById' in execution.searchAttributes ? 'schedule' : 'api';
}

function resultOf(
  execution: Pick<WorkflowExecutionInfo, 'status' | 'typedSearchAttributes'>,
): SessionResult {
  const { name } = execution.status;
  if (name === 'CANCELLED' || name === 'TERMINATED') return 'stopped';
  if (name !== 'COMPLETED') return 'failed';
  const result = execution.typedSearchAttributes.get(RESULT);
  return isSessionResult(result) ? result : 'success';
}

/** Inverse of `resultOf`. */
export function clauseOfResult(result: SessionResult): string {
  const told = `(ExecutionStatus = 'Completed' AND ${RESULT.name} = ${quoted(result)})`;
  if (result === 'stopped') return `(${told} OR ExecutionStatus IN ('Canceled', 'Terminated'))`;
  if (result === 'failed') return `(${told} OR ExecutionStatus IN ('Failed', 'TimedOut'))`;
  return told;
}

const RESULTS: readonly SessionResult[] = [
  'success',
  'warning',
  'failed',
  'stopped',
  'actionRequired',
  'nothingToCopy',
];

function isSessionResult(value: unknown): value is SessionResult {
  return RESULTS.some((result) => result === value);
}
