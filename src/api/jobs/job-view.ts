/** What a client sees of a job, from its Schedule and its sessions. */

import type { ScheduleSummary } from '@temporalio/client';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import {
  JOB_NAME,
  WORKFLOW_WATCH_SOURCES,
  type CopySessionInput,
} from '../../../workflows/messages.js';
import type { JobOutcome } from '../../domain/sessions/job-outcome.js';
import { isNever, type Carrier } from './job-schedule.js';
import type { JobView, UnreadJob } from './job-schemas.js';
import { toProblem } from '../problem.js';
import type { LatestSessions } from '../sessions/latest-sessions.js';

export function definitionOf({ action, scheduleId }: Carrier): CopyJob {
  const [input] = (action.args ?? []) as CopySessionInput[];
  if (input === undefined) throw new Error(`schedule ${scheduleId} carries no job definition`);
  return input.job;
}

/** What Temporal tells of a job. */
export interface KnownJob {
  readonly job: CopyJob;
  readonly isPaused: boolean;
  /** Ascending. */
  readonly nextActionTimes: readonly Date[];
  readonly skippedStarts: number;
  /** When its Schedule last started something; 0: never. A session may be longer ago than Temporal remembers. */
  readonly lastActionMs: number;
  readonly createdAtMs: number;
  /** When it was made, or its definition last changed. */
  readonly writtenAtMs: number;
  /** Of its Schedule. */
  readonly note: string | undefined;
}

/** @param missedAt as `missedStartAt` finds it
 *  @param outcome of its sessions */
export function viewOf(
  { job, isPaused, nextActionTimes, skippedStarts }: KnownJob,
  sessions: LatestSessions | null,
  missedAt: string | null,
  outcome: JobOutcome | null,
): JobView {
  const undecidedSessionId = outcome?.undecided?.id ?? null;
  const hasCalendar = job.mode === 'periodic' && !isPaused;
  return {
    ...job,
    state: isPaused ? 'disabled' : undecidedSessionId !== null ? 'actionRequired' : 'enabled',
    nextRunAt: hasCalendar ? nextRunAt({ nextActionTimes }) : null,
    lastSession: sessions?.newest ?? null,
    undecidedSessionId,
    nextTryAt: isPaused ? null : (sessions?.newest.nextTryAt ?? null),
    skippedStarts,
    missedStartAt: missedAt,
  };
}

/** Of a job whose Schedule could not be read: what the list of Schedules, which may be a moment old, and its sessions tell. */
export function unreadViewOf(
  id: string,
  { action, state, info, typedSearchAttributes }: ScheduleSummary,
  sessions: LatestSessions | null,
  error: unknown,
): UnreadJob {
  const mode = action?.workflowType === WORKFLOW_WATCH_SOURCES ? 'immediate' : 'periodic';
  return {
    id,
    name: typedSearchAttributes?.get(JOB_NAME) ?? null,
    mode,
    state: 'unknown',
    paused: state.paused,
    nextRunAt: mode === 'periodic' && !state.paused ? nextRunAt(info) : null,
    lastSession: sessions?.newest ?? null,
    reason: toProblem(error).detail,
  };
}

/** null: none, or none that lies ahead. */
function nextRunAt({ nextActionTimes: [next] }: { nextActionTimes: readonly Date[] }) {
  return next !== undefined && !isNever(next) ? next.toISOString() : null;
}
