/** Copy sessions as Temporal remembers them: workflow executions `session/<jobId>-<start>`. */

import {
  WorkflowFailedError,
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionInfo,
} from '@temporalio/client';
import { CancelledFailure, TerminatedFailure } from '@temporalio/common';
import {
  NO_PROGRESS,
  sessionIdOfWorkflow,
  workflowIdOfSession,
  type CopySession,
  type SessionResult,
  type SessionState,
  type SessionTrigger,
} from '../domain/copy-session.js';
import { BackupError } from '../domain/errors.js';
import {
  JOB_ID,
  RESULT,
  pauseUpdate,
  resumeUpdate,
  sessionQuery,
  WORKFLOW_COPY_SESSION,
  type CopySessionOutcome,
  type SessionMemo,
} from '../../workflows/messages.js';
import { listExecutions } from './execution-list.js';
import { refreshTasks, totalProgress } from './live-tasks.js';
import { quoted } from './visibility-query.js';
import type { SessionSummary, SessionView } from './session-schemas.js';
import { isNoAnswer } from './temporal-errors.js';

const PAGE_SIZE = 100;
/** A query without a deadline hangs up to 29 s when no worker lives. */
const QUERY_TIMEOUT_MS = 2_000;
const UPDATE_TIMEOUT_MS = 10_000;
/** Workflow ids beyond this cannot exist. */
const SESSION_ID_LENGTH = 100;

export interface SessionFilter {
  readonly jobId?: string;
  readonly state?: SessionState;
  readonly cursor?: string;
}

export class SessionStore {
  readonly #client: Client;

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

  /** Newest session of a job; null: none that Temporal still knows. Lists lag, so one that they show running is asked for itself: whoever acts on a
   *  session right after its end finds it ended. */
  async newestOf(jobId: string): Promise<SessionSummary | null> {
    const { items } = await this.list({ jobId });
    const session = newest(items);
    return session === null || session.state === 'ended'
      ? session
      : summaryOf(await this.#handle(session.id).describe());
  }

  /** Newest session of each job that has one among the latest 1,000 of all; complete when `isComplete`. */
  async newestByJob(): Promise<{
    sessions: ReadonlyMap<string, SessionSummary>;
    isComplete: boolean;
  }> {
    const { executions, nextCursor } = await listExecutions(
      this.#client,
      `WorkflowType = ${quoted(WORKFLOW_COPY_SESSION)}`,
      { pageSize: 1_000 },
    );
    const byJob = new Map<string, SessionSummary>();
    for (const session of executions.map(summaryOf)) {
      const known = byJob.get(session.jobId);
      if (known === undefined || known.startedAt < session.startedAt) {
        byJob.set(session.jobId, session);
      }
    }
    return { sessions: byJob, isComplete: nextCursor === null };
  }

  /** @throws SESSION_MISSING */
  async get(sessionId: string): Promise<SessionView> {
    const handle = this.#handle(sessionId);
    const execution = await handle.describe().catch((error: unknown) => {
      throw missingOr(error, sessionId);
    });
    const summary = summaryOf(execution);
    if (summary.state === 'ended') return { ...summary, ...(await this.#outcome(sessionId)) };
    const isStopping = execution.raw.workflowExtendedInfo?.cancelRequested === true;
    const session = await this.#querySession(sessionId);
    if (session === null) {
      const state = isStopping ? 'stopping' : summary.state;
      return { ...summary, state, progress: NO_PROGRESS, tasks: [], reason: null, live: false };
    }
    const children = execution.raw.pendingChildren ?? [];
    const tasks = await refreshTasks(this.#client, children, session.tasks);
    const state = isStopping && session.state !== 'ended' ? 'stopping' : session.state;
    const progress = totalProgress(tasks, session.progress);
    return { ...session, state, tasks, progress, live: true };
  }

  /** Asks the session to end; what is durable stays for the next one. @throws SESSION_MISSING, SESSION_ENDED */
  async stop(sessionId: string): Promise<void> {
    const { status } = await this.#handle(sessionId)
      .describe()
      .catch((error: unknown) => {
        throw missingOr(error, sessionId);
      });
    if (status.name !== 'RUNNING') throw sessionEnded(sessionId);
    await this.#handle(sessionId).cancel();
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
      return await this.#client.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () =>
        this.#handle(sessionId).query(sessionQuery),
      );
    } catch (error) {
      if (isNoAnswer(error)) return null;
      throw error;
    }
  }

  /** How an ended session ended, from its history. Only the tasks of one that was stopped or failed need a worker. */
  async #outcome(
    sessionId: string,
  ): Promise<Pick<SessionView, 'result' | 'reason' | 'tasks' | 'progress' | 'live'>> {
    try {
      const outcome = (await this.#handle(sessionId).result()) as CopySessionOutcome;
      const progress = totalProgress(outcome.tasks, NO_PROGRESS);
      return { ...outcome, progress, live: true };
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      const isStopped =
        error.cause instanceof CancelledFailure || error.cause instanceof TerminatedFailure;
      const last = await this.#querySession(sessionId);
      return {
        result: isStopped ? 'stopped' : 'failed',
        reason: last?.reason ?? error.cause?.message ?? error.message,
        tasks: last?.tasks ?? [],
        progress: last?.progress ?? NO_PROGRESS,
        live: last !== null,
      };
    }
  }
}

/** Sessions overlap when someone starts one by hand, so the newest start decides. */
function newest(sessions: readonly SessionSummary[]): SessionSummary | null {
  return sessions.reduce<SessionSummary | null>(
    (best, session) => (best === null || best.startedAt < session.startedAt ? session : best),
    null,
  );
}

function summaryOf(execution: Omit<WorkflowExecutionInfo, 'raw'>): SessionSummary {
  const id = sessionIdOfWorkflow(execution.workflowId);
  const isRunning = execution.status.name === 'RUNNING';
  const memo = execution.memo as Partial<SessionMemo> | undefined;
  return {
    id,
    jobId: execution.typedSearchAttributes.get(JOB_ID) ?? id.slice(0, -'-20261124T220000Z'.length),
    trigger: memo?.trigger ?? guessTrigger(execution),
    tryNumber: memo?.tryNumber ?? 1,
    state: isRunning ? (memo?.state ?? 'running') : 'ended',
    result: isRunning ? null : resultOf(execution),
    startedAt: execution.startTime.toISOString(),
    endedAt: execution.closeTime?.toISOString() ?? null,
    nextTryAt: isRunning ? null : (memo?.nextTryAt ?? null),
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
