/** One result and one progress for many tasks. */

import { sentences, withoutSharedEnd } from '../sentences.js';
import { NAMES_OF_JOB } from '../jobs/unmatched-names.js';
import { movedBytes, sumMoved, type MovedBytes } from '../targets/moved-bytes.js';
import {
  NO_TASKS,
  type CopyProgress,
  type CopyTask,
  type SessionResult,
  type TaskCounts,
} from './copy-session.js';

/** The session's result is the first of these that any task has: `failed` is never hidden by what else happened, and one workload that
 *  needs its operator is not hidden by those that went well. `nothingToCopy` is left when every task ended so. */
export const RANKING = [
  'failed',
  'actionRequired',
  'stopped',
  'warning',
  'success',
  'nothingToCopy',
] as const satisfies readonly SessionResult[];

/** Of a session that had nothing to do. */
export const NO_WORKLOAD = 'no workload matches the sources of the job';

/** Tasks named in a reason; the rest is counted. */
const NAMED_TASKS = 3;

const HAPPENED: Record<SessionResult, string> = {
  failed: 'failed',
  actionRequired: 'need a decision',
  stopped: 'were stopped',
  warning: 'ended with a warning',
  success: 'were copied',
  nothingToCopy: 'had nothing to copy',
};

const NOT_DONE_PERCENT = 99.9;

type TaskOutcome = Pick<CopyTask, 'workload' | 'result' | 'reason'>;

/** Never without a result: a task that has none is taken as failed, and a session without tasks is a warning, because its job protects
 *  nothing. `reason` is null only for plain success.
 *  @param tasks the first ones with each result are enough, when `counts` has all */
export function sessionResult(
  tasks: readonly TaskOutcome[],
  counts: TaskCounts = countResults(tasks),
): {
  result: SessionResult;
  reason: string | null;
} {
  const result = RANKING.find((rank) => counts[rank] > 0);
  if (result === undefined) {
    return { result: 'warning', reason: NO_WORKLOAD };
  }
  if (result === 'success') return { result, reason: null };
  return { result, reason: reasonOf(tasks.map(withResult), result, counts) };
}

/** @returns how many tasks ended with each result */
export function countResults(tasks: readonly TaskOutcome[]): TaskCounts {
  const counts: Record<keyof TaskCounts, number> = { ...NO_TASKS };
  for (const { result } of tasks.map(withResult)) counts[result]++;
  return counts;
}

function withResult(task: TaskOutcome): TaskOutcome & { readonly result: SessionResult } {
  return task.result === null
    ? { ...task, result: 'failed', reason: task.reason ?? 'ended without a result' }
    : { ...task, result: task.result };
}

function reasonOf(
  tasks: readonly TaskOutcome[],
  result: SessionResult,
  counts: TaskCounts,
): string {
  const concerned = counts[result];
  const first = tasks.filter((task) => task.result === result).slice(0, NAMED_TASKS);
  const { texts, shared } = withoutSharedEnd(first.map(({ reason }) => reason ?? ''));
  const named = first.map(({ workload }, index) =>
    texts[index] === '' ? workload : `${workload}: ${texts[index] ?? ''}`,
  );
  const rest = concerned - named.length;
  if (rest > 0) named.push(`and ${String(rest)} more`);
  const all = sayTasks(tasks, result, counts, named);
  return shared === '' ? all : sentences(all, shared);
}

function sayTasks(
  tasks: readonly TaskOutcome[],
  result: SessionResult,
  counts: TaskCounts,
  named: readonly string[],
): string {
  const concerned = counts[result];
  const ofJob = tasks.filter(({ workload }) => workload === NAMES_OF_JOB);
  const all = RANKING.reduce((sum, rank) => sum + counts[rank], 0) - ofJob.length;
  const workloads = concerned - ofJob.filter((task) => task.result === result).length;
  if (all <= 1 || workloads === 0) return named.join('; ');
  return `${String(workloads)} of ${String(all)} workloads ${HAPPENED[result]}: ${named.join('; ')}`;
}

/** Progress of one task; more done than was planned makes the plan longer. `elapsedMs` is the time that `processedInAttemptBytes` took, so that what an
 *  earlier attempt had done does not make the speed look better. */
