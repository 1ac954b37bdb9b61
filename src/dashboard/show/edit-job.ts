/** A job that is there as the form has it, and the definition that an edited form means: what the form has no field for stays. Pure. */

import type { JobView } from '../../api/jobs/job-schemas.js';
import type { CopyJob, EndedGfs, Exclusion, GfsPolicy } from '../../domain/jobs/copy-job.js';
import { FIRST_WISHES, linesOf, exclusionOf, wantedJob, type JobWishes } from './new-job.js';

export type Definition = Omit<CopyJob, 'revision' | 'replaces' | 'origin' | 'endedGfs'> & {
  /** null: fulls of tiers that are off may go; absent: they stay until the day of their flags. */
  readonly endedGfs?: EndedGfs | null;
};

/** What the server adds is left out. */
export function definitionOf(job: JobView): Definition {
  const {
    revision: _revision,
    replaces: _replaces,
    origin: _origin,
    state: _state,
    nextRunAt: _nextRunAt,
    lastSession: _lastSession,
    nextTryAt: _nextTryAt,
    skippedStarts: _skippedStarts,
    missedStartAt: _missedStartAt,
    ...definition
  } = job;
  return definition;
}

export function wishesOf(job: JobView): JobWishes {
  const { schedule, allowedHours, retention, gfs, rpo } = job;
  const [span] = allowedHours?.spans ?? [];
  return {
    ...FIRST_WISHES,
    name: job.name,
    sources: job.sources.include.map(({ repositoryId }) => repositoryId),
    excluded: job.sources.exclude.map(textOf).join('\n'),
    target: job.target.repositoryId,
    scope: job.restorePoints,
    start: startOf(job),
    ...('time' in schedule ? { time: schedule.time } : {}),
    ...(schedule.type === 'weekly' ? { days: schedule.days } : {}),
    timeZone: job.timeZone,
    hasHours: allowedHours !== null,
    ...(span === undefined ? {} : { hoursDays: span.days, hoursFrom: span.from, hoursTo: span.to }),
    retention: retention.type,
    keep: retention.value,
    weekly: gfs?.weekly?.keep ?? 0,
    monthly: gfs?.monthly?.keep ?? 0,
    yearly: gfs?.yearly?.keep ?? 0,
    maxCopyAgeHours: rpo?.maxCopyAgeHours ?? 0,
    isVerified: job.healthCheck !== null,
    copiesLogs: job.transactionLogs,
  };
}

function startOf({ mode, schedule }: JobView): JobWishes['start'] {
  if (mode === 'immediate') return 'immediate';
  const { type } = schedule;
  return type === 'daily' || type === 'weekly' || type === 'manual' ? type : 'asIs';
}

/** Fields in which the form was touched come from it, all others from the job. */
export function editedJob(job: JobView, wishes: JobWishes): Definition {
  const present = definitionOf(job);
  const { timeZone } = job;
  const before = wantedJob({ ...wishesOf(job), timeZone });
  const wanted = wantedJob({ ...wishes, timeZone });
  const touched = Object.fromEntries(
    Object.entries(wanted).filter(
      ([field, value]) =>
        JSON.stringify(value) !== JSON.stringify(before[field as keyof typeof before]),
    ),
  ) as Partial<Definition>;
  const edited: Definition = {
    ...present,
    ...touched,
    sources: sourcesOf(wishes, present.sources),
    gfs: touched.gfs === undefined ? present.gfs : withTiers(touched.gfs, present.gfs),
    ...(wishes.releasesGfs ? { endedGfs: null } : {}),
    rpo: touched.rpo === undefined ? present.rpo : limitsOf(wishes, present.rpo),
  };
  return wishes.timeZone === timeZone ? edited : movedTo(wishes.timeZone, edited);
}

/** Whether a tier is, or is to be, off while fulls may have its flag. */
export function hasEndedTiers({ gfs, endedGfs }: JobView, wishes: JobWishes): boolean {
  return (['weekly', 'monthly', 'yearly'] as const).some(
    (tier) => wishes[tier] === 0 && (gfs?.[tier] ?? endedGfs?.[tier] ?? null) !== null,
  );
}

/** What was chosen of a source, and how something is left out, stays. */
function sourcesOf(
  { sources, excluded }: JobWishes,
  { include, exclude }: CopyJob['sources'],
): CopyJob['sources'] {
  return {
    include: sources.map(
      (repositoryId) =>
        include.find((entry) => entry.repositoryId === repositoryId) ?? { repositoryId },
    ),
    exclude: linesOf(excluded).map(
      (line) => exclude.find((entry) => textOf(entry) === line) ?? exclusionOf(line),
    ),
  };
}

/** All that goes by clocks goes by those of the new zone, also what the form has no fields for. */
function movedTo(timeZone: string, job: Definition): Definition {
  const { schedule, allowedHours, healthCheck, compact } = job;
  return {
    ...job,
    timeZone,
    schedule: 'timeZone' in schedule ? { ...schedule, timeZone } : schedule,
    allowedHours: allowedHours && { ...allowedHours, timeZone },
    healthCheck: healthCheck && { ...healthCheck, timeZone },
    compact: compact && { ...compact, timeZone },
  };
}

/** A tier that stays keeps its day. */
function withTiers(wanted: GfsPolicy | null, present: GfsPolicy | null): GfsPolicy | null {
  if (wanted === null || present === null) return wanted;
  const { weekly, monthly, yearly } = wanted;
  return {
    weekly: weekly && { ...weekly, day: present.weekly?.day ?? weekly.day },
    monthly: monthly && { ...monthly, week: present.monthly?.week ?? monthly.week },
    yearly: yearly && { ...yearly, month: present.yearly?.month ?? yearly.month },
    fullMethod: present.fullMethod,
  };
}

function limitsOf({ maxCopyAgeHours: hours }: JobWishes, present: CopyJob['rpo']): CopyJob['rpo'] {
  const maxCopyAgeHours = hours > 0 ? hours : null;
  const { maxLagHours, workloads } = present ?? { maxLagHours: null, workloads: [] };
  return maxCopyAgeHours === null && maxLagHours === null && workloads.length === 0
    ? null
    : { maxCopyAgeHours, maxLagHours, workloads };
}

function textOf(entry: Exclusion): string {
  return 'workload' in entry ? entry.workload : entry.pattern;
}
