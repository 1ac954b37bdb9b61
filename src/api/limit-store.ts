/** The limits of reading and writing: the argument of a Schedule `limits` that never starts anything. Every worker looks at it, so they hold
 *  everywhere within seconds, and outlive a restart like the jobs. */

import { ScheduleAlreadyRunning, ScheduleNotFoundError, type Client } from '@temporalio/client';
import { NO_LIMIT, type RateLimits } from '../domain/rate-limits.js';
import { CONTROL_TASK_QUEUE } from '../../workflows/messages.js';
import { NEVER } from './job-schedule.js';

const SCHEDULE_ID = 'limits';

export class LimitStore {
  constructor(
    private readonly client: Client,
    /** Of limits that were never set. */
    private readonly timeZone: string,
  ) {}

  async read(): Promise<RateLimits> {
    try {
      const { action } = await this.client.schedule.getHandle(SCHEDULE_ID).describe();
      return (action.args as unknown as [RateLimits])[0];
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
      return { timeZone: this.timeZone, service: NO_LIMIT, repositories: [] };
    }
  }

  async write(limits: RateLimits): Promise<void> {
    const body = {
      spec: NEVER,
      action: {
        type: 'startWorkflow' as const,
        workflowType: SCHEDULE_ID,
        workflowId: SCHEDULE_ID,
        taskQueue: CONTROL_TASK_QUEUE,
        args: [limits],
      },
    };
    const state = { paused: true, note: 'holds the limits, and starts nothing' };
    try {
      await this.client.schedule.create({ ...body, scheduleId: SCHEDULE_ID, state });
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      const handle = this.client.schedule.getHandle(SCHEDULE_ID);
      await handle.update((present) => ({ ...body, state: present.state }));
    }
  }
}
