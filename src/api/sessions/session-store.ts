/** Copy sessions as Temporal remembers them: workflow executions `session/<jobId>-<start>`. */

import {
  WorkflowFailedError,
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionInfo,
} from '@temporalio/client';
import { CancelledFailure, TerminatedFailure } from '@temporalio/common';
import { LRUCache } from 'lru-cache';
import { bottleneckOfAll } from '../../domain/sessions/bottleneck.js';
import {
  NO_PROGRESS,
  NO_TASKS,
  sessionIdOfWorkflow,
  workflowIdOfSession,
  type CopySession,
  type CopyTask,
  type SessionResult,
  type SessionState,
  type SessionTrigger,
} from '../../domain/sessions/copy-session.js';
import { BackupError } from '../../domain/errors.js';
import { liveProgress, needsDecision } from '../../domain/sessions/session-result.js';
import {
  JOB_ID,
  RESULT,
  pauseUpdate,
  resumeUpdate,
  sessionQuery,
  stopOrderSignal,
  WORKFLOW_COPY_SESSION,
  type CopySessionOutcome,
  type SessionMemo,
} from '../../../workflows/messages.js';
import type { StopOrder } from '../../domain/sessions/session-result.js';
import { listExecutions } from '../executions/execution-list.js';
import { refreshTasks } from './live-tasks.js';
import { quoted } from '../executions/visibility-query.js';
import type { RunningSession, SessionSummary, SessionView } from './session-schemas.js';
import { taskViews } from './task-view.js';
import { retryOf } from '../executions/step-retry.js';
import { isNoAnswer } from '../executions/temporal-errors.js';

const PAGE_SIZE = 100;
/** A query without a deadline hangs up to 29 s when no worker lives. */
const QUERY_TIMEOUT_MS = 2_000;
const UPDATE_TIMEOUT_MS = 10_000;
/** Running sessions whose last answer is kept for when no worker answers. */
const REMEMBERED_SESSIONS = 100;
/** Workflow ids beyond this cannot exist. */
const SESSION_ID_LENGTH = 100;

export interface SessionFilter {
  readonly jobId?: string;
  readonly state?: SessionState;
  readonly result?: SessionResult;
  /** Started at or after; RFC 3339. */
  readonly from?: string;
  /** Started before. */
  readonly to?: string;
  readonly cursor?: string;
}

/** What a job shows of its sessions. */
export interface LatestSessions {
  readonly newest: SessionSummary;
  /** A workload's chain was recreated, and that is not decided yet. */
  readonly needsDecision: boolean;
}

export class SessionStore {
  readonly #client: Client;
  /** Their last answers. */
  readonly #known = new LRUCache<string, CopySession>({ max: REMEMBERED_SESSIONS });

  constructor(client: Client) {
    this.#client = client;
  }

