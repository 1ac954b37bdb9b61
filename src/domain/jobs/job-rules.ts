/** Rules of a job definition that its shape alone does not show. */

import { isTimeZone } from '../schedules/calendar-date.js';
import type { CopyJob, SourceSelection } from './copy-job.js';
import { cronFault } from '../schedules/cron.js';
import { matchesPattern } from './name-pattern.js';
import { isWhole } from './source-scope.js';
import { jsonBytes } from '../sessions/task-brief.js';
import { spanDaysFault } from '../schedules/weekly-hours.js';

/** Where in the definition, fields and indexes joined by dots (`sources.include.0.repositoryId`), and what is wrong there. */
export interface JobFault {
  readonly path: string;
  readonly message: string;
  /** Another kind of job copies what is named here. */
  readonly isOfOtherKind?: true;
}

export interface JobRepository {
  readonly id: string;
  readonly role: 'primary' | 'target' | 'external';
  /** What lies in it; absent: backups. */
  readonly contents?: 'backups' | 'dated-tree' | 'storeonce';
}

/** All faults at once; none when the job may be stored. */
export function jobFaults(job: CopyJob, repositories: readonly JobRepository[]): JobFault[] {
  const roles = new Map(repositories.map(({ id, role }) => [id, role]));
  return [
    ...sizeFaults(job),
    ...targetFaults(job, roles),
    ...includeFaults(job, roles),
    ...workloadFaults(job),
    ...timeZoneFaults('timeZone', job.timeZone),
    ...scheduleFaults(job),
    ...maintenanceFaults(job),
    ...gfsFaults(job),
    ...logFaults(job),
    ...rpoFaults(job),
    ...hoursFaults(job),
  ];
}

/** A definition goes into each of its sessions, and with the session's record into one payload of at most 2 MiB. */
const MAX_JOB_BYTES = 1_000_000;

function sizeFaults(job: CopyJob): JobFault[] {
  const bytes = jsonBytes(job);
  if (bytes <= MAX_JOB_BYTES) return [];
  const message = `the definition has ${bytes} bytes, at most ${MAX_JOB_BYTES} fit into a session: include whole repositories, or make several jobs`;
  return [{ path: 'sources', message }];
}

type Roles = ReadonlyMap<string, JobRepository['role']>;

function targetFaults({ target }: CopyJob, roles: Roles): JobFault[] {
  const path = 'target.repositoryId';
  const role = roles.get(target.repositoryId);
  if (role === undefined) return [unknownRepository(path, target.repositoryId)];
  if (role === 'target') return [];
  const message =
    role === 'external'
      ? `${target.repositoryId} is an external repository: it is read-only and never a target`
      : `${target.repositoryId} has role ${role}; a target must have role target`;
  return [{ path, message }];
}

function unknownRepository(path: string, id: string): JobFault {
  return { path, message: `no repository ${id} is configured` };
}

function includeFaults({ sources, target }: CopyJob, roles: Roles): JobFault[] {
  if (sources.include.length === 0) {
    return [{ path: 'sources.include', message: 'name at least one source' }];
  }
  const faults: JobFault[] = [];
  const whole = new Set(sources.include.filter(isWhole).map((entry) => entry.repositoryId));
  const seen = new Set<string>();
  sources.include.forEach((entry, index) => {
    const { repositoryId } = entry;
    const path = `sources.include.${String(index)}`;
    if (!roles.has(repositoryId)) {
      faults.push(unknownRepository(`${path}.repositoryId`, repositoryId));
    }
    if (repositoryId === target.repositoryId) {
      const message = `${repositoryId} is the target; a job cannot copy a repository to itself`;
      faults.push({ path: `${path}.repositoryId`, message });
    }
    for (const field of ['workloads', 'patterns'] as const)
      if (entry[field]?.length === 0) {
        const message = `name ${field}, or leave the field out for all of the repository`;
        faults.push({ path: `${path}.${field}`, message });
      }
    if (!isWhole(entry) && whole.has(repositoryId)) {
      const message = `another entry includes all of ${repositoryId} already`;
      faults.push({ path, message });
    } else if (seen.has(keyOf(entry))) {
      const message = isWhole(entry)
        ? `${repositoryId} is included twice`
        : `${repositoryId} has an entry already: choose its workloads in one`;
      faults.push({ path, message });
    }
    seen.add(keyOf(entry));
  });
  return faults;
}

function keyOf(entry: SourceSelection): string {
  return `${entry.repositoryId} ${isWhole(entry)}`;
}

/** A job keeps one chain for each workload, so each may be named once, whatever the repository. */
function workloadFaults({ sources }: CopyJob): JobFault[] {
  const faults: JobFault[] = [];
  const includedFrom = new Map<string, string>();
  sources.include.forEach(({ repositoryId, workloads = [] }, entry) => {
    workloads.forEach((workload, index) => {
      const path = `sources.include.${String(entry)}.workloads.${String(index)}`;
      const other = includedFrom.get(workload);
      if (other === repositoryId) faults.push({ path, message: `${workload} is included twice` });
      else if (other !== undefined) {
        const message = `${workload} is included from ${other} already; a job keeps one chain for each workload`;
        faults.push({ path, message });
      }
      includedFrom.set(workload, repositoryId);
    });
  });
  return [...faults, ...exclusionFaults(sources.exclude, includedFrom)];
}

