import { workflowInfo } from '@temporalio/workflow';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import type { PingEvent } from '../../src/domain/notices/notification-channel.js';
import { pingActivities } from '../activity-profiles.js';

/** Tells the check of a job, when it has one, what this session or run of it does. Never rejects: whom it does not reach notices that by itself, which is what it
 *  is there for, and nobody waits for the call of the start.
 *  @param settings null: they were not read */
export async function tellCheck(
  settings: Pick<CopySettings, 'pingedJobs'> | null,
  jobId: string,
  event: PingEvent,
  text: string,
): Promise<void> {
  if (settings?.pingedJobs?.includes(jobId) !== true) return;
  const told = { jobId, event, runId: workflowInfo().firstExecutionRunId, text };
  try {
    await pingActivities.pingJob.executeWithOptions({ summary: `tell its check: ${event}` }, [
      told,
    ]);
  } catch {
    // Also a stop: whoever is stopped learns of it where it works.
  }
}
