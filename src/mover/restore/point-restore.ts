import type { RestoreFormat } from '../../domain/targets/restore-format.js';

/** One point, with all that restoring it takes: what `RestoreInput` of the workflow has become in its activities. */
export interface PointRestore {
  /** Repository that holds the copy. */
  readonly repositoryId: string;
  readonly chain: string;
  readonly pointId: string;
  /** Absolute path of an existing folder on the worker's machine, outside every repository. */
  readonly destinationPath: string;
  readonly format: RestoreFormat;
  /** As the point calls them, or of a raw restore as a file calls those that it holds; null: all. */
  readonly disks: readonly string[] | null;
  /** Each file under the name that its tool looks for, with time and mode; absent: side by side. */
  readonly layout?: boolean;
  /** Whether the folder may hold other files; none of them is ever overwritten. */
  readonly intoExisting: boolean;
  /** Keeps the point's files from being merged or deleted; renewed with `renewLease` (restore-lease.ts). */
  readonly leaseId: string;
  readonly nowMs: number;
  /** A change of the chain that was announced waits, perhaps for long: the files are read as they lie. Absent: it is waited for. */
  readonly isChangeStuck?: boolean;
}