/** @param included by the names that the job includes */
function exclusionFaults(
  exclude: CopyJob['sources']['exclude'],
  included: ReadonlyMap<string, string>,
): JobFault[] {
  const faults: JobFault[] = [];
  const known = new Set<string>();
  exclude.forEach((entry, index) => {
    const [field, text] =
      'workload' in entry ? ['workload', entry.workload] : ['pattern', entry.pattern];
    const path = `sources.exclude.${String(index)}.${field}`;
    const key = `${field} ${text}`;
    if (known.has(key)) faults.push({ path, message: `${text} is excluded twice` });
    known.add(key);
    const both =
      field === 'workload'
        ? [text].find((name) => included.has(name))
        : [...included.keys()].find((name) => matchesPattern(text, name));
    if (both !== undefined) {
      const by = both === text ? '' : ` by ${text}`;
      faults.push({ path, message: `${both} is both included by name and excluded${by}` });
    }
  });
  return faults;
}

/** Of the schedule alone. */
export function scheduleFaults({
  id,
  mode,
  schedule,
}: Pick<CopyJob, 'id' | 'mode' | 'schedule'>): JobFault[] {
  const faults: JobFault[] = [];
  if (mode === 'immediate' && schedule.type !== 'manual') {
    const message = `an immediate job starts when a restore point appears and takes no schedule; ${schedule.type} needs mode periodic`;
    faults.push({ path: 'schedule.type', message });
  }
  if (schedule.type === 'afterJob' && schedule.jobId === id) {
    faults.push({ path: 'schedule.jobId', message: 'a job cannot start after itself' });
  }
  if (schedule.type === 'weekly') {
    if (schedule.days.length === 0) {
      faults.push({ path: 'schedule.days', message: 'name at least one day of the week' });
    } else if (new Set(schedule.days).size < schedule.days.length) {
      faults.push({ path: 'schedule.days', message: 'a day of the week is named twice' });
    }
  }
  if (schedule.type === 'cron') {
    const message = cronFault(schedule.expression);
    if (message !== null) faults.push({ path: 'schedule.expression', message });
  }
  if ('timeZone' in schedule)
    faults.push(...timeZoneFaults('schedule.timeZone', schedule.timeZone));
  return faults;
}

function hoursFaults({ allowedHours }: CopyJob): JobFault[] {
  if (allowedHours === null) return [];
  const faults = timeZoneFaults('allowedHours.timeZone', allowedHours.timeZone);
  allowedHours.spans.forEach((span, index) => {
    const message = spanDaysFault(span);
    if (message !== null)
      faults.push({ path: `allowedHours.spans.${String(index)}.days`, message });
  });
  return faults;
}

function maintenanceFaults({ healthCheck, compact, gfs }: CopyJob): JobFault[] {
  const faults: JobFault[] = [];
  if (healthCheck !== null)
    faults.push(...timeZoneFaults('healthCheck.timeZone', healthCheck.timeZone));
  if (compact !== null) {
    faults.push(...timeZoneFaults('compact.timeZone', compact.timeZone));
    // Source: VBR user guide, `backup_copy_compact_file`: new fulls come with GFS anyway.
    if (gfs !== null) faults.push({ path: 'compact', message: 'not possible together with gfs' });
  }
  return faults;
}

function timeZoneFaults(path: string, timeZone: string): JobFault[] {
  if (isTimeZone(timeZone)) return [];
  const message = `${timeZone} is not a known time zone; use a name such as Europe/Berlin or UTC, in its exact case`;
  return [{ path, message }];
}

function gfsFaults({ gfs }: CopyJob): JobFault[] {
  if (gfs === null || gfs.weekly !== null || gfs.monthly !== null || gfs.yearly !== null) return [];
  return [{ path: 'gfs', message: 'turn on weekly, monthly or yearly, or leave gfs out' }];
}

/** Source: VBR user guide, `backup_copy_modes`: logs are followed as they appear. */
function logFaults({ mode, transactionLogs }: CopyJob): JobFault[] {
  if (!transactionLogs || mode === 'immediate') return [];
  const message = 'logs are copied in mode immediate only: leave it out, or change the mode';
  return [{ path: 'transactionLogs', message }];
}

function rpoFaults({ rpo }: CopyJob): JobFault[] {
  if (rpo === null) return [];
  const faults: JobFault[] = [];
  if (rpo.maxCopyAgeHours === null && rpo.maxLagHours === null && rpo.workloads.length === 0) {
    const message = 'set maxCopyAgeHours or maxLagHours, or leave rpo out';
    faults.push({ path: 'rpo', message });
  }
  const seen = new Set<string>();
  rpo.workloads.forEach(({ workload }, index) => {
    const path = `rpo.workloads.${String(index)}.workload`;
    if (seen.has(workload)) faults.push({ path, message: `${workload} is named twice` });
    seen.add(workload);
  });
  return faults;
}
