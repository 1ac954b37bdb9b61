/** Jobs in words. */

import type { JobState, JobView, ListedJob } from '../../api/jobs/job-schemas.js';
import { isWhole } from '../../domain/jobs/source-scope.js';
import { describeAgeLimits, describeCheck, describeMaintenance } from '../input/copy-limits.js';
import {
  display,
  displayLines,
  formatFields,
  formatInstant,
  formatTable,
  type DisplayText,
} from './display-text.js';
import { describeHours } from '../input/hours-phrase.js';
import { describeSchedule } from '../input/schedule-phrase.js';

const STATE_TEXT: Readonly<Record<JobState | 'unknown', string>> = {
  enabled: 'enabled',
  disabled: 'disabled',
  actionRequired: 'action required',
  unknown: 'unknown',
};

export function describeJobs(jobs: readonly ListedJob[], columns: number): DisplayText {
  if (jobs.length === 0) return display`No jobs.`;
  const table = formatTable(
    ['JOB', 'NAME', 'MODE', 'STATE', 'TARGET', 'NEXT RUN', 'LAST RESULT'],
    jobs.map((job) => [
      job.id,
      job.name ?? '?',
      job.mode,
      STATE_TEXT[job.state],
      job.state === 'unknown' ? '?' : job.target.repositoryId,
      formatInstant(job.nextRunAt),
      job.lastSession === null ? '-' : (job.lastSession.result ?? job.lastSession.state),
    ]),
    { columns, cut: ['NAME'] },
  );
  const unread = jobs.flatMap((job) =>
    job.state === 'unknown' ? [display`Job ${job.id} was not read: ${job.reason}.`] : [],
  );
  return displayLines([table, ...unread]);
}

export function describeJob(job: JobView): DisplayText {
  const { retention, lastSession } = job;
  const sources = job.sources.include.map(
    (entry) =>
      `${entry.repositoryId}: ${isWhole(entry) ? 'all workloads' : [...(entry.workloads ?? []), ...(entry.patterns ?? [])].join(', ')}`,
  );
  const excluded = job.sources.exclude.map((entry) =>
    'workload' in entry ? entry.workload : entry.pattern,
  );
  const unit = retention.type === 'days' ? 'days' : 'restore points';
  const fields: [string, string][] = [
    ['Job', job.id],
    ['Name', job.name],
    ['State', STATE_TEXT[job.state]],
    ['Revision', String(job.revision)],
    ['Mode', job.mode],
    [
      'Schedule',
      job.mode === 'immediate' ? 'as restore points appear' : describeSchedule(job.schedule),
    ],
    ['Time zone', job.timeZone],
    ['Missed starts', describeMissedStarts(job)],
    ['Retries', describeRetry(job)],
    ['Sources', sources.join('; ')],
    ['Target', job.target.repositoryId],
    ['Copies', job.restorePoints === 'all' ? 'every restore point' : 'the newest restore point'],
    ['Retention', `${retention.value} ${unit}`],
    ['GFS', describeGfs(job)],
    ['Removed workloads', describeRemoved(job)],
    ['Recreated chain', RECREATED_TEXT[job.onSourceChainRecreated]],
    ['Health check', describeCheck(job.healthCheck)],
    ['Compact', job.compact === null ? 'never' : describeMaintenance(job.compact)],
    ['Age limits', describeAgeLimits(job.rpo)],
    ['Next run', formatInstant(job.nextRunAt)],
    [
      'Last session',
      lastSession === null ? '-' : `${lastSession.id} ${lastSession.result ?? lastSession.state}`,
    ],
  ];
  if (excluded.length > 0) fields.push(['Without', excluded.join(', ')]);
  if (job.transactionLogs) fields.push(['Logs', 'of databases are copied, too']);
  if (job.allowedHours !== null) fields.push(['Hours', describeHours(job.allowedHours)]);
  if (job.nextTryAt !== null) fields.push(['Next try', formatInstant(job.nextTryAt)]);
  if (job.missedStartAt !== null) fields.push(['Did not start', formatInstant(job.missedStartAt)]);
  if (job.replaces !== null) fields.push(['Replaces', job.replaces]);
  return formatFields(fields);
}

function describeGfs({ gfs, endedGfs }: JobView): string {
  const tiers = [
    gfs?.weekly ? `${gfs.weekly.keep} weekly (${gfs.weekly.day})` : '',
    gfs?.monthly ? `${gfs.monthly.keep} monthly (${gfs.monthly.week} week)` : '',
    gfs?.yearly ? `${gfs.yearly.keep} yearly (${gfs.yearly.month})` : '',
  ].filter((tier) => tier !== '');
  const kept =
    gfs === null || tiers.length === 0 ? 'none' : `${tiers.join(', ')}; ${gfs.fullMethod} fulls`;
  return endedGfs ? `${kept}; fulls of tiers that are off stay until the day of their flags` : kept;
}

function describeRemoved({ removedWorkloadsAfterDays: days }: JobView): string {
  return days === null
    ? 'their copies stay'
    : `copies of one that no source has shown for ${days} days are deleted`;
}

const RECREATED_TEXT: Readonly<Record<JobView['onSourceChainRecreated'], string>> = {
  requireNewJob: 'waits for a decision',
  startNewChain: 'a new chain is begun',
};

function describeMissedStarts({ missedStarts, skippedStarts }: JobView): string {
  if (missedStarts === 'run') return 'are made up for';
  return skippedStarts === 0
    ? 'are left out'
    : `are left out: ${skippedStarts} so far, because the server was down`;
}

function describeRetry({ retry: { attempts, pausesMinutes } }: JobView): string {
  if (attempts === 0) return 'none';
  const times = attempts === null ? 'until it succeeds' : `${attempts} times`;
  return `${times}, after ${pausesMinutes.join(', ')} minutes`;
}
