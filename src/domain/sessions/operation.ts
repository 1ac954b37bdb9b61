/** Progress and answers of long work, as heartbeats and queries carry them. Plain JSON. */

import type { CopyAlgorithm } from './copy-session.js';
import type { ErrorCode } from '../errors.js';
import type { MovedBytes } from '../targets/moved-bytes.js';
import type { MoverTimes } from './mover-times.js';

/** Last heartbeat of a running `copyBlocks`: counters of this batch alone, to be added to those of its task. */
export interface CopyBlocksHeartbeat extends MovedBytes {
  readonly processedBytes: number;
  readonly bytesPerSecond: number;
  /** Absent: of a worker that does not measure them. */
  readonly times?: MoverTimes;
}

/** A step that did not succeed yet and is tried again, as long as its error may pass. */
export interface StepRetry {
  /** Number of the try that is under way or waits. */
  readonly attempt: number;
  /** Of the last failure; null: it has none, as when a worker died. */
  readonly code: ErrorCode | null;
  readonly reason: string;
  /** RFC 3339 UTC; null: the try is under way. */
  readonly nextTryAt: string | null;
}

/** A verification, restore, removal or rehoming, running or ended: answer of the query `operation` and what its workflow returns. */
export interface OperationStatus {
  readonly state: 'running' | 'ended';
  /** null while running. */
  readonly result: 'success' | 'warning' | 'failed' | 'stopped' | null;
  readonly processedBytes: number;
  readonly totalBytes: number;
  readonly code: ErrorCode | null;
  readonly reason: string | null;
  /** What was found or written, one plain sentence each; of very many, the first. */
  readonly notes: readonly string[];
  /** Those that were left out of `notes`. */
  readonly omittedNotes: number;
}

/** What a session started now would do, one entry per workload, as many as one answer holds; nothing is written. */
export interface JobPlan {
  readonly workloads: readonly WorkloadPlan[];
  /** Absent: there are no more. */
  readonly nextCursor?: string;
}

export interface WorkloadPlan {
  readonly workload: string;
  readonly algorithm: CopyAlgorithm;
  /** Source restore points that would be copied, in order. */
  readonly restorePoints: readonly string[];
  /** Size of the source files that hold what is to be copied; null: unknown. */
  readonly estimatedBytes: number | null;
  readonly reasons: readonly string[];
  /** RFC 3339 UTC: when a restore point that is in progress is looked at again; null: there is none. */
  readonly lookAgainAt: string | null;
  /** What GFS and retention would do with the chain once these are copied. */
  readonly retention: {
    readonly keep: readonly { readonly id: string; readonly reasons: readonly string[] }[];
    /** One plain sentence each, in order. */
    readonly actions: readonly string[];
    readonly warnings: readonly string[];
  };
  /** Entries of the lists above that are left out, because they are too many. */
  readonly omitted: number;
}
