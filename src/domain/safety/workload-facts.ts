/** What one look into a repository tells of each workload, short enough for thousands of them. Plain JSON. */

import type { UnreadablePart } from '../targets/unreadable-part.js';
import type { RepositoryDescription } from '../targets/repository-view.js';
import type { UncopiedPlaces } from './uncopied-places.js';
import type { WorkloadType } from '../sources/source-workload.js';

interface FactsOfPoints {
  /** Id in this repository: for a chain of Longhaul, that of the workload it holds copies of. */
  readonly id: string;
  readonly name: string;
  readonly type: WorkloadType;
  readonly restorePointCount: number;
  /** Moments of complete restore points that are not damaged, nor copies that were taken too early, in epoch seconds, the newest first: as the source dates them, of copies as far as that
   *  fits their chain. Of many, the newest (`RECENT_POINTS`). */
  readonly recentAtSeconds: readonly number[];
  /** RFC 3339 UTC of the oldest complete restore point; null: none. */
  readonly oldestAt: string | null;
  /** Of a store with the backups of several machines: each of them, those that have waited the longest for a restore point first. Of many, the first
   *  (`SHOWN_MACHINES`). Absent: it is of one. */
  readonly machines?: readonly MachineFacts[];
}

/** One of the machines whose backups a store has. */
export interface MachineFacts {
  /** As its tool writes it, unique in the store. */
  readonly name: string;
  /** Of its newest restore point that `recentAtSeconds` would count; null: it has none. */
  readonly newestAtSeconds: number | null;
}

/** A workload as a backup tool left it. */
export interface SourceFacts extends FactsOfPoints {
  readonly is: 'source';
  /** As `SourceWorkload.otherIds`. */
  readonly otherIds?: readonly string[];
  /** It is a tree of files. */
  readonly isTree?: true;
  /** `recentAtSeconds` of its backups alone, which jobs that copy no logs wait for. Absent: it has no transaction logs, or nothing else. */
  readonly recentBackupsAtSeconds?: readonly number[];
  /** Why it cannot be copied at all, in plain words; null: it can. */
  readonly problem: string | null;
  /** Its newest backup, where no session can copy that, transaction logs aside; absent: that is not so. */
  readonly missed?: MissedNewest;
  /** As `missed`, for jobs that copy logs. */
  readonly missedWithLogs?: MissedNewest;
}

/** A restore point that no session can copy as it is. */
export interface MissedNewest {
  /** As the source dates it. Epoch seconds. */
  readonly atSeconds: number;
  /** Which one it is, and what is wrong with it, in plain words. */
  readonly text: string;
  /** What was copied when it was whole is not missed by sessions, whatever became of it: a copy of this moment or a later one has it. */
  readonly mayBeCopied: boolean;
}

/** The copies that one job keeps of one workload. */
export interface ChainFacts extends FactsOfPoints {
  readonly is: 'chain';
  readonly jobId: string;
  /** `CopyJob.origin` of the definition beside the copies, by which a job of this id knows them for its own; null: it has none. Absent: no definition can be
   *  read there. */
  readonly jobOrigin?: string | null;
  /** Id under which other jobs see this chain as a source. */
  readonly idAsSource: string;
  /** Repository that its newest copy was made from; null: it has none. */
  readonly sourceRepositoryId: string | null;
  /** When the newest copy that can be restored was committed. RFC 3339 UTC; null: there is none. */
  readonly newestCopiedAt: string | null;
  /** Restore points in which a health check found damage, their own or of what they build on, or of which a file is gone or has another length. */
  readonly damagedCount: number;
  /** When the one that was not verified for the longest time was read and compared. RFC 3339 UTC; null: none was. */
  readonly oldestVerifiedAt: string | null;
  /** When the one was read that was not read for the longest time, whether by a health check or when it was copied; damaged ones, which are told as
   *  such, do not count. RFC 3339 UTC; null: there is none. */
  readonly leastReadAt: string | null;
  /** Restore points whose files were not verified since they were last changed. */
  readonly neverVerifiedCount: number;
  /** Bytes of its disk files. */
  readonly storedBytes: number;
  /** First of the looks in a row that found it in no source. RFC 3339 UTC; null: the last one found it. */
  readonly missedSince: string | null;
  /** Zone of the job, by which `days` are counted. */
  readonly timeZone: string;
  /** Restore points that can be restored of each of the last `SHOWN_DAYS` days, today last. */
  readonly days: readonly number[];
  /** The date of today (`2026-11-26`), by which `days` are to be read. */
  readonly today: string;
  /** Date from which retention by number or days keeps each restore point; null: it has none. */
  readonly keptSince: string | null;
}

export type WorkloadFacts = SourceFacts | ChainFacts;

/** One page of the look `facts`; the description comes with the first. */
export interface FactsPage {
  readonly items: readonly WorkloadFacts[];
  readonly nextCursor?: string;
  readonly unreadable?: readonly UnreadablePart[];
  /** On the first page; absent: there are none. */
  readonly uncopied?: UncopiedPlaces;
  readonly description?: RepositoryDescription;
}

export const SHOWN_DAYS = 14;
/** A month of one each hour would be too many for thousands of workloads; what is older than these waits for no copy. */
export const RECENT_POINTS = 200;
export const SHOWN_MACHINES = 1_000;
