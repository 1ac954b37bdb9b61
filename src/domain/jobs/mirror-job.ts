/** A mirror job: an appliance whose files are copied one by one, as they are closed, to a target.
 *  Source: VBR user guide, `backup_copy_hpe_storeonce`, `backup_copy_hpe_storeonce_source_and_target`, `bc_hpe_storeonce_maintenance_settings`. */

import type { JobSchedule, MaintenanceSchedule } from '../schedules/job-schedule.js';
import type { CopyJob, MissedStarts } from './copy-job.js';
import { jobFaults, type JobFault, type JobRepository } from './job-rules.js';
import { defaultRetry } from '../schedules/retry.js';
import type { RpoPolicy } from '../safety/rpo-policy.js';
import type { WeeklyHours } from '../schedules/weekly-hours.js';
import { jobKind } from '../sources/workload-rules.js';

export interface MirrorJob {
  /** Slug, never changes. */
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** Grows by one with each update; `If-Match` compares it. */
  readonly revision: number;
  readonly source: { readonly repositoryId: string };
  readonly target: { readonly repositoryId: string };
  /** null: each file as soon as it is closed. */
  readonly schedule: JobSchedule | null;
  readonly timeZone: string;
  readonly missedStarts: MissedStarts;
  readonly allowedHours: WeeklyHours | null;
  /** Days after which a file that the source has removed goes from the target, too, counted from when it was written to the source. */
  readonly keepRemovedForDays: number;
  readonly rpo: RpoPolicy | null;
  /** When its files are read back in the target; null: when somebody asks for it. */
  readonly healthCheck: MaintenanceSchedule | null;
}

/** Of a mirror that says nothing else. */
export const KEEP_REMOVED_DAYS = 21;

/** The copy job that a mirror is carried out as, under its own id. */
export function copyJobOfMirror(
  job: Omit<MirrorJob, 'revision'>,
): Omit<CopyJob, 'revision' | 'replaces'> {
  const { source, target, schedule, keepRemovedForDays, ...same } = job;
  const mode = schedule === null ? 'immediate' : 'periodic';
  return {
    ...same,
    ...{ kind: 'mirror', mode, target, schedule: schedule ?? { type: 'manual' } },
    sources: { include: [source], exclude: [] },
    ...{ restorePoints: 'latest', transactionLogs: false, gfs: null },
    retention: { type: 'days', value: keepRemovedForDays },
    ...{ retry: defaultRetry(mode), onSourceChainRecreated: 'requireNewJob' },
    storage: { digest: 'sha256', verifyAfterCopy: 'cached' },
    ...{ compact: null, removedWorkloadsAfterDays: null },
  };
}

/** The mirror that a copy job of kind `mirror` carries out. */
export function mirrorOf(job: CopyJob): MirrorJob {
  const { id, name, description, revision, target, timeZone, missedStarts } = job;
  const { allowedHours, rpo, healthCheck } = job;
  return {
    ...{ id, name, description, revision, target, timeZone, missedStarts },
    ...{ allowedHours, rpo, healthCheck },
    source: { repositoryId: sourceOf(job) },
    schedule: job.mode === 'immediate' ? null : job.schedule,
    keepRemovedForDays: job.retention.value,
  };
}

function sourceOf({ sources }: Pick<CopyJob, 'sources'>): string {
  return sources.include[0]!.repositoryId;
}

/** All faults at once; none when the job may be stored. Paths as of `JobFault`.
 *  @param others all other jobs */
export function mirrorFaults(
  job: MirrorJob,
  repositories: readonly JobRepository[],
  others: readonly CopyJob[],
): JobFault[] {
  const copy = { ...copyJobOfMirror(job), revision: job.revision, replaces: null };
  return [
    ...jobFaults(copy, repositories).map((fault) => ({ ...fault, path: placeOf(fault.path) })),
    ...pairFaults(copy, repositories, others),
  ];
}

/** What is wrong with source and target of a job of kind `mirror`, alone and beside other mirrors: each pair is copied once, and no file comes back to
 *  where it was.
 *  @param others all other jobs */
export function pairFaults(
  job: CopyJob,
  repositories: readonly JobRepository[],
  others: readonly CopyJob[],
): JobFault[] {
  if (jobKind(job) !== 'mirror') return [];
  const source = sourceOf(job);
  const target = job.target.repositoryId;
  const faults: JobFault[] = [];
  const known = repositories.find(({ id }) => id === source);
  if (known !== undefined && known.contents !== 'storeonce')
    faults.push({
      path: 'source.repositoryId',
      message: `${source} is no appliance: its configuration has no contents: storeonce`,
    });
  const mirrors = others.filter((other) => jobKind(other) === 'mirror');
  const twin = mirrors.find(
    (other) => sourceOf(other) === source && other.target.repositoryId === target,
  );
  if (twin !== undefined)
    faults.push({
      path: 'target.repositoryId',
      message: `${source} is mirrored to ${target} by job ${twin.id} already`,
    });
  const way = source === target ? null : wayBetween(target, source, mirrors);
  if (way !== null)
    faults.push({
      path: 'target.repositoryId',
      message: `files would go round in a loop: ${target} is mirrored to ${source} already (${way.join(', then ')})`,
    });
  return faults;
}

/** Ids of the mirrors by which files come from one repository to another, in their order; null: they do not. */
function wayBetween(from: string, to: string, mirrors: readonly CopyJob[]): string[] | null {
  const ways = new Map<string, string[]>([[from, []]]);
  for (const [place, way] of ways) {
    if (place === to) return way;
    for (const mirror of mirrors) {
      const next = mirror.target.repositoryId;
      if (sourceOf(mirror) === place && !ways.has(next))
        ways.set(next, [...way, `job ${mirror.id}`]);
    }
  }
  return null;
}

/** Where in a mirror job that stands which a copy job has at `path`. */
function placeOf(path: string): string {
  return path.replace(/^sources\.include\.0/, 'source');
}
