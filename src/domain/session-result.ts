/** One result and one progress for many tasks. */

import type { CopyProgress, CopyTask, SessionResult } from './copy-session.js';

/** The session's result is the first of these that any task has: `failed` is never hidden by what else happened, and one workload that
 *  needs its operator is not hidden by those that went well. `nothingToCopy` is left when every task ended so. */
const RANKING = [
  'failed',
  'actionRequired',
  'stopped',
  'warning',
  'success',
  'nothingToCopy',
] as const satisfies readonly SessionResult[];

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

export type TaskOutcome = Pick<CopyTask, 'workload' | 'result' | 'reason'>;

/** Never without a result: a task that has none is taken as failed, and a session without tasks is a warning, because its job protects
 *  nothing. `reason` is null only for plain success. */
export function sessionResult(tasks: readonly TaskOutcome[]): {
  result: SessionResult;
  reason: string | null;
} {
  if (tasks.length === 0) {
    return { result: 'warning', reason: 'no workload matches the sources of the job' };
  }
  const ended = tasks.map((task) =>
    task.result === null
      ? { ...task, result: 'failed' as const, reason: task.reason ?? 'ended without a result' }
      : { ...task, result: task.result },
  );
  const result = RANKING.find((rank) => ended.some((task) => task.result === rank)) ?? 'failed';
  if (result === 'success') return { result, reason: null };
  return { result, reason: reasonOf(ended, result) };
}

function reasonOf(tasks: readonly TaskOutcome[], result: SessionResult): string {
  const concerned = tasks.filter((task) => task.result === result);
  const named = concerned
    .slice(0, NAMED_TASKS)
    .map(({ workload, reason }) => (reason === null ? workload : `${workload}: ${reason}`));
  const rest = concerned.length - named.length;
  if (rest > 0) named.push(`and ${String(rest)} more`);
  if (tasks.length === 1) return named.join('; ');
  return `${String(concerned.length)} of ${String(tasks.length)} workloads ${HAPPENED[result]}: ${named.join('; ')}`;
}

/** Progress of one task. `elapsedMs` is the time that `processedInAttemptBytes` took, so that what an
 *  earlier attempt had done does not make the speed look better. */
export function taskProgress(counts: {
  processedBytes: number;
  totalBytes: number;
  readBytes: number;
  transferredBytes: number;
  processedInAttemptBytes: number;
  elapsedMs: number;
}): CopyProgress {
  const bytesPerSecond =
    counts.elapsedMs > 0
      ? Math.round((counts.processedInAttemptBytes * 1000) / counts.elapsedMs)
      : 0;
  return progressOf(counts, bytesPerSecond);
}

/** Progress of a session: bytes add up, and so do the speeds of the tasks that run. A session with nothing to copy is done at its end. */
export function sumProgress(tasks: readonly Pick<CopyTask, 'progress' | 'state'>[]): CopyProgress {
  const sum = (count: (progress: CopyProgress) => number): number =>
    tasks.reduce((total, task) => total + count(task.progress), 0);
  const running = tasks.filter((task) => task.state !== 'ended');
  const progress = progressOf(
    {
      processedBytes: sum((task) => task.processedBytes),
      totalBytes: sum((task) => task.totalBytes),
      readBytes: sum((task) => task.readBytes),
      transferredBytes: sum((task) => task.transferredBytes),
    },
    running.reduce((total, task) => total + task.progress.bytesPerSecond, 0),
  );
  const done = progress.totalBytes === 0 && tasks.length > 0 && running.length === 0;
  return done ? { ...progress, percent: 100 } : progress;
}

type ProgressCounts = Pick<
  CopyProgress,
  'processedBytes' | 'totalBytes' | 'readBytes' | 'transferredBytes'
>;

function progressOf(counts: ProgressCounts, bytesPerSecond: number): CopyProgress {
  const { processedBytes, totalBytes, readBytes, transferredBytes } = counts;
  const remainingBytes = Math.max(0, totalBytes - processedBytes);
  // Rounded down, so that 100.0 is shown only when nothing is left.
  const percent =
    totalBytes === 0 ? 0 : Math.min(100, Math.floor((processedBytes / totalBytes) * 1000) / 10);
  return {
    percent,
    processedBytes,
    totalBytes,
    readBytes,
    transferredBytes,
    bytesPerSecond,
    etaSeconds: bytesPerSecond > 0 ? Math.ceil(remainingBytes / bytesPerSecond) : null,
  };
}
