/** The health check of a job: a Schedule `health/<jobId>` beside the job's own, there as long as the job asks for one. */

import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type Client,
  type ScheduleUpdateOptions,
} from '@temporalio/client';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import { maintenanceCalendarOf } from '../../domain/schedules/schedule.js';
import {
  CONTROL_TASK_QUEUE,
  WORKFLOW_VERIFY,
  type VerifyInput,
} from '../../../workflows/messages.js';
import { policiesOf } from './job-schedule.js';

export class HealthSchedules {
  readonly #client: Client;
  readonly #now: () => number;

  constructor(client: Client, now: () => number) {
    this.#client = client;
    this.#now = now;
  }

  /** Makes the Schedule what the definition says; a repeat changes nothing. */
  async put(job: CopyJob, isPaused: boolean): Promise<void> {
    const body = scheduleBodyOf(job, this.#now());
    if (body === null) return this.remove(job.id);
    const scheduleId = scheduleIdOf(job.id);
    const state = { paused: isPaused };
    try {
      await this.#client.schedule.create({ ...body, scheduleId, state });
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      const handle = this.#client.schedule.getHandle(scheduleId);
      await handle.update((present) => ({ ...body, state: { ...present.state, ...state } }));
    }
  }

  async remove(jobId: string): Promise<void> {
    try {
      await this.#client.schedule.getHandle(scheduleIdOf(jobId)).delete();
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
    }
  }
}

function scheduleIdOf(jobId: string): string {
  return `health/${jobId}`;
}

/** null: the job has no health check. */
function scheduleBodyOf(
  job: CopyJob,
  nowMs: number,
): Pick<ScheduleUpdateOptions, 'spec' | 'policies' | 'action'> | null {
  if (job.healthCheck === null) return null;
  const { repositoryId } = job.target;
  const input: VerifyInput = { repositoryId, restorePointId: null, jobId: job.id };
  return {
    spec: maintenanceCalendarOf(job.healthCheck, nowMs),
    policies: policiesOf(job),
    action: {
      type: 'startWorkflow',
      workflowType: WORKFLOW_VERIFY,
      // The server appends `-<nominal start>`.
      workflowId: `verify/${repositoryId}/${job.id}`,
      taskQueue: CONTROL_TASK_QUEUE,
      args: [input],
      staticSummary: `${job.name}: health check`,
    },
  };
}
