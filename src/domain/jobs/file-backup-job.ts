/** A file-backup job: backups of a file share that exist in a primary repository, and the secondary targets that each gets a copy of them.
 *  Source: VBR user guide, `file_share_backup_job_secondary_target`. */

import type { JobSchedule, MaintenanceSchedule } from '../schedules/job-schedule.js';
import type { CopyJob, MissedStarts } from './copy-job.js';
import { jobFaults, scheduleFaults, type JobFault, type JobRepository } from './job-rules.js';
import type { RpoPolicy } from '../safety/rpo-policy.js';
import { defaultRetry } from '../schedules/retry.js';
import type { WeeklyHours } from '../schedules/weekly-hours.js';

export interface FileBackupJob {
  /** Slug, never changes. */
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** Grows by one with each update; `If-Match` compares it. */
  readonly revision: number;
  readonly source: {
    readonly repositoryId: string;
    /** Id or name of the backups in it. */
    readonly workload: string;
  };
  /** Id of the configured program that makes the backups (`primaryBackups`); null: something else does, and new snapshots are noticed. */
  readonly primaryBackup: string | null;
  /** Of the primary run. */
  readonly schedule: JobSchedule;
  readonly timeZone: string;
  readonly missedStarts: MissedStarts;
  /** How long the copies keep what the primary has removed, for targets that say nothing else. */
  readonly keepRemovedForDays: number;
  /** How old the copies may become in each target; null: nobody is told when they stop. */
  readonly rpo: RpoPolicy | null;
  /** When the copies are read back; null: when somebody asks for it. */
  readonly healthCheck: MaintenanceSchedule | null;
  readonly secondaryTargets: readonly SecondaryTarget[];
}

export interface SecondaryTarget {
  readonly repositoryId: string;
  /** null: as the job. */
  readonly keepRemovedForDays: number | null;
  /** null: after each primary run. */
  readonly schedule: JobSchedule | null;
  /** When its copies may begin; null: at any time. They never stop one that has begun. */
  readonly allowedHours: WeeklyHours | null;
}

/** Id of the copy job of one secondary target. */
export function copyJobId(jobId: string, repositoryId: string): string {
  return `${jobId}-${repositoryId}`;
}

/** How the copies of a target begin. `afterRun`: with the run that makes the backups. */
export function startOf(
  { primaryBackup }: Pick<FileBackupJob, 'primaryBackup'>,
  { schedule }: SecondaryTarget,
): 'afterRun' | 'snapshot' | 'schedule' {
  if (schedule !== null) return 'schedule';
  return primaryBackup === null ? 'snapshot' : 'afterRun';
}

/** What is told of the targets whose copies should follow a run and do not: nobody else would notice that nothing is copied to there.
 *  @param copies the copy jobs that are there and enabled */
export function missingCopies(
  job: FileBackupJob,
  copies: readonly Pick<CopyJob, 'id'>[],
): string[] {
  return job.secondaryTargets.flatMap((target) => {
    if (startOf(job, target) === 'schedule') return [];
    const id = copyJobId(job.id, target.repositoryId);
    if (copies.some((copy) => copy.id === id)) return [];
    return [`nothing was copied to ${target.repositoryId}: its job ${id} is disabled or gone`];
  });
}

/** The copy jobs of a file-backup job, one for each secondary target. */
export function copyJobsOf(job: FileBackupJob): Omit<CopyJob, 'revision' | 'replaces'>[] {
  return job.secondaryTargets.map((target) => copyJobOf(job, target));
}

