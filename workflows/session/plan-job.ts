import { proxyActivities } from '@temporalio/workflow';
import type { SessionActivities } from '../../activities/session/session-activities.js';
import type { CopyJob } from '../../src/domain/jobs/copy-job.js';
import type { JobPlan } from '../../src/domain/sessions/operation.js';
import { lookTaskQueue, type PlanJobInput, type ReadJobDefinitionInput } from '../messages.js';

/** Someone waits for these answers, so nothing is tried for long. */
function askedActivities(repositoryId: string) {
  return proxyActivities<SessionActivities>({
    taskQueue: lookTaskQueue(repositoryId),
    startToCloseTimeout: '2m',
    scheduleToStartTimeout: '15s',
    retry: { maximumAttempts: 2, nonRetryableErrorTypes: ['PayloadsTooLarge'] },
  });
}

/** What a session of the job would do now. */
export async function planJob({ job, after }: PlanJobInput): Promise<JobPlan> {
  return askedActivities(job.target.repositoryId).planJob.executeWithOptions(
    { summary: `${job.name}: plan` },
    [{ job, nowMs: Date.now(), after: after ?? null }],
  );
}

/** The definition of a job as it lies beside its data. */
export async function readJobDefinition(input: ReadJobDefinitionInput): Promise<CopyJob> {
  return askedActivities(input.repositoryId).readJobDefinition.executeWithOptions(
    { summary: `${input.repositoryId}: read the definition of ${input.jobId}` },
    [input],
  );
}
