/** Names and shapes that workflows share with the outside: safe to import in the API and the CLI. Every name here is persisted. */

import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { CopyJob, StartOverrides } from '../src/domain/copy-job.js';
import type {
  CopyAlgorithm,
  CopySession,
  CopyTask,
  SessionResult,
  SessionTrigger,
} from '../src/domain/copy-session.js';
import type { ErrorCode } from '../src/domain/errors.js';
import type {
  ImageFormat,
  RestorePointKind,
  RestorePointState,
  WorkloadType,
} from '../src/domain/restore-point.js';
import type { GfsFlag, PointHealth } from '../src/domain/target-point.js';

export const CONTROL_TASK_QUEUE = 'control';

/** Queue of the data activities of one repository. */
export function repositoryTaskQueue(repositoryId: string): string {
  return `repository/${repositoryId}`;
}

export const WORKFLOW_COPY_SESSION = 'copySession';
export const WORKFLOW_COPY_WORKLOAD = 'copyWorkload';
export const WORKFLOW_WATCH_SOURCES = 'watchSources';
export const WORKFLOW_VERIFY = 'verifyBackups';
export const WORKFLOW_RESTORE = 'restorePoint';
export const WORKFLOW_BROWSE_REPOSITORY = 'browseRepository';
export const WORKFLOW_PLAN_JOB = 'planJob';
export const WORKFLOW_READ_JOB_DEFINITION = 'readJobDefinition';

/** Search attributes, all Keyword. */
export const SEARCH_ATTRIBUTES = {
  jobId: 'LonghaulJobId',
  jobName: 'LonghaulJobName',
  workload: 'LonghaulWorkload',
  result: 'LonghaulResult',
  idempotencyKey: 'LonghaulIdempotencyKey',
} as const;

/** Argument of `copySession`; the Schedule's action carries `[job]` wrapped in it, with no overrides. */
export interface CopySessionInput {
  readonly job: CopyJob;
  readonly overrides?: StartOverrides;
  readonly trigger?: SessionTrigger;
}

/** What `copySession` returns. */
export interface CopySessionOutcome {
  readonly result: SessionResult;
  readonly reason: string | null;
  readonly tasks: readonly CopyTask[];
}

export const sessionQuery = defineQuery<CopySession>('session');
export const taskQuery = defineQuery<CopyTask>('task');
/** Honoured in the middle of a disk: the running batch stops at its durable cursor. */
export const pauseUpdate = defineUpdate<void>('pause');
export const resumeUpdate = defineUpdate<void>('resume');
/** The session passes pause and resume on to its tasks. */
export const taskPauseSignal = defineSignal<[boolean]>('setPaused');

/** Memo of a `copySession`, set by whoever starts it, so that lists need no query and no worker. The workflow may upsert `state` at
 *  phase changes. */
export interface SessionMemo {
  readonly trigger: SessionTrigger;
  readonly state?: 'running' | 'paused' | 'stopping';
}

/** Last heartbeat of a running `copyBlocks`: counters of this batch alone, to be added to those of its task. */
export interface CopyBlocksHeartbeat {
  readonly processedBytes: number;
  readonly readBytes: number;
  readonly transferredBytes: number;
  readonly bytesPerSecond: number;
}

/** Argument of `browseRepository`, id `browse/<repositoryId>/<what>` with the workload and cursor appended when there are any. */
export interface BrowseRepositoryInput {
  readonly repositoryId: string;
  readonly what: 'describe' | 'workloads' | 'restorePoints';
  /** Only for `restorePoints`; without it: of all workloads. */
  readonly workload?: string;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
}

/** What `browseRepository` returns; `describe` gives exactly one item. A page stays under 1 MiB of JSON. */
export interface BrowsePage<Item> {
  readonly items: readonly Item[];
  readonly nextCursor?: string;
}

export interface RepositoryDescription {
  readonly reachable: boolean;
  /** Why it is not reachable; null when it is. */
  readonly reason: string | null;
  /** null: the storage does not say. */
  readonly totalBytes: number | null;
  readonly freeBytes: number | null;
}

