/** A start of a job that was due and did not come. */

import type { Client } from '@temporalio/client';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import { scheduleIdOf } from './job-schedule.js';
import type { KnownJob } from './job-view.js';

/** A start may be so late without a word: a server that restarts, a queue that is long. */
const LATE_MS = 15 * 60_000;

/** No job starts more often than once a minute. */
const FIRST_SPAN_MS = 12 * 60 * 60_000;

/** Marks when a job was enabled, in the note of its Schedule: starts of the time before are none that did not come. */
const ENABLED = 'enabled through the API at ';

/** A job of any kind that a Schedule starts. */
interface ScheduledJob extends Omit<KnownJob, 'job'> {
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
  known: ScheduledJob,
  lastSession: { readonly startedAt: string; readonly state: string } | null,
  nowMs: number,
  scheduleId = scheduleIdOf(known.job.id),
): Promise<string | null> {
  const { job, isPaused, nextActionTimes, skippedStarts, lastActionMs, writtenAtMs, note } = known;
  // A watcher is started again and again; only its job's sessions count.
  if (job.mode === 'immediate' || isPaused) return null;
  if (lastSession !== null && lastSession.state !== 'ended') return null;
  const [next] = nextActionTimes;
  if (next !== undefined && next.getTime() < nowMs - LATE_MS) return next.toISOString();
  if (skippedStarts === 0) return null;
  const startedMs = Date.parse(lastSession?.startedAt ?? '') || 0;
  const fromMs = Math.max(startedMs, lastActionMs, enabledAtMs(note), writtenAtMs) + 1_000;
  const newestMs = await newestMatchMs(client, scheduleId, fromMs, nowMs - LATE_MS);
  return newestMs === null ? null : new Date(newestMs).toISOString();
}

/** The last time of a Schedule within this one. The server lists the first 1,000 of a span: of a short one before its end that is all of them, and only a calendar
 *  with few times needs a longer one. @returns null: there is none */
async function newestMatchMs(
  client: Client,
  scheduleId: string,
  fromMs: number,
  toMs: number,
): Promise<number | null> {
  let endMs = toMs;
  for (let spanMs = FIRST_SPAN_MS; endMs > fromMs; spanMs *= 8) {
    const beginMs = Math.max(fromMs, endMs - spanMs);
    const { startTime } = await client.workflowService.listScheduleMatchingTimes({
      namespace: client.options.namespace,
      scheduleId,
      startTime: timestamp(beginMs),
      endTime: timestamp(endMs),
    });
    const times = (startTime ?? []).map(({ seconds }) => Number(seconds ?? 0) * 1_000);
    if (times.length > 0) return Math.max(...times);
    endMs = beginMs;
  }
  return null;
}

/** 0: its note does not say. */
export function enabledAtMs(note: string | undefined): number {
  return note?.startsWith(ENABLED) === true ? Date.parse(note.slice(ENABLED.length)) || 0 : 0;
}

function timestamp(ms: number): { seconds: never } {
  return { seconds: Math.floor(ms / 1_000) as never };
}
