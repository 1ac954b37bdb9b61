/** When a schedule that is not stored would start its job. */

import { randomUUID } from 'node:crypto';
import type { Client, ScheduleSpec } from '@temporalio/client';
import type { JobSchedule } from '../../domain/jobs/copy-job.js';
import { calendarOf } from '../../domain/schedules/schedule.js';
import { CONTROL_TASK_QUEUE, WORKFLOW_COPY_SESSION } from '../../../workflows/messages.js';
import { isNever } from './job-schedule.js';

/** The next starts as Temporal reckons them, soonest first, at most ten: it is asked by a Schedule that is paused, stands for a moment and starts
 *  nothing, because a calendar of our own might read the same words in another way.
 *  @returns RFC 3339 UTC; empty for a schedule without a calendar */
export async function nextStarts(
  client: Client,
  schedule: JobSchedule,
  nowMs: number,
): Promise<string[]> {
  const spec: ScheduleSpec | null = calendarOf(schedule, nowMs);
  if (spec === null) return [];
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
    const { info } = await handle.describe();
    return info.nextActionTimes.filter((time) => !isNever(time)).map((time) => time.toISOString());
  } finally {
    await handle.delete();
  }
}
