/** When a schedule that is not stored would start its job. */

import { randomUUID } from 'node:crypto';
import type { Client, ScheduleHandle, ScheduleSpec } from '@temporalio/client';
import { msToTs, requiredTsToMs } from '@temporalio/common/lib/time.js';
import type { JobSchedule } from '../../domain/schedules/job-schedule.js';
import { calendarOf } from '../../domain/schedules/schedule.js';
import { CONTROL_TASK_QUEUE, WORKFLOW_COPY_SESSION } from '../../../workflows/messages.js';
import { isNever } from '../jobs/job-schedule.js';

/** The next starts as Temporal reckons them, soonest first, at most ten.
 *  @returns RFC 3339 UTC; empty for a schedule without a calendar */
export async function nextStarts(
  client: Client,
  schedule: JobSchedule,
  nowMs: number,
): Promise<string[]> {
  const times = await askOf(client, schedule, nowMs, async (handle) => {
    const { info } = await handle.describe();
    return info.nextActionTimes.filter((time) => !isNever(time)).map((time) => time.toISOString());
  });
  return times ?? [];
}

/** So many times at most are in one answer of Temporal, which does not tell that there are more (temporalio/temporal, `maxListMatchingTimesCount`). */
const MATCHING_TIMES = 1_000;

/** The starts of a span as Temporal reckons them, soonest first: all of them, or so many that there are `enough`.
 *  @returns epoch milliseconds; null for a schedule without a calendar */
export async function startsBetween(
  client: Client,
  schedule: JobSchedule,
  {
    fromMs,
    toMs,
    enough,
  }: { readonly fromMs: number; readonly toMs: number; readonly enough: number },
): Promise<number[] | null> {
  return askOf(client, schedule, fromMs, async ({ scheduleId }) => {
    const starts: number[] = [];
    while (starts.length < enough) {
      const lastMs = starts.at(-1) ?? fromMs;
      const { startTime } = await client.workflowService.listScheduleMatchingTimes({
        namespace: client.options.namespace,
        scheduleId,
        startTime: msToTs(lastMs),
        endTime: msToTs(toMs),
      });
      const times = startTime.map((time) => requiredTsToMs(time, 'startTime'));
      starts.push(...times.filter((ms) => ms > lastMs));
      if (times.length < MATCHING_TIMES) break;
    }
    return starts;
  });
}

/** Temporal is asked by a Schedule that is paused, stands for a moment and starts nothing, because a calendar of our own might read the same words in another
 *  way. @returns null for a schedule without a calendar */
async function askOf<T>(
  client: Client,
  schedule: JobSchedule,
  nowMs: number,
  ask: (handle: ScheduleHandle) => Promise<T>,
): Promise<T | null> {
  const spec: ScheduleSpec | null = calendarOf(schedule, nowMs);
  if (spec === null) return null;
  const handle = await client.schedule.create({
    scheduleId: `preview/${randomUUID()}`,
    // Without the lateness that spreads the starts of many jobs.
    spec: { ...spec, jitter: 0 },
    action: {
      type: 'startWorkflow',
      workflowType: WORKFLOW_COPY_SESSION,
      taskQueue: CONTROL_TASK_QUEUE,
      args: [],
    },
    state: { paused: true, note: 'a preview: it starts nothing and may be deleted' },
  });
  try {
    return await ask(handle);
  } finally {
    await handle.delete();
  }
}
