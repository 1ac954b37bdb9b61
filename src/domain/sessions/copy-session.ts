/** A copy session (one execution of a job) and its tasks (one per workload), as queries, records and the API show them. Plain JSON. */

import { NOTHING_MOVED, type MovedBytes } from '../targets/moved-bytes.js';
import type { ErrorCode } from '../errors.js';
import type { WaitCause } from './wait-cause.js';
import type { MoverTimes } from './mover-times.js';

export type SessionState = 'running' | 'waiting' | 'paused' | 'stopping' | 'ended';
export type SessionResult =
  'success' | 'warning' | 'failed' | 'stopped' | 'actionRequired' | 'nothingToCopy';
export type TaskState =
  | 'waiting'
  | 'inspecting'
  | 'planning'
  | 'copying'
  | 'composing'
  | 'committing'
  | 'retention'
  | 'paused'
  | 'ended';
export type CopyAlgorithm = 'full' | 'increment' | 'none';
export type SessionTrigger = 'api' | 'schedule' | 'watch' | 'afterJob' | 'retry';

export interface CopyProgress extends MovedBytes {
  readonly percent: number;
  /** Guest bytes dealt with so far: copied, or compared and found to be copied already. */
  readonly processedBytes: number;
  /** Of all disks of the restore points that are planned. Blocks that are compared count twice: each may have to be copied afterwards. */
  readonly totalBytes: number;
  readonly bytesPerSecond: number;
  readonly etaSeconds: number | null;
}

export interface CopyTask {
  readonly workload: string;
  /** Unique in its session; null: a task of no single workload, such as a source that could not be read. */
  readonly workloadId: string | null;
  readonly state: TaskState;
  /** Since when it is in this state; null: not known. RFC 3339 UTC. */
  readonly stateSince: string | null;
  /** How long it was in each state before this one. */
  readonly spentMs: Readonly<Partial<Record<TaskState, number>>>;
  readonly result: SessionResult | null;
  readonly algorithm: CopyAlgorithm;
  /** Source restore point in work, or the last one copied. */
  readonly restorePoint: string | null;
  /** Source restore points that are to be copied after the one in work; 0 also when that is not known yet. */
  readonly remainingPoints: number;
  /** Target restore points that this task committed, oldest first. */
  readonly committed: readonly string[];
  readonly progress: CopyProgress;
  /** Of its copies and comparisons; null: none was measured. */
  readonly moverTimes: MoverTimes | null;
  /** Position in the current disk at which the running attempt took up the copy. 0: from the start. */
  readonly resumedFromBytes: number;
  readonly attempt: number;
  readonly code: ErrorCode | null;
  readonly reason: string | null;
  /** Null: it does not wait. */
  readonly waitsFor: WaitCause | null;
  /** Until when it waits; null: it does not, or nobody knows. RFC 3339 UTC. */
  readonly waitsUntil: string | null;
  /** What the task did besides copying, and why; one plain sentence each. */
  readonly notes: readonly string[];
  /** How many entries the lists do not show here; null: they are whole. */
  readonly omitted: { readonly committed: number; readonly notes: number } | null;
  /** The whole task lies in a file of its own beside the session's record (docs/FORMAT.md, Job and sessions). */
  readonly recorded: boolean;
  /** It found nothing new to copy, whatever else it warns of. Absent: it did not. */
  readonly foundCopied?: true;
}

/** Why a task may do nothing just now. */
export type Hold =
  | { readonly type: 'paused' }
  /** RFC 3339 UTC. */
  | { readonly type: 'hours'; readonly until: string };

export const OUTSIDE_HOURS = 'outside the allowed hours of the job';

/** How many tasks of a session wait, run, or have ended with each result. */
export type TaskCounts = Readonly<Record<'waiting' | 'running' | SessionResult, number>>;

export const NO_TASKS: TaskCounts = {
  waiting: 0,
  running: 0,
  success: 0,
  warning: 0,
  failed: 0,
  stopped: 0,
  actionRequired: 0,
  nothingToCopy: 0,
};

export interface CopySession {
  readonly id: string;
  readonly jobId: string;
  readonly targetRepositoryId: string;
  readonly trigger: SessionTrigger;
  /** Who started it by hand; null: nobody did, or it is not known. */
  readonly startedBy: string | null;
  /** 1, but for retries of what failed: 2 for the first. */
  readonly tryNumber: number;
  readonly state: SessionState;
  readonly result: SessionResult | null;
  /** RFC 3339 UTC. */
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly progress: CopyProgress;
  readonly taskCounts: TaskCounts;
  /** Briefs (`briefTask`) of those that have ended, and those that run; the ones that wait are only counted. */
  readonly tasks: readonly CopyTask[];
  /** Ended tasks that `tasks` has no room for: those that went well before those that did not. */
  readonly omittedTasks: number;
  readonly reason: string | null;
  /** When the allowed hours of its job begin, for which it waits; null: it does not. RFC 3339 UTC. */
  readonly waitsUntil: string | null;
  /** When what failed is tried again; null: nothing failed, it was the last try, or the session runs. RFC 3339 UTC. */
  readonly nextTryAt: string | null;
}

export const NO_PROGRESS: CopyProgress = {
  percent: 0,
  processedBytes: 0,
  totalBytes: 0,
  ...NOTHING_MOVED,
  bytesPerSecond: 0,
  etaSeconds: null,
};

/** A task at its start. */
export function newTask(workload: string, workloadId: string | null): CopyTask {
  return {
    workload,
    workloadId,
    state: 'inspecting',
    stateSince: null,
    spentMs: {},
    result: null,
    algorithm: 'none',
    restorePoint: null,
    remainingPoints: 0,
    committed: [],
    progress: NO_PROGRESS,
    moverTimes: null,
    resumedFromBytes: 0,
    attempt: 1,
    code: null,
    reason: null,
    waitsFor: null,
    waitsUntil: null,
    notes: [],
    omitted: null,
    recorded: false,
  };
}

/** Workflow id of a session of `jobId` that starts at `startMs`, in whole seconds. */
export function sessionWorkflowId(jobId: string, startMs: number): string {
  return `session/${jobId}-${new Date(startMs).toISOString().slice(0, 19)}Z`;
}

/** Session `<jobId>-<yyyymmdd>T<hhmmss>Z` of workflow `session/<jobId>-<RFC 3339 seconds>`, and back: the suffix has a fixed length.
 *  A Temporal Schedule appends exactly that suffix, so calendar and API starts look alike. */
export function sessionIdOfWorkflow(workflowId: string): string {
  const name = workflowId.slice('session/'.length);
  const jobId = name.slice(0, -RFC3339_SECONDS_LENGTH - 1);
  return `${jobId}-${name.slice(-RFC3339_SECONDS_LENGTH).replaceAll(/[-:]/g, '')}`;
}

/** null when `sessionId` does not have the form of a session id. */
export function workflowIdOfSession(sessionId: string): string | null {
  const match = /^(.+)-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(sessionId);
  if (match === null) return null;
  const [, jobId, year, month, day, hour, minute, second] = match;
  return `session/${jobId}-${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
}

/** When a session was to start, in epoch milliseconds. @param sessionId as `sessionIdOfWorkflow` makes it */
export function startOfSession(sessionId: string): number {
  const start = workflowIdOfSession(sessionId)?.slice(-RFC3339_SECONDS_LENGTH);
  return start === undefined ? NaN : Date.parse(start);
}

/** Length of the start in a session's workflow id. */
export const RFC3339_SECONDS_LENGTH = '2026-11-24T22:00:00Z'.length;