  /** Running sessions first, then the ended ones, newest end first. Asks no worker: `paused` and `stopping` are as of the last memo. */
  async list(
    filter: SessionFilter,
  ): Promise<{ items: SessionSummary[]; nextCursor: string | null }> {
    const clauses = [`WorkflowType = ${quoted(WORKFLOW_COPY_SESSION)}`];
    if (filter.jobId !== undefined) clauses.push(`${JOB_ID.name} = ${quoted(filter.jobId)}`);
    if (filter.state !== undefined) {
      clauses.push(`ExecutionStatus ${filter.state === 'ended' ? '!=' : '='} 'Running'`);
    }
    if (filter.result !== undefined) clauses.push(clauseOfResult(filter.result));
    if (filter.from !== undefined) clauses.push(`StartTime >= ${quoted(filter.from)}`);
    if (filter.to !== undefined) clauses.push(`StartTime < ${quoted(filter.to)}`);
    const page = await listExecutions(this.#client, clauses.join(' AND '), {
      pageSize: PAGE_SIZE,
      ...(filter.cursor === undefined ? {} : { cursor: filter.cursor }),
    });
    const items = page.executions
      .filter((execution) => execution.status.name !== 'CONTINUED_AS_NEW')
      .map(summaryOf)
      .filter(({ state }) => filter.state === undefined || state === filter.state);
    return { items, nextCursor: page.nextCursor };
  }

  /** Those that run, with their progress as of the last memo. Asks no worker. */
  async running(): Promise<RunningSession[]> {
    const query = `WorkflowType = ${quoted(WORKFLOW_COPY_SESSION)} AND ExecutionStatus = 'Running'`;
    const { executions } = await listExecutions(this.#client, query, { pageSize: PAGE_SIZE });
    return executions.map((execution) => ({
      ...summaryOf(execution),
      progress: memoOf(execution).progress ?? NO_PROGRESS,
      taskCounts: memoOf(execution).taskCounts ?? NO_TASKS,
    }));
  }

  /** Of the newest 100; null: none that Temporal still knows. Lists lag, so one that they show running is asked for itself: whoever acts on a
   *  session right after its end finds it ended. */
  async latestOf(jobId: string): Promise<LatestSessions | null> {
    const query = `WorkflowType = ${quoted(WORKFLOW_COPY_SESSION)} AND ${JOB_ID.name} = ${quoted(jobId)}`;
    const { executions } = await listExecutions(this.#client, query, { pageSize: PAGE_SIZE });
    const latest = latestOf(executions);
    if (latest === null || latest.newest.state === 'ended') return latest;
    const { id } = latest.newest;
    const fresh = await this.#handle(id).describe();
    const others = executions.filter(({ workflowId }) => sessionIdOfWorkflow(workflowId) !== id);
    return latestOf([fresh, ...others]);
  }

  /** Of each job that has a session among the latest 1,000 of all; complete when `isComplete`. */
  async latestByJob(): Promise<{
    sessions: ReadonlyMap<string, LatestSessions>;
    isComplete: boolean;
  }> {
    const { executions, nextCursor } = await listExecutions(
      this.#client,
      `WorkflowType = ${quoted(WORKFLOW_COPY_SESSION)}`,
      { pageSize: 1_000 },
    );
    const byJob = new Map<string, WorkflowExecutionInfo[]>();
    for (const execution of executions) {
      const { jobId } = summaryOf(execution);
      byJob.set(jobId, [...(byJob.get(jobId) ?? []), execution]);
    }
    const sessions = new Map<string, LatestSessions>();
    for (const [jobId, ofJob] of byJob) sessions.set(jobId, latestOf(ofJob)!);
    return { sessions, isComplete: nextCursor === null };
  }

  /** @throws SESSION_MISSING */
  async get(sessionId: string): Promise<SessionView> {
    const handle = this.#handle(sessionId);
    const execution = await handle.describe().catch((error: unknown) => {
      throw missingOr(error, sessionId);
    });
    const summary = summaryOf(execution);
    if (summary.state === 'ended') return { ...summary, ...(await this.#outcome(sessionId)) };
    const { raw, memo } = execution;
    const answer = await this.#querySession(sessionId);
    const last = this.#known.get(sessionId) ?? (memo as Partial<SessionMemo>);
    const known = { ...UNKNOWN, ...last, ...summary, ...answer };
    const tasks = await refreshTasks(this.#client, raw.pendingChildren ?? [], known.tasks);
    const retry = await retryOf(this.#client, execution.workflowId, raw);
    const isStopping = raw.workflowExtendedInfo?.cancelRequested === true;
    const isEnded = answer?.state === 'ended';
    const running = tasks.filter(({ state }) => state !== 'ended');
    return {
      ...known,
      state: isStopping && !isEnded ? 'stopping' : known.state,
      tasks,
      progress: liveProgress(known.progress, running, known.taskCounts.waiting),
      retry,
      bottleneck: retry === null ? bottleneckOfAll(tasks) : 'retry',
      live: answer !== null,
    };
  }

  /** Asks the session to end; what is durable stays for the next one. @throws SESSION_MISSING, SESSION_ENDED */
  async stop(sessionId: string, order: StopOrder): Promise<void> {
    const handle = this.#handle(sessionId);
    const { status } = await handle.describe().catch((error: unknown) => {
      throw missingOr(error, sessionId);
    });
    if (status.name !== 'RUNNING') throw sessionEnded(sessionId);
    await handle.signal(stopOrderSignal, order);
    await handle.cancel();
  }

  /** @throws SESSION_MISSING, SESSION_ENDED, TEMPORAL_UNREACHABLE when no worker takes it in time */
  async setPaused(sessionId: string, isPaused: boolean): Promise<void> {
    const handle = this.#handle(sessionId);
    const update = isPaused ? pauseUpdate : resumeUpdate;
    try {
      await this.#client.withDeadline(Date.now() + UPDATE_TIMEOUT_MS, () =>
        handle.executeUpdate(update),
      );
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      await handle.describe().catch((cause: unknown) => {
        throw missingOr(cause, sessionId);
      });
      throw sessionEnded(sessionId);
    }
  }

  #handle(sessionId: string) {
    const workflowId = sessionId.length > SESSION_ID_LENGTH ? null : workflowIdOfSession(sessionId);
    if (workflowId === null) throw sessionMissing(sessionId);
    return this.#client.workflow.getHandle(workflowId);
  }

  /** null when no worker answers. */
  async #querySession(sessionId: string): Promise<CopySession | null> {
    try {
      const session = await this.#client.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () =>
        this.#handle(sessionId).query(sessionQuery),
      );
      this.#known.set(session.id, session);
      return session;
    } catch (error) {
      if (isNoAnswer(error)) return null;
      throw error;
    }
  }

  /** How an ended session ended, from its history. Only the tasks of one that was stopped or failed, or that a watch started, need a worker. */
  async #outcome(
    sessionId: string,
  ): Promise<Omit<SessionView, Exclude<keyof SessionSummary, 'result'>>> {
    const ended = { retry: null, live: true, waitsUntil: null } as const;
    try {
      const outcome = (await this.#handle(sessionId).result()) as CopySessionOutcome;
      const isReturned = outcome.tasks.length > 0 || outcome.omittedTasks === 0;
      if (isReturned) return { ...ended, ...outcome, ...endedTasks(outcome.tasks) };
      const last = await this.#lastView(sessionId);
      if (last === null) return { ...ended, ...outcome, ...endedTasks([]), live: false };
      return {
        ...ended,
        ...outcome,
        omittedTasks: last.omittedTasks,
        ...endedTasks(last.tasks),
      };
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      const isStopped =
        error.cause instanceof CancelledFailure || error.cause instanceof TerminatedFailure;
      const last = await this.#lastView(sessionId);
      const { taskCounts, omittedTasks, progress, targetRepositoryId } = last ?? UNKNOWN;
      return {
        ...ended,
        ...{ taskCounts, omittedTasks, progress, targetRepositoryId },
        result: isStopped ? 'stopped' : 'failed',
        reason: last?.reason ?? error.cause?.message ?? error.message,
        ...endedTasks(last?.tasks ?? []),
        live: last !== null,
      };
    }
  }

  async #lastView(sessionId: string): Promise<CopySession | null> {
    return (await this.#querySession(sessionId)) ?? this.#known.get(sessionId) ?? null;
  }
}

/** What is shown of a session of which nothing is known but its execution. */
const UNKNOWN = {
  targetRepositoryId: null,
  progress: NO_PROGRESS,
  taskCounts: NO_TASKS,
  tasks: [],
  omittedTasks: 0,
  reason: null,
  waitsUntil: null,
};

/** Tasks of a session that has ended, and what held them up. */
function endedTasks(known: readonly CopyTask[]): Pick<SessionView, 'tasks' | 'bottleneck'> {
  const tasks = taskViews(known);
  return { tasks, bottleneck: bottleneckOfAll(tasks) };
}

/** Sessions overlap when someone starts one by hand, so the newest start decides. */
function latestOf(
  executions: readonly Omit<WorkflowExecutionInfo, 'raw'>[],
): LatestSessions | null {
  const sessions = executions
    .filter(({ status }) => status.name !== 'CONTINUED_AS_NEW')
    .map((execution) => ({ summary: summaryOf(execution), memo: memoOf(execution) }))
    .sort((a, b) => (a.summary.startedAt > b.summary.startedAt ? -1 : 1));
  const [newest] = sessions;
  if (newest === undefined) return null;
  const ended = sessions.filter(({ summary }) => summary.state === 'ended');
  const decisions = ended.map(({ summary, memo }) => ({
    isPartial: memo.isPartial ?? false,
    actionRequired:
      memo.taskCounts?.actionRequired ?? (summary.result === 'actionRequired' ? 1 : 0),
  }));
  return { newest: newest.summary, needsDecision: needsDecision(decisions) };
}

function memoOf({ memo }: Pick<WorkflowExecutionInfo, 'memo'>): Partial<SessionMemo> {
  return memo ?? {};
}

function summaryOf(execution: Omit<WorkflowExecutionInfo, 'raw'>): SessionSummary {
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
    nextTryAt: memo.nextTryAt ?? null,
  };
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
function clauseOfResult(result: SessionResult): string {
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

function missingOr(error: unknown, sessionId: string): unknown {
  return error instanceof WorkflowNotFoundError ? sessionMissing(sessionId) : error;
}

function sessionMissing(sessionId: string): BackupError {
  return new BackupError('SESSION_MISSING', `no session ${sessionId}`);
}

function sessionEnded(sessionId: string): BackupError {
  return new BackupError('SESSION_ENDED', `session ${sessionId} has ended`);
}
