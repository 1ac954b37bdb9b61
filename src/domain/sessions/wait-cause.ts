/** What a task waits for that does not move. */
export type WaitCause =
  /** Other workloads are worked at, as many as the repository, or the session, allows. */
  | 'turn'
  /** The allowed hours of the job. */
  | 'hours'
  /** A restore point of the source that may not be whole yet. */
  | 'point'
  /** Somebody paused it. */
  | 'pause'
  /** A step that failed is tried again. */
  | 'retry';