export function taskProgress(
  counts: MovedBytes & {
    readonly processedBytes: number;
    readonly totalBytes: number;
    readonly processedInAttemptBytes: number;
    readonly elapsedMs: number;
  },
): CopyProgress {
  const bytesPerSecond =
    counts.elapsedMs > 0
      ? Math.round((counts.processedInAttemptBytes * 1000) / counts.elapsedMs)
      : 0;
  const totalBytes = Math.max(counts.totalBytes, counts.processedBytes);
  return progressOf({ ...counts, totalBytes }, bytesPerSecond);
}

/** Progress of a session: bytes add up, and so do the speeds of the tasks that run. A session with nothing to copy is done at its end. While there
 *  are tasks of which nobody knows yet how much they copy, or what the restore points behind the one in work come to, it is never done, and nobody knows when it will be.
 *  @param waiting tasks that have not begun and are none of `tasks` */
export function sumProgress(tasks: readonly TaskInSum[], waiting = 0): CopyProgress {
  const sum = (count: (progress: CopyProgress) => number): number =>
    tasks.reduce((total, task) => total + count(task.progress), 0);
  const running = tasks.filter((task) => task.state !== 'ended');
  const progress = progressOf(
    {
      processedBytes: sum((task) => task.processedBytes),
      totalBytes: sum((task) => task.totalBytes),
      ...sumMoved(tasks.map((task) => task.progress)),
    },
    running.reduce((total, task) => total + task.progress.bytesPerSecond, 0),
  );
  if (waiting > 0 || running.some((task) => task.progress.totalBytes === 0 || hasMore(task)))
    return unknownEnd(progress);
  const done = progress.totalBytes === 0 && tasks.length > 0 && running.length === 0;
  return done ? { ...progress, percent: 100 } : progress;
}

type TaskInSum = Pick<CopyTask, 'progress' | 'state'> & Partial<Pick<CopyTask, 'remainingPoints'>>;

/** What a restore point comes to is known once it is planned, and each is planned when its turn comes. */
function hasMore({ state, remainingPoints = 0 }: Omit<TaskInSum, 'progress'>): boolean {
  return state !== 'ended' && remainingPoints > 0;
}

/** Progress of a task as people see it: with more restore points behind the one in work it is not done with that, and nobody knows when it will be. */
export function shownProgress(task: TaskInSum): CopyProgress {
  return hasMore(task) ? unknownEnd(task.progress) : task.progress;
}

function unknownEnd(progress: CopyProgress): CopyProgress {
  return { ...progress, percent: Math.min(progress.percent, NOT_DONE_PERCENT), etaSeconds: null };
}

/** @param ended what the ended tasks have done
 *  @param waiting tasks that have not begun */
export function liveProgress(
  ended: CopyProgress,
  running: readonly TaskInSum[],
  waiting: number,
): CopyProgress {
  if (running.length + waiting === 0) return ended;
  return sumProgress([{ progress: ended, state: 'ended' }, ...running], waiting);
}

type ProgressCounts = MovedBytes & Pick<CopyProgress, 'processedBytes' | 'totalBytes'>;

/** Of what is known now. */
export function progressOf(counts: ProgressCounts, bytesPerSecond: number): CopyProgress {
  const { processedBytes, totalBytes } = counts;
  const remainingBytes = Math.max(0, totalBytes - processedBytes);
  // Rounded down, so that 100.0 is shown only when nothing is left.
  const percent =
    totalBytes === 0 ? 0 : Math.min(100, Math.floor((processedBytes / totalBytes) * 1000) / 10);
  return {
    percent,
    processedBytes,
    totalBytes,
    ...movedBytes(counts),
    bytesPerSecond,
    etaSeconds: bytesPerSecond > 0 ? Math.ceil(remainingBytes / bytesPerSecond) : null,
  };
}

/** Who is about to stop a session or an operation, and why. */
export interface StopOrder {
  readonly by: string;
  /** null: he gave none. */
  readonly reason: string | null;
}

/** Reason of what was stopped. @param order null: it was cancelled past the API, in Temporal itself */
export function stopText(what: 'the session' | 'it', order: StopOrder | null): string {
  if (order === null) return `${what} was stopped`;
  const { by, reason } = order;
  return `${what} was stopped by ${by}${reason === null ? '' : `: ${reason}`}`;
}
