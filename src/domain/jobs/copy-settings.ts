/** Delays and sizes of copy sessions. Production defaults; tests pass small ones. */
export interface CopySettings {
  /** Without a sign of life for so long, a task is given to another worker. Longer than a planned restart of the Temporal server. */
  readonly heartbeatTimeoutMs: number;
  /** Windows of 8 MiB in one activity. Each activity costs about a quarter of a second beside its work, so 512 (4 GiB) keep that below 3 %
   *  on local storage, and a disk of 10 TiB within 2,560 activities. */
  readonly batchWindows: number;
  /** Workloads of one session at work at once; those that wait for their source do not count. */
  readonly parallelTasks: number;
  /** A run of a workflow goes on in a new run after so many history events; the server warns from 10,240. */
  readonly maxHistoryEvents: number;
  /** A session that is to go on in a new run waits so long for its running tasks before it starts others instead. */
  readonly drainLimitMs: number;
  /** First wait before storage that did not answer is tried again; doubles up to a minute. */
  readonly retryIntervalMs: number;
  /** Storage that does not answer for so long fails the task. */
  readonly unavailableLimitMs: number;
  /** How often a source that changes under the copy is planned again before the task gives up for this session. */
  readonly maxReplans: number;
  /** Wait before a chain that a session holds is asked for again. */
  readonly lockRetryMs: number;
  /** After so long a workload gives its turn to one that waits, and asks for another one. */
  readonly turnMs: number;
  /** How often a source is looked at for new restore points when nothing announces them. */
  readonly watchIntervalMs: number;
  /** Jobs whose sessions are told to a check of their own; absent: none. */
  readonly pingedJobs?: readonly string[];
}

export const DEFAULT_COPY_SETTINGS: CopySettings = {
  heartbeatTimeoutMs: 30_000,
  batchWindows: 512,
  parallelTasks: 20,
  maxHistoryEvents: 8_000,
  drainLimitMs: 10 * 60_000,
  retryIntervalMs: 1_000,
  unavailableLimitMs: 24 * 60 * 60_000,
  maxReplans: 5,
  lockRetryMs: 30_000,
  turnMs: 15 * 60_000,
  watchIntervalMs: 60_000,
};
