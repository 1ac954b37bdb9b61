/** A copy job: the configured intent. This is the argument of the job's Temporal Schedule, plain JSON. */

import type { JobSchedule, MaintenanceSchedule } from '../schedules/job-schedule.js';
import type { DigestAlgorithm } from '../targets/digest.js';
import type { RpoPolicy } from '../safety/rpo-policy.js';
import type { WeeklyHours } from '../schedules/weekly-hours.js';
import type { Month, WeekOfMonth, Weekday } from '../schedules/day-names.js';

/** Which kind of job copies them: a copy job; a file-backup job, which knows the primary run that they come from; a mirror of an appliance. */
export type JobKind = 'copy' | 'fileBackup' | 'mirror';
export type CopyMode = 'immediate' | 'periodic';
export type RestorePointScope = 'latest' | 'all';
type RecreatedChainPolicy = 'requireNewJob' | 'startNewChain';
type FullMethod = 'synthetic' | 'active';
export type MissedStarts = 'run' | 'skip';

/** How what failed in a session is tried again, apart from the next start. */
export interface RetryPolicy {
  /** Retries after the first try; 0: none; null: until it succeeds. */
  readonly attempts: number | null;
  /** Wait before each retry, in its order; the last one holds for all that follow. At least one. */
  readonly pausesMinutes: readonly number[];
}

export interface CopyJob {
  /** Slug, never changes. */
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** Grows by one with each update; `If-Match` compares it. */
  readonly revision: number;
  /** Which backups it copies. Absent: `copy`. */
  readonly kind?: JobKind;
  /** Of kind `fileBackup`: the job that this one is a secondary target of, and which alone changes it. */
  readonly fileBackupJobId?: string;
  readonly mode: CopyMode;
  readonly sources: {
    readonly include: readonly SourceSelection[];
    readonly exclude: readonly Exclusion[];
  };
  readonly target: { readonly repositoryId: string };
  readonly restorePoints: RestorePointScope;
  /** Of databases: whether logs between backups are copied, too. In mode immediate only. */
  readonly transactionLogs: boolean;
  readonly retention: RetentionPolicy;
  readonly gfs: GfsPolicy | null;
  /** Tiers that were turned off and whose fulls stay until the day of their flags. Absent: none. */
  readonly endedGfs?: EndedGfs;
  /** IANA name. Days, weeks, months and years of retention and GFS are of this zone; schedules that name none of their own take it, too. */
  readonly timeZone: string;
  readonly schedule: JobSchedule;
  /** What becomes of a start whose time passed while the service was down: it is made up for once, or left out. */
  readonly missedStarts: MissedStarts;
  /** Outside them its sessions wait, at their durable position; null: it copies at any hour. Those of kind `fileBackup` only begin in them. */
  readonly allowedHours: WeeklyHours | null;
  readonly retry: RetryPolicy;
  readonly onSourceChainRecreated: RecreatedChainPolicy;
  readonly storage: {
    readonly digest: DigestAlgorithm;
    readonly verifyAfterCopy: VerifyAfterCopy;
  };
  readonly healthCheck: MaintenanceSchedule | null;
  readonly compact: MaintenanceSchedule | null;
  /** How old the copies may become; null: nothing is promised, and so nothing is known to be well. */
  readonly rpo: RpoPolicy | null;
  /** Days without a new restore point after which a workload's data are removed; null: never. */
  readonly removedWorkloadsAfterDays: number | null;
  /** Random, given when the job is made and kept with it: its copies are told by it from those of another job that had the same id. Absent: it is a
   *  one-time copy. */
  readonly origin?: string;
  /** Job that this one was made from after its source chain was recreated; null otherwise. */
  readonly replaces: string | null;
  /** It is a one-time copy, of which there is no Schedule. Absent: it is a job. */
  readonly once?: OneTime;
  /** It was taken from a job: no session, schedule or retention touches it. Absent: it is a job. */
  readonly detached?: Detached;
}

export interface OneTime {
  /** Of the source; null: the newest at the time of the copy. */
  readonly restorePointId: string | null;
  /** After which the copy is removed; RFC 3339 UTC; null: it stays. */
  readonly expiresAt: string | null;
}

export interface Detached {
  /** Job that it was taken from. */
  readonly fromJobId: string;
  /** RFC 3339 UTC. */
  readonly at: string;
}

/** How the blocks of a copy are read back before the copy counts: through the page cache, or from the storage itself, past it. */
export type VerifyAfterCopy = 'cached' | 'direct';

/** What a job wants of each chain, without the workloads that it may name by the thousand: this goes into every task of a session. */
export type ChainPolicy = Omit<
  CopyJob,
  'sources' | 'name' | 'description' | 'rpo' | 'allowedHours'
>;

export function withoutSources(job: CopyJob): ChainPolicy {
  const {
    sources: _sources,
    name: _name,
    description: _description,
    rpo: _rpo,
    allowedHours: _allowedHours,
    ...policy
  } = job;
  return policy;
}

/** Without `workloads` and `patterns`: all of the repository, future ones too. */
export interface SourceSelection {
  readonly repositoryId: string;
  readonly workloads?: readonly string[];
  /** Of names or ids, as of `matchesPattern`; what comes to match is copied, too. */
  readonly patterns?: readonly string[];
}

/** What is left out: one by its name or id, or all whose name or id is of a pattern (`matchesPattern`). */
export type Exclusion = { readonly workload: string } | { readonly pattern: string };

/** `restorePoints`: the newest `value` stay. `days`: the last `value` days stay, the current one not counted, never fewer than 3 points. */
export interface RetentionPolicy {
  readonly type: 'restorePoints' | 'days';
  readonly value: number;
}

/** Weeks, months and years are of the job's time zone. */
export interface GfsPolicy {
  readonly weekly: { readonly keep: number; readonly day: Weekday } | null;
  readonly monthly: { readonly keep: number; readonly week: WeekOfMonth } | null;
  readonly yearly: { readonly keep: number; readonly month: Month } | null;
  readonly fullMethod: FullMethod;
}

/** How many periods the flags of a tier that is off still keep a full; null: they keep nothing. */
export type EndedGfs = Readonly<Record<'weekly' | 'monthly' | 'yearly', number | null>>;

/** What one start may change for its own session. */
export interface StartOverrides {
  readonly workloads?: readonly string[];
  readonly activeFull?: boolean;
  readonly restorePoints?: RestorePointScope;
  /** What is there is taken: restore points that may still be in progress are not awaited. */
  readonly now?: boolean;
  /** The job's allowed hours do not hold for this session. */
  readonly anyHour?: boolean;
  /** An operator has looked at a source of files that seemed wiped or encrypted (`SOURCE_SUSPICIOUS`): what became of it is what was meant. */
  readonly acceptChanges?: boolean;
  /** The copies that another job left under the id of this one become its own (`COPIES_OF_OTHER_JOB`). */
  readonly takeOver?: boolean;
}
