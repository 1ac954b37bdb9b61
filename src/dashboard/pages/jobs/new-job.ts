/** A job as the form has it, and the definition that it means. Pure. */

import type { JobDefinition } from '../../../api/jobs/job-schemas.js';
import type { JobSchedule } from '../../../domain/schedules/job-schedule.js';
import type { CopyJob, Exclusion } from '../../../domain/jobs/copy-job.js';
import type { RepositoryView } from '../../../api/repositories/repository-schemas.js';
import type { WeeklyHours, WeeklySpan } from '../../../domain/schedules/weekly-hours.js';
import { WEEKDAYS_FROM_MONDAY, type Weekday } from '../../../domain/schedules/day-names.js';

export interface JobWishes {
  readonly name: string;
  /** Repositories that are copied whole. */
  readonly sources: readonly string[];
  /** Names, ids or patterns, one a line; they are left out. */
  readonly excluded: string;
  readonly target: string;
  readonly scope: 'latest' | 'all';
  /** `asIs`: as the job that is edited starts, which the form has no words for. */
  readonly start: 'immediate' | 'daily' | 'weekly' | 'manual' | 'asIs';
  readonly time: string;
  readonly days: readonly Weekday[];
  readonly timeZone: string;
  /** Whether it copies in some hours alone. */
  readonly hasHours: boolean;
  readonly hours: readonly WeeklySpan[];
  readonly retention: 'restorePoints' | 'days';
  readonly keep: number;
  /** 0: none. */
  readonly weekly: number;
  readonly monthly: number;
  readonly yearly: number;
  /** Fulls of tiers that are off may go at once. */
  readonly releasesGfs: boolean;
  /** Hours that the newest copy may be old; 0: no limit. */
  readonly maxCopyAgeHours: number;
  /** Hours that a restore point may wait for its copy; 0: no limit. */
  readonly maxLagHours: number;
  readonly isVerified: boolean;
  /** Of an immediate job: whether it copies the logs of databases, too. */
  readonly copiesLogs: boolean;
}

/** The night, of every day. */
export const FIRST_SPAN: WeeklySpan = { days: WEEKDAYS_FROM_MONDAY, from: '20:00', to: '06:00' };

export const FIRST_WISHES: JobWishes = {
  name: '',
  sources: [],
  excluded: '',
  target: '',
  scope: 'all',
  start: 'daily',
  time: '22:00',
  days: ['saturday'],
  timeZone: 'UTC',
  hasHours: false,
  hours: [FIRST_SPAN],
  retention: 'restorePoints',
  keep: 14,
  weekly: 0,
  monthly: 0,
  yearly: 0,
  releasesGfs: false,
  maxCopyAgeHours: 26,
  maxLagHours: 0,
  isVerified: true,
  copiesLogs: false,
};

/** The form as it is first shown: where there is no choice, it is made. */
export function firstWishes(
  repositories: readonly Pick<RepositoryView, 'id' | 'role'>[],
  timeZone: string,
): JobWishes {
  const only = (role: RepositoryView['role']): string[] => {
    const ids = repositories.filter((each) => each.role === role).map(({ id }) => id);
    return ids.length === 1 ? ids : [];
  };
  const [target = ''] = only('target');
  return { ...FIRST_WISHES, sources: only('primary'), target, timeZone };
}

/** What the page sends, and says in words; the id is the server's, made from the name. */
export type WantedJob = Omit<JobDefinition, 'id'>;

export function wantedJob(wishes: JobWishes): WantedJob {
  const { name, sources, target, scope, start, timeZone, retention, keep } = wishes;
  return {
    name: name.trim(),
    description: '',
    mode: start === 'immediate' ? 'immediate' : 'periodic',
    sources: {
      include: sources.map((repositoryId) => ({ repositoryId })),
      exclude: linesOf(wishes.excluded).map(exclusionOf),
    },
    target: { repositoryId: target },
    restorePoints: scope,
    transactionLogs: start === 'immediate' && wishes.copiesLogs,
    retention: { type: retention, value: keep },
    gfs: gfsOf(wishes),
    timeZone,
    schedule: scheduleOf(wishes),
    missedStarts: 'run',
    allowedHours: hoursOf(wishes),
    retry:
      start === 'immediate'
        ? { attempts: null, pausesMinutes: [1, 5, 15, 60] }
        : { attempts: 3, pausesMinutes: [10] },
    onSourceChainRecreated: 'requireNewJob',
    storage: { digest: 'sha256', verifyAfterCopy: 'cached' },
    healthCheck: wishes.isVerified
      ? { every: 'month', day: 'sunday', time: '05:00', timeZone }
      : null,
    compact: null,
    removedWorkloadsAfterDays: null,
    rpo: limitsOf(wishes, null),
  };
}

/** @param present limits of some workloads stay; the form has no fields for them */
export function limitsOf(wishes: JobWishes, present: CopyJob['rpo']): CopyJob['rpo'] {
  const maxCopyAgeHours = wishes.maxCopyAgeHours > 0 ? wishes.maxCopyAgeHours : null;
  const maxLagHours = wishes.maxLagHours > 0 ? wishes.maxLagHours : null;
  const workloads = present?.workloads ?? [];
  return maxCopyAgeHours === null && maxLagHours === null && workloads.length === 0
    ? null
    : { maxCopyAgeHours, maxLagHours, workloads };
}

export function exclusionOf(line: string): Exclusion {
  return /[*?]/.test(line) ? { pattern: line } : { workload: line };
}

export function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function scheduleOf({ start, time, days, timeZone }: JobWishes): JobSchedule {
  if (start === 'daily') return { type: 'daily', time, timeZone };
  if (start === 'weekly') return { type: 'weekly', days, time, timeZone };
  return { type: 'manual' };
}

function hoursOf({ hasHours, hours, timeZone }: JobWishes): WeeklyHours | null {
  return hasHours ? { timeZone, spans: hours } : null;
}

function gfsOf({ weekly, monthly, yearly }: JobWishes): CopyJob['gfs'] {
  if (weekly + monthly + yearly === 0) return null;
  return {
    weekly: weekly > 0 ? { keep: weekly, day: 'sunday' } : null,
    monthly: monthly > 0 ? { keep: monthly, week: 'first' } : null,
    yearly: yearly > 0 ? { keep: yearly, month: 'january' } : null,
    fullMethod: 'synthetic',
  };
}

/** What is missing before the job can be made; empty: nothing. */
export function missingOf(wishes: JobWishes): string[] {
  const { name, sources, target, start, days, hasHours, hours } = wishes;
  return [
    ...(name.trim() === '' ? ['a name'] : []),
    ...(sources.length === 0 ? ['a source'] : []),
    ...(target === '' ? ['a target'] : []),
    ...(start === 'weekly' && days.length === 0 ? ['a day of the week'] : []),
    ...(hasHours && hours.length === 0 ? ['hours in which it may copy'] : []),
    ...(hasHours && hours.some((span) => span.days.length === 0)
      ? ['a day on which it may copy']
      : []),
  ];
}
