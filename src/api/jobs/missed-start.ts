/** A start of a job that was due and did not come. */

import type { Client } from '@temporalio/client';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import { scheduleIdOf } from './job-schedule.js';
import type { KnownJob } from './job-view.js';

/** A start may be so late without a word: a server that restarts, a queue that is long. */
const LATE_MS = 15 * 60_000;

/** Marks when a job was enabled, in the note of its Schedule: starts of the time before are none that did not come. */
const ENABLED = 'enabled through the API at ';

/** A job of any kind that a Schedule starts. */
export interface ScheduledJob extends Omit<KnownJob, 'job'> {
  readonly job: Pick<CopyJob, 'id' | 'mode'>;
}

export function enabledNote(nowMs: number): string {
  return `${ENABLED}${new Date(nowMs).toISOString()}`;
}

/** The newest one since the last session. What the Schedule's calendar says is asked of Temporal itself, and only where it has counted starts
 *  that were left out.
 *  @returns RFC 3339 UTC; null: none */
export async function missedStartAt(
  client: Client,
  { job, isPaused, nextActionTimes, skippedStarts, writtenAtMs, note }: ScheduledJob,
  lastSession: { readonly startedAt: string; readonly state: string } | null,
  nowMs: number,
  scheduleId = scheduleIdOf(job.id),
): Promise<string | null> {
  // A watcher is started again and again; only its job's sessions count.
  if (job.mode === 'immediate' || isPaused) return null;
  if (lastSession !== null && lastSession.state !== 'ended') return null;
  const [next] = nextActionTimes;
  if (next !== undefined && next.getTime() < nowMs - LATE_MS) return next.toISOString();
  if (skippedStarts === 0) return null;
  const startedMs = Date.parse(lastSession?.startedAt ?? '') || 0;
  const fromMs = Math.max(startedMs, enabledAtMs(note), writtenAtMs) + 1_000;
  if (fromMs >= nowMs - LATE_MS) return null;
  const { startTime } = await client.workflowService.listScheduleMatchingTimes({
    namespace: client.options.namespace,
    scheduleId,
    startTime: timestamp(fromMs),
    endTime: timestamp(nowMs - LATE_MS),
  });
  const times = (startTime ?? []).map(({ seconds }) => Number(seconds ?? 0) * 1_000);
  return times.length === 0 ? null : new Date(Math.max(...times)).toISOString();
}

/** 0: its note does not say. */
export function enabledAtMs(note: string | undefined): number {
  return note?.startsWith(ENABLED) === true ? Date.parse(note.slice(ENABLED.length)) || 0 : 0;
}

function timestamp(ms: number): { seconds: never } {
  return { seconds: Math.floor(ms / 1_000) as never };
}
