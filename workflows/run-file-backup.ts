import { executeChild, proxyActivities, setCurrentDetails, upsertMemo } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { FileBackupActivities } from '../activities/file-backup-activities.js';
import type { CopyJob } from '../src/domain/jobs/copy-job.js';
import { sessionIdOfWorkflow, sessionWorkflowId } from '../src/domain/sessions/copy-session.js';
import type { CopySettings } from '../src/domain/jobs/copy-settings.js';
import {
  copyJobId,
  missingCopies,
  startOf,
  type FileBackupJob,
} from '../src/domain/jobs/file-backup-job.js';
import { controlActivities } from './activity-profiles.js';
import { copySession } from './copy-session.js';
import { isStop, reasonOf } from './failures.js';
import {
  CONTROL_TASK_QUEUE,
  JOB_ID,
  repositoryTaskQueue,
  type FileBackupOutcome,
  type FileBackupRunInput,
} from './messages.js';

/** One run of a file-backup job: the primary backup, when the job has one, then the copies to all secondary targets that follow it, side by side.
 *  Each copy is a session of its own; hours that it waits for, and what fails in it, hold up no other. What the primary backup did not make
 *  is not copied: after one that failed nothing follows. */
export async function runFileBackup({ job }: FileBackupRunInput): Promise<FileBackupOutcome> {
  const settings = await controlActivities.readCopySettings.executeWithOptions(
    { summary: 'read settings' },
    [],
  );
  let primary: Omit<FileBackupOutcome, 'sessions'>;
  try {
    primary = await backUp(job, settings);
  } catch (error) {
    if (isStop(error)) throw error;
    return tell({ result: 'failed', reason: reasonOf(error), snapshot: null, sessions: [] });
  }
  const { copies, missing } = await copiesToFollow(job, settings);
  const startMs = Date.now();
  tell({ ...primary, sessions: copies.map(({ id }) => sessionIdOf(id, startMs)) }, false);
  setCurrentDetails(`Copying to ${copies.map(({ target }) => target.repositoryId).join(', ')}`);
  const ends = await Promise.all(copies.map((copy) => copyTo(copy, startMs)));
  const faults = [...missing, ...ends.filter((end) => end !== null)];
  return tell({
    ...primary,
    result: faults.length > 0 ? 'warning' : primary.result,
    reason: [primary.reason, ...faults].filter((text) => text !== null).join('; ') || null,
    sessions: copies.map(({ id }) => sessionIdOf(id, startMs)),
  });
}

/** @throws what the program ends with */
async function backUp(
  { primaryBackup, source: { repositoryId } }: FileBackupJob,
  settings: CopySettings,
): Promise<Omit<FileBackupOutcome, 'sessions'>> {
  if (primaryBackup === null) return { result: 'success', reason: null, snapshot: null };
  setCurrentDetails(`Primary backup **${primaryBackup}**`);
  const { runPrimaryBackup } = proxyActivities<FileBackupActivities>({
    taskQueue: repositoryTaskQueue(repositoryId),
    startToCloseTimeout: '7d',
    heartbeatTimeout: settings.heartbeatTimeoutMs,
    // A repeat finds the snapshot of an attempt whose answer was lost. What fails three times waits for the next run.
    retry: { initialInterval: '10s', maximumInterval: '5m', maximumAttempts: 3 },
  });
  const { snapshot, warning } = await runPrimaryBackup.executeWithOptions(
    { summary: `primary backup ${primaryBackup}` },
    [{ primaryBackup }],
  );
  return { result: warning === null ? 'success' : 'warning', reason: warning, snapshot };
}

/** The copy jobs as they are now.
 *  @returns `missing`: what is told of those that are gone or disabled, or have become somebody else's */
async function copiesToFollow(
  job: FileBackupJob,
  settings: CopySettings,
): Promise<{ readonly copies: CopyJob[]; readonly missing: string[] }> {
  const { readEnabledJobs } = proxyActivities<FileBackupActivities>({
    taskQueue: CONTROL_TASK_QUEUE,
    startToCloseTimeout: '30s',
    retry: { initialInterval: settings.retryIntervalMs, maximumInterval: '10s' },
  });
  const targets = job.secondaryTargets.filter((target) => startOf(job, target) !== 'schedule');
  if (targets.length === 0) return { copies: [], missing: [] };
  const jobIds = targets.map(({ repositoryId }) => copyJobId(job.id, repositoryId));
  const copies = await readEnabledJobs.executeWithOptions({ summary: 'read the copy jobs' }, [
    { jobIds, fileBackupJobId: job.id },
  ]);
  return { copies, missing: missingCopies(job, copies) };
}

/** @returns what is wrong with it; null: nothing */
async function copyTo(copy: CopyJob, startMs: number): Promise<string | null> {
  const { repositoryId } = copy.target;
  try {
    const { result, reason } = await executeChild(copySession, {
      workflowId: sessionWorkflowId(copy.id, startMs),
      taskQueue: CONTROL_TASK_QUEUE,
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      memo: { trigger: 'afterJob' },
      typedSearchAttributes: [{ key: JOB_ID, value: copy.id }],
      staticSummary: copy.name,
      staticDetails: `Copies to repository ${repositoryId}, after the primary backup.`,
      args: [{ job: copy, trigger: 'afterJob' }],
    });
    const isWell = result === 'success' || result === 'nothingToCopy';
    return isWell ? null : `copy to ${repositoryId}: ${reason ?? result}`;
  } catch (error) {
    if (isStop(error)) throw error;
    // Somebody started it in the same second: that session copies the same.
    if (error instanceof WorkflowExecutionAlreadyStartedError) return null;
    return `copy to ${repositoryId}: ${reasonOf(error)}`;
  }
}

function sessionIdOf(copyJob: string, startMs: number): string {
  return sessionIdOfWorkflow(sessionWorkflowId(copyJob, startMs));
}

/** For lists, which ask no worker. */
function tell(outcome: FileBackupOutcome, hasEnded = true): FileBackupOutcome {
  const { result, reason, snapshot, sessions } = outcome;
  upsertMemo({ snapshot, sessions, ...(hasEnded ? { result, reason } : {}) });
  return outcome;
}
