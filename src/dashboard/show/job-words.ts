/** A job as a paragraph, and as the flags of the command line. */

import cronstrue from 'cronstrue';
import type { JobSchedule, MaintenanceSchedule } from '../../domain/schedules/job-schedule.js';
import type { CopyJob, GfsPolicy, RetryPolicy } from '../../domain/jobs/copy-job.js';
import type { WeeklyHours, WeeklySpan } from '../../domain/schedules/weekly-hours.js';
import { counted } from './format.js';
import { sentence } from './sentence.js';

/** `every day at 22:00 (Europe/Berlin)`. */
export function scheduleWords(schedule: JobSchedule): string {
  switch (schedule.type) {
    case 'manual':
      return 'only when it is started by hand';
    case 'daily':
      return `every day at ${schedule.time} (${schedule.timeZone})`;
    case 'weekly':
      return `every ${listed(schedule.days.map(capital))} at ${schedule.time} (${schedule.timeZone})`;
    case 'monthly': {
      const day = schedule.day === 'last' ? 'the last day' : `day ${schedule.day}`;
      return `on ${day} of each month at ${schedule.time} (${schedule.timeZone})`;
    }
    case 'interval':
      return `every ${minutesWords(schedule.everyMinutes)}`;
    case 'cron':
      return `${cronWords(schedule.expression)} (${schedule.timeZone})`;
    case 'afterJob':
      return `after each session of ${schedule.jobId}`;
  }
}

/** `on Mondays and Tuesdays from 20:00 to 06:00 (Europe/Berlin)`. */
export function hoursWords({ spans, timeZone }: WeeklyHours): string {
  return `${listed(spans.map(spanWords))} (${timeZone})`;
}

export function spanWords({ days, from, to }: WeeklySpan): string {
  const on =
    days.length === 7 ? 'every day' : `on ${listed(days.map((day) => `${capital(day)}s`))}`;
  return from === to && from === '00:00' ? `${on} all day` : `${on} from ${from} to ${to}`;
}

/** When a job copies, in a few words. */
export function startWords({ mode, schedule }: Pick<CopyJob, 'mode' | 'schedule'>): string {
  return mode === 'immediate' ? 'as soon as something new is there' : scheduleWords(schedule);
}

/** What the job does, in sentences. */
export function jobWords(
  job: Omit<CopyJob, 'revision' | 'replaces' | 'endedGfs'> & {
    readonly endedGfs?: CopyJob['endedGfs'] | null;
  },
): string {
  if (job.kind === 'mirror') return mirrorWords(job);
  const { retention, removedWorkloadsAfterDays: removedAfter, healthCheck, compact } = job;
  const scope = job.restorePoints === 'all' ? 'Every restore point' : 'The newest restore point';
  const kept =
    retention.type === 'restorePoints'
      ? `The newest ${counted(retention.value, 'restore point')} of each machine stay`
      : `Restore points of the last ${counted(retention.value, 'day')} stay, and never fewer than 3`;
  return [
    sentence(
      `${scope} of ${sourceWords(job.sources)} is copied to ${job.target.repositoryId}, ${startWords(job)}`,
    ),
    job.transactionLogs ? 'Transaction logs of databases are copied, too.' : '',
    job.allowedHours === null
      ? ''
      : sentence(`It copies only ${hoursWords(job.allowedHours)}, and waits outside these hours`),
    sentence(
      `${kept}${job.gfs === null ? '' : `; besides, ${gfsWords(job.gfs)}`}; what is older is merged or deleted`,
    ),
    job.endedGfs ? 'Fulls of tiers that are off stay until the day of their flags.' : '',
    rpoWords(job.rpo),
    sentence(retryWords(job.retry)),
    healthCheck === null
      ? ''
      : sentence(`All copies are read and compared ${maintenanceWords(healthCheck)}`),
    compact === null
      ? ''
      : sentence(`Fulls are written anew without unused room ${maintenanceWords(compact)}`),
    sentence(
      removedAfter === null
        ? 'Copies of a machine that no source shows any more stay for ever'
        : `Copies of a machine that no source has shown for ${counted(removedAfter, 'day')} are deleted`,
    ),
  ]
    .filter((part) => part !== '')
    .join(' ');
}