function copyJobOf(
  job: FileBackupJob,
  target: SecondaryTarget,
): Omit<CopyJob, 'revision' | 'replaces'> {
  const mode = startOf(job, target) === 'snapshot' ? 'immediate' : 'periodic';
  const { workload, repositoryId } = job.source;
  return {
    id: copyJobId(job.id, target.repositoryId),
    name: `${job.name} to ${target.repositoryId}`,
    description: job.description,
    kind: 'fileBackup',
    fileBackupJobId: job.id,
    mode,
    sources: { include: [{ repositoryId, workloads: [workload] }], exclude: [] },
    target: { repositoryId: target.repositoryId },
    restorePoints: 'all',
    retention: { type: 'days', value: target.keepRemovedForDays ?? job.keepRemovedForDays },
    gfs: null,
    timeZone: job.timeZone,
    schedule: target.schedule ?? { type: 'manual' },
    transactionLogs: false,
    missedStarts: job.missedStarts,
    retry: defaultRetry(mode),
    onSourceChainRecreated: 'requireNewJob',
    storage: { digest: 'sha256', verifyAfterCopy: 'cached' },
    healthCheck: job.healthCheck,
    compact: null,
    rpo: job.rpo,
    removedWorkloadsAfterDays: null,
    allowedHours: target.allowedHours,
  };
}

/** What is configured of a program that makes primary backups. */
interface KnownPrimaryBackup {
  readonly id: string;
  readonly repositoryId: string;
}

/** All faults at once; none when the job may be stored. Paths as of `JobFault`. */
export function fileBackupFaults(
  job: FileBackupJob,
  repositories: readonly JobRepository[],
  primaryBackups: readonly KnownPrimaryBackup[],
): JobFault[] {
  const faults = [...primaryFaults(job, primaryBackups), ...targetsFaults(job, repositories)];
  // What is wrong with the source is wrong for each target.
  return [...new Map(faults.map((fault) => [`${fault.path}: ${fault.message}`, fault])).values()];
}

function primaryFaults(
  { source, primaryBackup, schedule, id }: FileBackupJob,
  primaryBackups: readonly KnownPrimaryBackup[],
): JobFault[] {
  if (primaryBackup === null) {
    if (schedule.type === 'manual') return [];
    const message =
      'the schedule is that of the primary backup: name one in primaryBackup, or give the secondary targets schedules of their own';
    return [{ path: 'schedule.type', message }];
  }
  const faults = scheduleFaults({ id, mode: 'periodic', schedule });
  if (schedule.type === 'afterJob')
    faults.push({ path: 'schedule.type', message: 'a primary backup follows no copy job' });
  const known = primaryBackups.find((each) => each.id === primaryBackup);
  const message =
    known === undefined
      ? `no primary backup ${primaryBackup} is configured (primaryBackups of the configuration)`
      : known.repositoryId !== source.repositoryId
        ? `${primaryBackup} writes to repository ${known.repositoryId}, not to ${source.repositoryId}`
        : null;
  return message === null ? faults : [...faults, { path: 'primaryBackup', message }];
}

/** Each target as the copy job that it becomes. */
function targetsFaults(job: FileBackupJob, repositories: readonly JobRepository[]): JobFault[] {
  return copyJobsOf(job).flatMap((copy, index) => {
    const path = `secondaryTargets.${index}`;
    const { repositoryId } = copy.target;
    const faults = jobFaults({ ...copy, revision: 1, replaces: null }, repositories).map(
      (fault) => ({ ...fault, path: placeOf(fault.path, path) }),
    );
    const refuse = (message: string) => faults.push({ path: `${path}.repositoryId`, message });
    if (job.secondaryTargets.findIndex((each) => each.repositoryId === repositoryId) < index)
      refuse(`${repositoryId} is named twice`);
    if (copy.id.length > MAX_ID_CHARACTERS)
      refuse(
        `its copy job ${copy.id} has an id of more than ${MAX_ID_CHARACTERS} characters: give the job a shorter one`,
      );
    return faults;
  });
}

/** Where in a file-backup job that stands which a copy job has at `path`. */
function placeOf(path: string, target: string): string {
  if (path === 'target.repositoryId') return `${target}.repositoryId`;
  if (path.startsWith('sources.include.0.')) return path.replace('sources.include.0', 'source');
  return /^(?:schedule|allowedHours)\b/.test(path) ? `${target}.${path}` : path;
}

/** Of the id of a job. */
const MAX_ID_CHARACTERS = 63;
