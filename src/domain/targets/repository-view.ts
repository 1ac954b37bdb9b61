/** What is in a repository, as the API shows it. Plain JSON. */

import type { UnreadablePart } from './unreadable-part.js';
import type { AuditFilter } from '../access/audit.js';
import type { Detached, OneTime } from '../jobs/copy-job.js';
import type { Growth } from './growth.js';
import type { RestorePointState } from '../sources/point-state.js';
import type { FormatId, RestorePointKind, WorkloadType } from '../sources/source-workload.js';
import type { RecordFilter } from '../sessions/recorded-session.js';
import type { TreePointKind } from '../trees/source-tree.js';
import type { StorageProbe } from './storage-probe.js';
import type { GfsFlag, PointHealth } from './target-point.js';

/** Argument of `browseRepository`, id `browse/<repositoryId>/<what>` with the workload and cursor appended when there are any. */
export interface BrowseRepositoryInput {
  readonly repositoryId: string;
  /** `check`: as `describe`, with a new probe of a target's storage. `accept`: as `describe`, after what is there now was taken for the
   *  target. */
  readonly what:
    | 'describe'
    | 'check'
    | 'accept'
    | 'workloads'
    | 'named'
    | 'facts'
    | 'restorePoints'
    | 'jobs'
    | 'sessions'
    | 'session'
    | 'tasks'
    | 'audit';
  /** Only for `audit`, and needed there. */
  readonly audit?: AuditFilter;
  /** Only for `sessions`, and needed there. */
  readonly records?: RecordFilter;
  /** Only for `tasks` and `session`, and needed there. */
  readonly session?: { readonly jobId: string; readonly sessionId: string };
  /** For `named` its id or name; for `restorePoints`, where it may be absent: of all workloads. */
  readonly workload?: string;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
}

/** What `browseRepository` returns; `describe`, `check` and `accept` give exactly one item. A page stays under 1 MiB of JSON. */
export interface BrowsePage<Item> {
  readonly items: readonly Item[];
  readonly nextCursor?: string;
  /** What could not be read and is missing from the list for that; with the first page only. Of audit lines, and of what keeps a restore
   *  point from being shown whole: with each page that needs it. */
  readonly unreadable?: readonly UnreadablePart[];
}

export interface RepositoryDescription {
  readonly reachable: boolean;
  /** Why it is not reachable; null when it is. */
  readonly reason: string | null;
  /** null: the storage does not say. */
  readonly totalBytes: number | null;
  readonly freeBytes: number | null;
  /** What the storage of a target can do; null: not known, or the repository is only read. */
  readonly storage: StorageProbe | null;
  /** Id in the marker file, which a target gets with its first chain; null: none, or it cannot be read. */
  readonly markerId: string | null;
  /** Of a target; null: too little is known. */
  readonly growth: Growth | null;
}

/** Of a repository of which nothing is known, but for the reason. */
export const UNREACHABLE = {
  reachable: false,
  totalBytes: null,
  freeBytes: null,
  storage: null,
  markerId: null,
  growth: null,
} as const;

export interface WorkloadSummary {
  readonly id: string;
  readonly name: string;
  readonly type: WorkloadType;
  /** Job that copied it here; null in a repository that Longhaul does not write. */
  readonly jobId: string | null;
  readonly restorePointCount: number;
  /** RFC 3339 UTC of the newest complete restore point; null: none. */
  readonly newestAt: string | null;
  /** Why it is not copied, in plain words: two machines claim its id, or its name cannot be part of a path; null otherwise. */
  readonly problem: string | null;
  /** Why it may be two machines with one id, which are copied as one (`FolderDoubt.text`); null: nothing looks so. */
  readonly doubt: string | null;
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
  readonly kind: RestorePointKind | TreePointKind;
  /** `id` of the parent; null for a full. */
  readonly parentId: string | null;
  /** `id` of the full that the chain starts with; null when unknown. */
  readonly chainId: string | null;
  readonly complete: boolean;
  readonly state: RestorePointState;
  /** Why it is not complete or not good, or what its files lack although they are what was copied; null otherwise. */
  readonly reason: string | null;
  /** RFC 3339 UTC: when a point that is in progress is looked at again; null for every other. */
  readonly lookAgainAt: string | null;
  readonly health: PointHealth;
  /** When every byte of its disk files was last read and compared with its digest; null: never, or a source point. RFC 3339 UTC. */
  readonly verifiedAt: string | null;
  readonly retention: readonly GfsFlag[];
  /** First instant at which retention may let it go, as long as its source goes on (`keptUntil`); null: no calendar decides it, or nothing is
   *  known. RFC 3339 UTC. */
  readonly keptUntil: string | null;
  /** Why retention keeps it, in plain words. */
  readonly keptBecause: readonly string[];
  readonly files: readonly {
    readonly disk: string;
    readonly path: string;
    readonly format: FormatId;
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

/** A job whose definition lies beside its data in a target repository: what a new server can go on with. */
export interface StoredJob {
  readonly id: string;
  readonly name: string;
  readonly workloadCount: number;
  readonly restorePointCount: number;
  /** When the source made the newest of them; RFC 3339 UTC; null: there is none. */
  readonly newestAt: string | null;
  /** Session records beside the data. */
  readonly sessionCount: number;
  /** The newest of them; null: none. */
  readonly lastSession: {
    readonly id: string;
    readonly result: string | null;
    readonly endedAt: string | null;
  } | null;
  /** It is a one-time copy; null: it is none. */
  readonly once: OneTime | null;
  /** It was taken from a job; null: it was not. */
  readonly detached: Detached | null;
  /** Of the files of its restore points. */
  readonly storedBytes: number;
}