function mirrorWords(job: Omit<CopyJob, 'revision' | 'replaces' | 'endedGfs'>): string {
  const days = counted(job.retention.value, 'day');
  return [
    sentence(
      `Every file of ${job.sources.include[0]?.repositoryId ?? ''} is copied to ${job.target.repositoryId} as it is, ${startWords(job)}; one that is still written to waits`,
    ),
    sentence(`What the source has removed stays until ${days} after it was written there`),
    job.allowedHours === null
      ? ''
      : sentence(`It copies only ${hoursWords(job.allowedHours)}, and waits outside these hours`),
    rpoWords(job.rpo),
    sentence(retryWords(job.retry)),
  ]
    .filter((part) => part !== '')
    .join(' ');
}

/** From where to where a job copies. */
export function placeWords({
  kind,
  sources,
  target,
}: Pick<CopyJob, 'kind' | 'sources' | 'target'>) {
  const [first] = sources.include;
  const from = kind === 'mirror' ? `mirror of ${first?.repositoryId ?? ''}` : sourceWords(sources);
  return `${from} → ${target.repositoryId}`;
}

function sourceWords({ include, exclude }: CopyJob['sources']): string {
  const parts = include.map(({ repositoryId, workloads, patterns }) =>
    workloads === undefined && patterns === undefined
      ? `everything in ${repositoryId}`
      : `${named([...(workloads ?? []), ...(patterns ?? [])])} in ${repositoryId}`,
  );
  const without = exclude.map((entry) => ('workload' in entry ? entry.workload : entry.pattern));
  return `${listed(parts)}${without.length === 0 ? '' : ` but ${named(without)}`}`;
}

function named(workloads: readonly string[]): string {
  return workloads.length > 5 ? counted(workloads.length, 'named machine') : listed(workloads);
}

function gfsWords({ weekly, monthly, yearly }: GfsPolicy): string {
  return listed([
    ...(weekly === null
      ? []
      : [`${counted(weekly.keep, 'weekly copy', 'weekly copies')} (${capital(weekly.day)}s)`]),
    ...(monthly === null ? [] : [counted(monthly.keep, 'monthly copy', 'monthly copies')]),
    ...(yearly === null ? [] : [counted(yearly.keep, 'yearly copy', 'yearly copies')]),
  ]);
}

function rpoWords(rpo: CopyJob['rpo']): string {
  if (rpo === null)
    return 'Nothing says how old its copies may become, so nobody is told when it stops.';
  const { maxCopyAgeHours, maxLagHours, workloads } = rpo;
  const limits = [
    ...(maxCopyAgeHours === null ? [] : [`is at most ${maxCopyAgeHours} h old`]),
    ...(maxLagHours === null ? [] : [`is at most ${maxLagHours} h behind the source`]),
  ];
  const others =
    workloads.length === 0 ? '' : `; other limits hold for ${counted(workloads.length, 'machine')}`;
  return limits.length === 0
    ? sentence(`Limits hold for ${counted(workloads.length, 'machine')} alone`)
    : sentence(`The newest copy ${listed(limits)}, or it is shown as late${others}`);
}

function retryWords({ attempts, pausesMinutes }: RetryPolicy): string {
  if (attempts === 0) return 'What failed is not tried again before the next start';
  const pauses = listed(pausesMinutes.map(minutesWords));
  return attempts === null
    ? `What failed is tried again until it succeeds, after ${pauses}`
    : `What failed is tried again up to ${counted(attempts, 'time')}, after ${pauses}`;
}

export function maintenanceWords({ every, day, time, timeZone }: MaintenanceSchedule): string {
  const when =
    every === 'week' ? `every ${capital(day)}` : `on the last ${capital(day)} of each month`;
  return `${when} at ${time} (${timeZone})`;
}

function cronWords(expression: string): string {
  try {
    const words = cronstrue.toString(expression, { use24HourTimeFormat: true, verbose: true });
    return `${words.charAt(0).toLowerCase()}${words.slice(1)}`;
  } catch {
    return `by the cron expression ${expression}`;
  }
}

function minutesWords(minutes: number): string {
  if (minutes % 1_440 === 0) return counted(minutes / 1_440, 'day');
  return minutes % 60 === 0 ? counted(minutes / 60, 'hour') : counted(minutes, 'minute');
}

export function listed(parts: readonly string[]): string {
  if (parts.length < 2) return parts[0] ?? '';
  return `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

function capital(word: string): string {
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
}

/** Lines that make the same job from a file, whatever it says. */
export function createCommand(job: object, name: string): string {
  const file = `${
    name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-+|-+$/g, '') || 'job'
  }.json`;
  return [
    `cat > ${file} <<'EOF'`,
    JSON.stringify(job, null, 2),
    'EOF',
    `longhaul job create --file ${file}`,
  ].join('\n');
}
