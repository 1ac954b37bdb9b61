/** A job as a Temporal Schedule: the definition is the argument of the Schedule's action, the calendar its specification. */

import {
  ScheduleOverlapPolicy,
  type ScheduleOptions,
  type ScheduleOptionsStartWorkflowAction,
  type ScheduleSpec,
  type ScheduleSummary,
  type ScheduleUpdateOptions,
} from '@temporalio/client';
import type { SearchAttributePair, Workflow } from '@temporalio/common';
import type { CopyJob, MissedStarts } from '../../domain/jobs/copy-job.js';
import { placeWithin } from '../../domain/schedules/own-turn.js';
import { calendarOf } from '../../domain/schedules/schedule.js';
import {
  AFTER_JOB,
  JOB_ID,
  JOB_NAME,
  JOB_VERSION,
  CONTROL_TASK_QUEUE,
  WORKFLOW_COPY_SESSION,
  WORKFLOW_WATCH_SOURCES,
  type CopySessionInput,
  type SessionMemo,
} from '../../../workflows/messages.js';

/** What carries a definition: the argument of a Schedule's action. */
export interface Carrier {
  readonly scheduleId: string;
  readonly action: { readonly args?: readonly unknown[] | undefined };
}

const SCHEDULE_PREFIX = 'job/';

const NEVER_YEAR = 2100;

/** A Schedule without a future time is deleted by the server after 7 idle days (temporalio/temporal, schedule retention). */
export const NEVER: ScheduleSpec = {
  calendars: [
    { year: NEVER_YEAR, month: 'JANUARY', dayOfMonth: 1, hour: 0, comment: 'started by hand' },
  ],
};

/** One watcher always runs: a new one starts at the next of these times after the last one ended. Each job has its own place among them: Temporal counts
 *  intervals from 1970, and would ask for all watchers in one moment. */
function watchSpec(jobId: string): ScheduleSpec {
  const offsetSeconds = placeWithin(jobId, WATCH_EVERY_SECONDS);
  return { intervals: [{ every: WATCH_EVERY_SECONDS * 1_000, offset: offsetSeconds * 1_000 }] };
}

const WATCH_EVERY_SECONDS = 300;

/** How late a start may still happen after a downtime. Those of a time in between that a session has made up for are skipped, because it runs. A year is the longest
 *  that Temporal takes; an hour is what a restart or an upgrade of the service may take without that a start is left out. */
const CATCHUP_WINDOW: Readonly<Record<MissedStarts, '365d' | '1h'>> = { run: '365d', skip: '1h' };

/** One session at a time, and for one that was missed what the job says. */
export function policiesOf(job: Pick<CopyJob, 'missedStarts'>): ScheduleUpdateOptions['policies'] {
  return {
    overlap: ScheduleOverlapPolicy.SKIP,
    catchupWindow: CATCHUP_WINDOW[job.missedStarts],
  };
}

/** Of the Schedules of file-backup jobs. */
export const FILE_BACKUP_PREFIX = 'file-backup/';

export function scheduleIdOf(jobId: string): string {
  return `${SCHEDULE_PREFIX}${jobId}`;
}

/** null for a Schedule that is no job's. */
export function jobIdOfSchedule(scheduleId: string): string | null {
  return scheduleId.startsWith(SCHEDULE_PREFIX) ? scheduleId.slice(SCHEDULE_PREFIX.length) : null;
}

export function isNever(instant: Date): boolean {
  return instant.getUTCFullYear() >= NEVER_YEAR;
}

export function searchAttributesOf(job: CopyJob): SearchAttributePair[] {
  return [
    { key: JOB_ID, value: job.id },
    { key: JOB_NAME, value: job.name },
  ];
}

/** Those of the Schedule itself also tell which job it waits for (the empty text takes an earlier answer back), and which definition it carries: lists
 *  have the attributes and not the definition. A job that was deleted and made anew has its first revision again, so the time of the write belongs to it. */
function scheduleAttributesOf(job: CopyJob, nowMs: number): SearchAttributePair[] {
  const predecessor = job.schedule.type === 'afterJob' ? job.schedule.jobId : '';
  return [
    ...searchAttributesOf(job),
    { key: AFTER_JOB, value: predecessor },
    versionAttribute(job, nowMs),
  ];
}

/** Which definition a Schedule carries that is written now, for `versionOf`. */
export function versionAttribute(
  { revision }: { readonly revision: number },
  nowMs: number,
): SearchAttributePair {
  return { key: JOB_VERSION, value: `${revision} ${new Date(nowMs).toISOString()}` };
}

/** Of the definition that a Schedule carries, never the same for two; null: it does not say. */
export function versionOf({
  typedSearchAttributes,
}: Pick<ScheduleSummary, 'typedSearchAttributes'>): string | null {
  return typedSearchAttributes?.get(JOB_VERSION) ?? null;
}

/** What an update of the Schedule replaces. Everything is named: a policy left out would fall back to the server's default. */
export function scheduleBodyOf(
  job: CopyJob,
  nowMs: number,
): Pick<ScheduleUpdateOptions, 'spec' | 'policies' | 'typedSearchAttributes' | 'action'> {
  return {
    spec: job.mode === 'immediate' ? watchSpec(job.id) : (calendarOf(job.schedule, nowMs) ?? NEVER),
    policies: policiesOf(job),
    typedSearchAttributes: scheduleAttributesOf(job, nowMs),
    action: actionOf(job),
  };
}

export function scheduleOf(job: CopyJob, nowMs: number, isPaused: boolean): ScheduleOptions {
  const state = isPaused ? { state: { paused: true, note: 'made disabled' } } : {};
  return { ...scheduleBodyOf(job, nowMs), scheduleId: scheduleIdOf(job.id), ...state };
}

/** The server appends `-<nominal start>` to the workflow id. */
function actionOf(job: CopyJob): ScheduleOptionsStartWorkflowAction<Workflow> {
  const isWatched = job.mode === 'immediate';
  const trigger = isWatched ? 'watch' : 'schedule';
  const input: CopySessionInput = { job, trigger };
  const memo: SessionMemo = { trigger };
  return {
    type: 'startWorkflow',
    workflowType: isWatched ? WORKFLOW_WATCH_SOURCES : WORKFLOW_COPY_SESSION,
    workflowId: `${isWatched ? 'watch' : 'session'}/${job.id}`,
    taskQueue: CONTROL_TASK_QUEUE,
    args: [input],
    memo: { ...memo },
    typedSearchAttributes: searchAttributesOf(job),
    staticSummary: job.name,
  };
}
