/** A job that is there as the form has it, and the definition that an edited form means: what the form has no field for stays. Pure. */

import type { JobView } from '../../../api/jobs/job-schemas.js';
import type { CopyJob, EndedGfs, Exclusion, GfsPolicy } from '../../../domain/jobs/copy-job.js';
import { withoutServerFields } from '../../../domain/jobs/server-fields.js';
import {
  FIRST_WISHES,
  linesOf,
  limitsOf,
  exclusionOf,
  wantedJob,
  type JobWishes,
} from './new-job.js';

export type Definition = Omit<CopyJob, 'revision' | 'replaces' | 'origin' | 'endedGfs'> & {
  /** null: fulls of tiers that are off may go; absent: they stay until the day of their flags. */
  readonly endedGfs?: EndedGfs | null;
};

export function definitionOf(job: JobView): Definition {
  return withoutServerFields(job) as Definition;
}

export function wishesOf(job: JobView): JobWishes {
  const { schedule, allowedHours, retention, gfs, rpo } = job;
  return {
    ...FIRST_WISHES,
    name: job.name,
    sources: job.sources.include.map(({ repositoryId }) => repositoryId),
    excluded: job.sources.exclude.filter(isLine).map(textOf).join('\n'),
    target: job.target.repositoryId,
    scope: job.restorePoints,
    start: startOf(job),
    ...('time' in schedule ? { time: schedule.time } : {}),
    ...(schedule.type === 'weekly' ? { days: schedule.days } : {}),
    timeZone: job.timeZone,
    hasHours: allowedHours !== null,
    ...(allowedHours === null ? {} : { hours: allowedHours.spans }),
    retention: retention.type,
    keep: retention.value,
    weekly: gfs?.weekly?.keep ?? 0,
    monthly: gfs?.monthly?.keep ?? 0,
    yearly: gfs?.yearly?.keep ?? 0,
    maxCopyAgeHours: rpo?.maxCopyAgeHours ?? 0,
    maxLagHours: rpo?.maxLagHours ?? 0,
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
      ([field, value]) => !isSame(value, before[field as keyof typeof before]),
    ),
  ) as Partial<Definition>;
  const isStartChosen = wishes.start !== wishesOf(job).start;
  const edited: Definition = {
    ...present,
    ...inOwnZones(
      // What the form has no words for would read like `only by hand`, and stay.
      isStartChosen ? { ...touched, schedule: wanted.schedule } : touched,
      present,
    ),
    // The other mode brings its own retries only where nobody has chosen others.
    retry: isSame(present.retry, before.retry) ? wanted.retry : present.retry,
    sources: sourcesOf(wishes, present.sources),
    gfs: touched.gfs === undefined ? present.gfs : withTiers(touched.gfs, present.gfs),
    ...(wishes.releasesGfs ? { endedGfs: null } : {}),
    rpo: touched.rpo === undefined ? present.rpo : limitsOf(wishes, present.rpo),
  };
  return wishes.timeZone === timeZone ? edited : movedTo(wishes.timeZone, edited);
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
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
  const left = exclude.filter(isLine);
  return {
    include: sources.map(
      (repositoryId) =>
        include.find((entry) => entry.repositoryId === repositoryId) ?? { repositoryId },
    ),
    exclude: isSameText(excluded, left)
      ? exclude
      : [
          ...unshownExclusions(exclude),
          // Each stands for one line: a name and a pattern may read alike.
          ...linesOf(excluded).map((line) => {
            const at = left.findIndex((entry) => textOf(entry) === line);
            return at < 0 ? exclusionOf(line) : left.splice(at, 1)[0]!;
          }),
        ],
  };
}

function isSameText(excluded: string, shown: readonly Exclusion[]): boolean {
  return excluded === shown.map(textOf).join('\n');
}

/** A start and hours that go by clocks of their own keep them: the form has a field for those of the job alone. */
function inOwnZones(touched: Partial<Definition>, present: Definition): Partial<Definition> {
  const { schedule, allowedHours } = touched;
  return {
    ...touched,
    ...(schedule !== undefined && 'timeZone' in schedule && 'timeZone' in present.schedule
      ? { schedule: { ...schedule, timeZone: present.schedule.timeZone } }
      : {}),
    ...(allowedHours && present.allowedHours
      ? { allowedHours: { ...allowedHours, timeZone: present.allowedHours.timeZone } }
      : {}),
  };
}

/** All that goes by the clocks of the job goes by those of the new zone, also what the form has no fields for; what has a zone of its own stays there. */
function movedTo(timeZone: string, job: Definition): Definition {
  const { schedule, allowedHours, healthCheck, compact } = job;
  const moved = <Part extends { readonly timeZone: string }>(part: Part): Part =>
    part.timeZone === job.timeZone ? { ...part, timeZone } : part;
  return {
    ...job,
    timeZone,
    schedule: 'timeZone' in schedule ? moved(schedule) : schedule,
    allowedHours: allowedHours && moved(allowedHours),
    healthCheck: healthCheck && moved(healthCheck),
    compact: compact && moved(compact),
  };
}

/** Zones of its own that the job has for its start or its hours, which the form leaves as they are. */
export function ownZones({ timeZone, schedule, allowedHours }: JobView): {
  readonly start: string | null;
  readonly hours: string | null;
} {
  const other = (zone: string | undefined) =>
    zone === undefined || zone === timeZone ? null : zone;
  return {
    start: other('timeZone' in schedule ? schedule.timeZone : undefined),
    hours: other(allowedHours?.timeZone),
  };
}

/** Those that no line of the form can stand for; they stay as they are. */
export function unshownExclusions(exclude: readonly Exclusion[]): Exclusion[] {
  return exclude.filter((entry) => !isLine(entry));
}

/** Whether a line of text means it: outer spaces and ends of lines are lost there. */
function isLine(entry: Exclusion): boolean {
  const text = textOf(entry);
  return text !== '' && text.trim() === text && !/[\r\n]/.test(text);
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

export function textOf(entry: Exclusion): string {
  return 'workload' in entry ? entry.workload : entry.pattern;
}
