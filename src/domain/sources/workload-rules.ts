/** What copies of one type of backup allow: data of the layout that finds them. */

import type { JobKind, CopyJob, CopyMode } from '../jobs/copy-job.js';
import type { JobFault } from '../jobs/job-rules.js';
import {
  excludedBy,
  isLike,
  isNamed,
  sourceScope,
  type NamedWorkload,
} from '../jobs/source-scope.js';

/** A type of backups, as the API, the commands and the dashboard name it. */
export interface WorkloadTypeFacts {
  /** Stands in commit records and plans, so it never changes its meaning. */
  readonly id: string;
  /** For people. */
  readonly title: string;
  readonly rules: WorkloadRules;
}

/** Source: the limits that the VBR user guide states for each backup type (`backup_copy_modes`, `ahv_backup_copy`, `backup_copy_plugins`). */
export interface WorkloadRules {
  readonly job: JobKind;
  /** A job takes a repository of them whole: it neither includes nor excludes single ones. */
  readonly wholeSourceOnly: boolean;
  readonly modes: readonly CopyMode[];
  readonly allowsGfs: boolean;
  /** How many restore points stay means nothing for pieces that depend on each other in ways that only the tool knows. */
  readonly retentionByDaysOnly: boolean;
  /** They are transaction logs and nothing else: a job without `transactionLogs` passes them over. */
  readonly logsOnly: boolean;
}

/** Of machines whose backups stand for themselves. */
export const ALL_ALLOWED: WorkloadRules = {
  job: 'copy',
  wholeSourceOnly: false,
  modes: ['immediate', 'periodic'],
  allowsGfs: true,
  retentionByDaysOnly: false,
  logsOnly: false,
};

/** Rules that a job breaks for one workload of a source: none of one that it has nothing to do with. A job that breaks any does not copy it. */
export function workloadRuleFaults(
  job: Pick<CopyJob, 'kind' | 'mode' | 'gfs' | 'retention' | 'sources' | 'transactionLogs'>,
  repositoryId: string,
  workload: NamedWorkload,
  { title, rules }: Pick<WorkloadTypeFacts, 'title' | 'rules'>,
): JobFault[] {
  const passedOver = passedOverText(job, { title, rules });
  if (passedOver !== null) {
    const isOfOtherKind = rules.job === jobKind(job) ? {} : { isOfOtherKind: true as const };
    return namedAt(job, repositoryId, workload).map((path) => ({
      ...{ path, message: passedOver, ...isOfOtherKind },
    }));
  }
  const faults = rules.wholeSourceOnly ? choiceFaults(job, repositoryId, workload, title) : [];
  if (!sourceScope(job)(repositoryId, workload)) return faults;
  if (!rules.modes.includes(job.mode))
    faults.push({
      path: 'mode',
      message: `backups of ${title} are copied in mode ${rules.modes.join(' or ')} only`,
    });
  if (job.gfs !== null && !rules.allowsGfs)
    faults.push({ path: 'gfs', message: `backups of ${title} are kept without gfs only` });
  if (job.retention.type !== 'days' && rules.retentionByDaysOnly)
    faults.push({
      path: 'retention.type',
      message: `backups of ${title} are kept by days only, not by a number of restore points`,
    });
  return faults;
}

/** Why a job that takes a repository whole passes over backups of this type in it, and what copies them; null: it copies them. A job that names one
 *  is refused with it. */
export function passedOverText(
  job: Pick<CopyJob, 'kind' | 'transactionLogs'>,
  { title, rules }: Pick<WorkloadTypeFacts, 'title' | 'rules'>,
): string | null {
  if (rules.job !== jobKind(job)) return otherJobText(title, rules.job);
  if (!rules.logsOnly || job.transactionLogs) return null;
  return `backups of ${title} are transaction logs and nothing else: a job copies them with transactionLogs, in mode immediate`;
}

/** Where a job names this workload. */
function namedAt(
  { sources }: Pick<CopyJob, 'sources'>,
  repositoryId: string,
  workload: NamedWorkload,
): string[] {
  return sources.include.flatMap((entry, index) =>
    entry.repositoryId === repositoryId && isNamed(entry.workloads ?? [], workload)
      ? [`sources.include.${index}.workloads`]
      : [],
  );
}

/** Where a pattern of the job takes this workload. */
function matchedAt(
  { sources }: Pick<CopyJob, 'sources'>,
  repositoryId: string,
  workload: NamedWorkload,
): string[] {
  return sources.include.flatMap((entry, index) =>
    entry.repositoryId === repositoryId && isLike(entry.patterns ?? [], workload)
      ? [`sources.include.${index}.patterns`]
      : [],
  );
}

/** Why a job of another kind does not copy backups of this type, and what does. */
export function otherJobText(title: string, job: JobKind): string {
  return `backups of ${title} are copied by ${RIGHT_CALLS[job]} only`;
}

const RIGHT_CALLS: Readonly<Record<JobKind, string>> = {
  copy: 'a copy job (POST /jobs, or `longhaul job create`)',
  fileBackup: 'a file-backup job (POST /file-backup-jobs, or `longhaul file-backup-job create`)',
  mirror: 'a mirror job (POST /mirror-jobs, or `longhaul mirror-job create`)',
};

export function jobKind({ kind }: Pick<CopyJob, 'kind'>): JobKind {
  return kind ?? 'copy';
}

/** Where the job picks this workload out of its repository. */
function choiceFaults(
  job: Pick<CopyJob, 'sources'>,
  repositoryId: string,
  workload: NamedWorkload,
  title: string,
): JobFault[] {
  const { sources } = job;
  const chosenAt = [
    ...namedAt(job, repositoryId, workload),
    ...matchedAt(job, repositoryId, workload),
  ];
  const faults: JobFault[] = chosenAt.map((path) => ({
    path,
    message: `backups of ${title} are copied with their whole repository: include ${repositoryId} without naming workloads`,
  }));
  if (!sources.include.some((entry) => entry.repositoryId === repositoryId)) return faults;
  sources.exclude.forEach((entry, index) => {
    if (!excludedBy([entry])(workload)) return;
    const [field, text] =
      'workload' in entry ? ['workload', entry.workload] : ['pattern', entry.pattern];
    faults.push({
      path: `sources.exclude.${index}.${field}`,
      message: `backups of ${title} are copied with their whole repository: ${text} cannot be excluded`,
    });
  });
  return faults;
}
