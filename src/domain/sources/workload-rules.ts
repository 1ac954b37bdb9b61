/** What copies of one type of backup allow: data of the layout that finds them. */

import type { JobKind, CopyJob, CopyMode } from '../jobs/copy-job.js';
import type { JobFault } from '../jobs/job-rules.js';
import {
  excludedBy,
  isLike,
  namedIn,
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

/** The same with how its own tools restore a copy: what the rows of its layouts say. */
export interface WorkloadTypeView extends WorkloadTypeFacts {
  /** Commands of what `restore --layout` has written, in Markdown, with names made up. */
  readonly restoredWith: string;
  /** Lines of a shell for a copied tree where it lies, which they do not change: `{files}` is its folder, `{id}` the point as its source calls it. Empty:
   *  there are none. */
  readonly linesInPlace: readonly string[];
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

type JobOfRules = Pick<
  CopyJob,
  'kind' | 'mode' | 'gfs' | 'retention' | 'sources' | 'transactionLogs'
>;

/** Rules that a job breaks for one workload of a source: none of one that it has nothing to do with. A job that breaks any does not copy it.
 *  To be asked for each of ten thousand, by a job that names as many: what it names is looked up. */
export function workloadRuleFaults(
  job: JobOfRules,
): (
  repositoryId: string,
  workload: NamedWorkload,
  type: Pick<WorkloadTypeFacts, 'title' | 'rules'>,
) => JobFault[] {
  const isInScope = sourceScope(job);
  const choices = choicesOf(job);
  return (repositoryId, workload, { title, rules }) => {
    const passedOver = passedOverText(job, { title, rules });
    if (passedOver !== null) {
      const isOfOtherKind = rules.job === jobKind(job) ? {} : { isOfOtherKind: true as const };
      return choices.namedAt(repositoryId, workload).map((path) => ({
        ...{ path, message: passedOver, ...isOfOtherKind },
      }));
    }
    const faults = rules.wholeSourceOnly
      ? choiceFaults(choices, repositoryId, workload, title)
      : [];
    if (!isInScope(repositoryId, workload)) return faults;
    return [...faults, ...settingFaults(job, { title, rules })];
  };
}

function settingFaults(
  job: JobOfRules,
  { title, rules }: Pick<WorkloadTypeFacts, 'title' | 'rules'>,
): JobFault[] {
  const faults: JobFault[] = [];
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

/** Where a job picks workloads out of their repositories. */
interface Choices {
  /** Where it names this one. */
  readonly namedAt: (repositoryId: string, workload: NamedWorkload) => string[];
  /** Where a pattern of it takes this one. */
  readonly matchedAt: (repositoryId: string, workload: NamedWorkload) => string[];
  readonly isSource: (repositoryId: string) => boolean;
  /** Places of the entries that exclude this one. */
  readonly excludedAt: (workload: NamedWorkload) => { path: string; text: string }[];
}

function choicesOf({ sources }: Pick<CopyJob, 'sources'>): Choices {
  const entries = sources.include.map(({ repositoryId, workloads = [], patterns = [] }, index) => ({
    ...{ index, repositoryId, patterns },
    isNamed: namedIn(workloads),
  }));
  const isExcluded = excludedBy(sources.exclude);
  return {
    namedAt: (repositoryId, workload) =>
      entries.flatMap((entry) =>
        entry.repositoryId === repositoryId && entry.isNamed(workload)
          ? [`sources.include.${entry.index}.workloads`]
          : [],
      ),
    matchedAt: (repositoryId, workload) =>
      entries.flatMap((entry) =>
        entry.repositoryId === repositoryId && isLike(entry.patterns, workload)
          ? [`sources.include.${entry.index}.patterns`]
          : [],
      ),
    isSource: (repositoryId) => entries.some((entry) => entry.repositoryId === repositoryId),
    excludedAt: (workload) => {
      if (!isExcluded(workload)) return [];
      return sources.exclude.flatMap((entry, index) => {
        if (!excludedBy([entry])(workload)) return [];
        const [field, text] =
          'workload' in entry ? ['workload', entry.workload] : ['pattern', entry.pattern];
        return [{ path: `sources.exclude.${index}.${field}`, text }];
      });
    },
  };
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
  choices: Choices,
  repositoryId: string,
  workload: NamedWorkload,
  title: string,
): JobFault[] {
  const chosenAt = [
    ...choices.namedAt(repositoryId, workload),
    ...choices.matchedAt(repositoryId, workload),
  ];
  const faults: JobFault[] = chosenAt.map((path) => ({
    path,
    message: `backups of ${title} are copied with their whole repository: include ${repositoryId} without naming workloads`,
  }));
  if (!choices.isSource(repositoryId)) return faults;
  const excluded = choices.excludedAt(workload).map(({ path, text }) => ({
    path,
    message: `backups of ${title} are copied with their whole repository: ${text} cannot be excluded`,
  }));
  return [...faults, ...excluded];
}
