/** Copy sessions as Temporal remembers them: workflow executions `session/<jobId>-<start>`. */

import { WorkflowFailedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { CancelledFailure, TerminatedFailure } from '@temporalio/common';
import { LRUCache } from 'lru-cache';
import { bottleneckOfAll, holdOf } from '../../domain/sessions/bottleneck.js';
import {
  NO_PROGRESS,
  NO_TASKS,
  sessionIdOfWorkflow,
  workflowIdOfSession,
  type CopySession,
  type CopyTask,
  type SessionResult,
  type SessionState,
} from '../../domain/sessions/copy-session.js';
import { BackupError } from '../../domain/errors.js';
import { isWholeOutcome } from '../../domain/sessions/job-outcome.js';
import { liveProgress } from '../../domain/sessions/session-result.js';
import {
  JOB_ID,
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
import {
  latestOf,
  LONG_PAGE_SIZE,
  OlderSessions,
  queryOf,
  type LatestSessions,
} from './latest-sessions.js';
import { refreshTasks } from './live-tasks.js';
import { quoted } from '../executions/visibility-query.js';
import type { RunningSessions, SessionSummary, SessionView } from './session-schemas.js';
import {
  clauseOfResult,
  memoOf,
  summaryOf,
  withoutTriesMade,
  type SessionExecution,
} from './session-summary.js';
import { taskViews } from './task-view.js';
import { retryOf } from '../executions/step-retry.js';
import { storageHoldOf } from '../executions/step-storage.js';
import { isNoAnswer } from '../executions/temporal-errors.js';

const PAGE_SIZE = 100;
/** A query without a deadline hangs up to 29 s when no worker lives. */
const QUERY_TIMEOUT_MS = 2_000;
const UPDATE_TIMEOUT_MS = 10_000;
/** Running sessions whose last answer is kept for when no worker answers. */
const REMEMBERED_SESSIONS = 100;
/** Times of a run and of its session may be rounded in other ways; a run takes longer. */
const FIRST_RUN_MS = 1_000;
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

export class SessionStore {
  readonly #client: Client;
  /** Their last answers. */
  readonly #known = new LRUCache<string, CopySession>({ max: REMEMBERED_SESSIONS });

  readonly #older: OlderSessions;

  constructor(client: Client) {
    this.#client = client;
    this.#older = new OlderSessions(client);
  }

  /** Running sessions first, then the ended ones, newest end first. Asks no worker: `paused` and `stopping` are as of the last memo. */
  async list(
    filter: SessionFilter,
  ): Promise<{ items: SessionSummary[]; nextCursor: string | null }> {
    const page = await listExecutions(this.#client, listQuery(filter), {
      pageSize: PAGE_SIZE,
      ...(filter.cursor === undefined ? {} : { cursor: filter.cursor }),
    });
    const last = page.executions.filter(({ status }) => status.name !== 'CONTINUED_AS_NEW');
    const wentOn = page.executions.filter(({ status }) => status.name === 'CONTINUED_AS_NEW');
    const items = [...last, ...(await this.#wentOnPast(filter, wentOn))]
      .map(summaryOf)
      .filter((session) => isAskedFor(session, filter));
    return { items: withoutTriesMade(items), nextCursor: page.nextCursor };
  }

  /** Of these sessions those that `list` shows with the same filter. */
  async shown(filter: SessionFilter, sessionIds: readonly string[]): Promise<Set<string>> {
    const found = await this.#lastRuns(sessionIds.flatMap((id) => workflowIdOfSession(id) ?? []));
    const shown = found.map(summaryOf).filter((session) => isAskedFor(session, filter));
    return new Set(shown.map(({ id }) => id));
  }

  /** The last runs of sessions that began before the end of the time asked for, and went on in a new run after it: only their first run began with them.
   *  @param runs that others have gone on for */
  async #wentOnPast(
    { to }: SessionFilter,
    runs: readonly SessionExecution[],
  ): Promise<readonly SessionExecution[]> {
    if (to === undefined) return [];
    const first = runs.filter((run) => {
      const { startedAt } = summaryOf(run);
      return run.startTime.getTime() - Date.parse(startedAt) < FIRST_RUN_MS;
    });
    const found = await this.#lastRuns(first.map(({ workflowId }) => workflowId));
    return found.filter(({ startTime }) => startTime.getTime() >= Date.parse(to));
  }

  async #lastRuns(workflowIds: readonly string[]): Promise<readonly SessionExecution[]> {
    if (workflowIds.length === 0) return [];
    const query = `WorkflowId IN (${workflowIds.map(quoted).join(', ')}) AND ExecutionStatus != 'ContinuedAsNew'`;
    return (await listExecutions(this.#client, query, { pageSize: LONG_PAGE_SIZE })).executions;
  }

  /** Those that run, with their progress as of the last memo: the first hundred, and how many there are beside them. Asks no worker. */
  async running(): Promise<RunningSessions> {
    const query = `WorkflowType = ${quoted(WORKFLOW_COPY_SESSION)} AND ExecutionStatus = 'Running'`;
    const page = await listExecutions(this.#client, query, { pageSize: PAGE_SIZE });
    const sessions = page.executions.map((execution) => ({
      ...summaryOf(execution),
      progress: memoOf(execution).progress ?? NO_PROGRESS,
      taskCounts: memoOf(execution).taskCounts ?? NO_TASKS,
    }));
    if (page.nextCursor === null) return { sessions, omitted: 0 };
    const { count } = await this.#client.workflow.count(query);
    return { sessions, omitted: Math.max(0, count - sessions.length) };
  }

  /** null: none that Temporal still knows. Lists lag, so one that they show running is asked for itself: whoever acts on a session right after its
   *  end finds it ended. */
  async latestOf(jobId: string): Promise<LatestSessions | null> {
    const query = queryOf(jobId);
    const page = await listExecutions(this.#client, query, { pageSize: PAGE_SIZE });
    let known: readonly SessionExecution[] = page.executions;
    const newest = latestOf(known)?.newest;
    if (newest !== undefined && newest.state !== 'ended') {
      const fresh = await this.#handle(newest.id).describe();
      const isOther = (each: SessionExecution) =>
        sessionIdOfWorkflow(each.workflowId) !== newest.id;
      known = [fresh, ...known.filter(isOther)];
    }
    const latest = latestOf(known);
    if (latest === null || page.nextCursor === null || isWholeOutcome(latest.outcome))
      return latest;
    return latestOf([...known, ...(await this.#older.of(jobId, latest.outcome, known))]);
  }

  /** Of each job that has a session among the latest 1,000 of all; complete when `isComplete`. */
  async latestByJob(): Promise<{
    sessions: ReadonlyMap<string, LatestSessions>;
    isComplete: boolean;
  }> {
    const { executions, nextCursor } = await listExecutions(
      this.#client,
      `WorkflowType = ${quoted(WORKFLOW_COPY_SESSION)}`,
      { pageSize: LONG_PAGE_SIZE },
    );
    const byJob = new Map<string, SessionExecution[]>();
    for (const execution of executions) {
      const { jobId } = summaryOf(execution);
      byJob.set(jobId, [...(byJob.get(jobId) ?? []), execution]);
    }
    const sessions = new Map<string, LatestSessions>();
    for (const [jobId, ofJob] of byJob) {
      const latest = latestOf(ofJob);
      if (latest !== null) sessions.set(jobId, latest);
    }
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
    const { workflowId } = execution;
    const children = raw.pendingChildren ?? [];
    const tasks = await refreshTasks(this.#client, workflowId, children, known.tasks);
    const retry = await retryOf(this.#client, workflowId, raw);
    const waits = storageHoldOf(this.#client, raw.pendingActivities);
    const isStopping = raw.workflowExtendedInfo?.cancelRequested === true;
    const isEnded = answer?.state === 'ended';
    const running = tasks.filter(({ state }) => state !== 'ended');
    return {
      ...known,
      state: isStopping && !isEnded ? 'stopping' : known.state,
      tasks,
      progress: liveProgress(known.progress, running, known.taskCounts.waiting),
      retry,
      waits,
      bottleneck: holdOf({ retry, waits }) ?? bottleneckOfAll(tasks),
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
    try {
      await handle.signal(stopOrderSignal, order);
      await handle.cancel();
    } catch (error) {
      // It was there a moment ago.
      throw error instanceof WorkflowNotFoundError ? sessionEnded(sessionId) : error;
    }
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
    const ended = { retry: null, waits: null, live: true, waitsUntil: null } as const;
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

/** By the start of a run; runs that others have gone on for among them where the start of the session may be another one than that of its last run. */
function listQuery({ jobId, state, result, from, to }: SessionFilter): string {
  const clauses = [`WorkflowType = ${quoted(WORKFLOW_COPY_SESSION)}`];
  const own: string[] = [];
  if (jobId !== undefined) clauses.push(`${JOB_ID.name} = ${quoted(jobId)}`);
  if (state !== undefined) own.push(`ExecutionStatus ${state === 'ended' ? '!=' : '='} 'Running'`);
  if (result !== undefined) own.push(clauseOfResult(result));
  if (own.length > 0)
    clauses.push(
      to === undefined
        ? own.join(' AND ')
        : `((${own.join(' AND ')}) OR ExecutionStatus = 'ContinuedAsNew')`,
    );
  if (from !== undefined) clauses.push(`StartTime >= ${quoted(from)}`);
  if (to !== undefined) clauses.push(`StartTime < ${quoted(to)}`);
  return clauses.join(' AND ');
}

function isAskedFor(session: SessionSummary, filter: SessionFilter): boolean {
  const { jobId, state, result, from, to } = filter;
  const startedMs = Date.parse(session.startedAt);
  return (
    (jobId === undefined || session.jobId === jobId) &&
    (state === undefined || session.state === state) &&
    (result === undefined || session.result === result) &&
    (from === undefined || startedMs >= Date.parse(from)) &&
    (to === undefined || startedMs < Date.parse(to))
  );
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

function missingOr(error: unknown, sessionId: string): unknown {
  return error instanceof WorkflowNotFoundError ? sessionMissing(sessionId) : error;
}

function sessionMissing(sessionId: string): BackupError {
  return new BackupError('SESSION_MISSING', `no session ${sessionId}`);
}

function sessionEnded(sessionId: string): BackupError {
  return new BackupError('SESSION_ENDED', `session ${sessionId} has ended`);
}