export interface WorkloadSummary {
  readonly id: string;
  readonly name: string;
  readonly type: WorkloadType;
  /** Job that copied it here; null in a repository that Longhaul does not write. */
  readonly jobId: string | null;
  readonly restorePointCount: number;
  /** RFC 3339 UTC of the newest complete restore point; null: none. */
  readonly newestAt: string | null;
}

/** A restore point of a source or target repository, as the API shows it. */
export interface RestorePointView {
  /** `restorePointKey` of what makes it unique in its repository: job (target only), workload, point. */
  readonly id: string;
  readonly workload: string;
  readonly workloadType: WorkloadType;
  /** Job that copied it here; null for a source point. */
  readonly jobId: string | null;
  /** RFC 3339 UTC. */
  readonly createdAt: string;
  /** null for a source point. */
  readonly copiedAt: string | null;
  readonly kind: RestorePointKind;
  /** `id` of the parent; null for a full. */
  readonly parentId: string | null;
  /** `id` of the full that the chain starts with; null when unknown. */
  readonly chainId: string | null;
  readonly complete: boolean;
  readonly state: RestorePointState;
  /** Why it is not complete or not good; null otherwise. */
  readonly reason: string | null;
  readonly health: PointHealth;
  readonly retention: readonly GfsFlag[];
  /** Why retention keeps it, in plain words. */
  readonly keptBecause: readonly string[];
  readonly files: readonly {
    readonly disk: string;
    readonly path: string;
    readonly format: ImageFormat;
    readonly sizeBytes: number;
  }[];
  /** What it was copied from; null for a source point. */
  readonly source: { readonly repositoryId: string; readonly restorePointId: string } | null;
}

/** One id of the parts that make a restore point unique in its repository. Parts may hold anything; the key is safe in one segment of
 *  a path of the API and of a workflow id, and stays readable: `nightly:web01:20261124T220000Z`. */
export function restorePointKey(parts: readonly string[]): string {
  return parts.map((part) => part.replaceAll(/[%:/]/g, encodeURIComponent)).join(':');
}

/** Inverse of `restorePointKey`. */
export function partsOfRestorePointKey(key: string): string[] {
  return key
    .split(':')
    .map((part) => part.replaceAll(/%(25|3A|2F)/g, (escape: string) => decodeURIComponent(escape)));
}

export interface PlanJobInput {
  readonly job: CopyJob;
}

/** What a session started now would do, one entry per workload; nothing is written. */
export interface JobPlan {
  readonly workloads: readonly {
    readonly workload: string;
    readonly algorithm: CopyAlgorithm;
    /** Source restore points that would be copied, in order. */
    readonly restorePoints: readonly string[];
    /** Bytes to read from the source, as far as they are known without reading it; null: unknown. */
    readonly estimatedBytes: number | null;
    readonly reasons: readonly string[];
  }[];
}

export interface ReadJobDefinitionInput {
  readonly repositoryId: string;
  readonly jobId: string;
}

/** Argument of `verifyBackups`, id `verify/<repositoryId>/<restorePointId or all>`. */
export interface VerifyInput {
  readonly repositoryId: string;
  /** null: every restore point of the repository. */
  readonly restorePointId: string | null;
}

/** Argument of `restorePoint`, id `restore/<repositoryId>/<restorePointId>-<start>`. */
export interface RestoreInput {
  readonly repositoryId: string;
  readonly restorePointId: string;
  /** Absolute path of a folder on the machine of the worker. */
  readonly destinationPath: string;
  readonly format: ImageFormat;
}

/** A verification or a restore, running or ended: answer of the query `operation` and what both workflows return. */
export interface OperationStatus {
  readonly state: 'running' | 'ended';
  /** null while running. */
  readonly result: 'success' | 'warning' | 'failed' | 'stopped' | null;
  readonly processedBytes: number;
  readonly totalBytes: number;
  readonly code: ErrorCode | null;
  readonly reason: string | null;
  /** What was found or written, one plain sentence each. */
  readonly notes: readonly string[];
}

export const operationQuery = defineQuery<OperationStatus>('operation');
