import {
  CancellationScope,
  executeChild,
  ParentClosePolicy,
  patched,
  proxyActivities,
  setCurrentDetails,
  sleep,
  startChild,
  upsertMemo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { FileBackupActivities } from '../../activities/session/file-backup-activities.js';
import type { CopyJob } from '../../src/domain/jobs/copy-job.js';
import { sessionIdOfWorkflow, sessionWorkflowId } from '../../src/domain/sessions/copy-session.js';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import {
  copyJobId,
  missingCopies,
  startOf,
  type FileBackupJob,
} from '../../src/domain/jobs/file-backup-job.js';
import type { PingEvent } from '../../src/domain/notices/notification-channel.js';
import { pingOfRun } from '../../src/domain/notices/session-check.js';
import { controlActivities } from '../activity-profiles.js';
import { copySession } from './copy-session.js';
import { codeOf, isStop, reasonOf } from '../failures.js';
import { tellCheck } from './job-check.js';
import {
  CONTROL_TASK_QUEUE,
  JOB_ID,
  repositoryTaskQueue,
  type CopySessionInput,
  type FileBackupOutcome,
  type FileBackupRunInput,
} from '../messages.js';

/** A copy that waits for its hours, or takes days, keeps no primary backup from being made. */
const COPIES_GO_ON = 'runFileBackup-20261127-copies-go-on';

/** Earlier builds told no check. */
const TELLS_CHECK = 'runFileBackup-20261127-tells-check';

/** One run of a file-backup job: the primary backup, when the job has one, then the start of the copies to all secondary targets that follow it. Each
 *  copy is a session of its own, which outlives the run and tells itself how it ends; one that still waits for its hours takes what the run has made.
 *  What the primary backup did not make is not copied: after one that failed nothing follows. Whatever fails, the run says so. */
export async function runFileBackup({ job }: FileBackupRunInput): Promise<FileBackupOutcome> {
  let settings: CopySettings | null = null;
  const check = (event: PingEvent, text: string): Promise<void> =>
    settings?.pingedJobs?.includes(job.id) === true && patched(TELLS_CHECK)
      ? tellCheck(settings, job.id, event, text)
      : Promise.resolve();
  let primary: Omit<FileBackupOutcome, 'sessions'>;
  try {
    settings = await controlActivities.readCopySettings.executeWithOptions(
      { summary: 'read settings' },
      [],
    );
    void check('start', '');
    primary = await backUp(job, settings);
  } catch (error) {
    const reason = isStop(error) ? 'the run was stopped' : reasonOf(error);
    await CancellationScope.nonCancellable(() => check('fail', reason));
    if (isStop(error)) throw error;
    return tell({ result: 'failed', reason, snapshot: null, sessions: [] });
  }
  const outcome = await copiesAfter(primary, job, settings);
  const { result, reason, sessions } = outcome;
  const isEachCopyBegun = sessions.length >= targetsToFollow(job).length;
  await check(pingOfRun(result, isEachCopyBegun), reason ?? result);
  return outcome;
}

async function copiesAfter(
  primary: Omit<FileBackupOutcome, 'sessions'>,
  job: FileBackupJob,
  settings: CopySettings,
): Promise<FileBackupOutcome> {
  try {
    const { copies, missing } = await copiesToFollow(job, settings);
    if (patched(COPIES_GO_ON)) return await startCopies(primary, copies, missing, settings);
    return await copyAll(primary, copies, missing);
  } catch (error) {
    if (isStop(error)) throw error;
    const reason = [primary.reason, `its copies were not begun: ${reasonOf(error)}`];
    const text = reason.filter((part) => part !== null).join('; ');
    return tell({ ...primary, result: 'warning', reason: text, sessions: [] });
  }
}

/** Of a run that an earlier build began: it waits for its copies. */
async function copyAll(
  primary: Omit<FileBackupOutcome, 'sessions'>,
  copies: readonly CopyJob[],
  missing: readonly string[],
): Promise<FileBackupOutcome> {
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

async function startCopies(
  primary: Omit<FileBackupOutcome, 'sessions'>,
  copies: readonly CopyJob[],
  missing: readonly string[],
  settings: CopySettings,
): Promise<FileBackupOutcome> {
  const faults = [...missing];
  const sessions: string[] = [];
  const waiting = copies.length === 0 ? {} : await waitingSessions(copies, settings);
  for (const copy of copies) {
    try {
      sessions.push(waiting[copy.id] ?? (await startCopy(copy)));
    } catch (error) {
      if (isStop(error)) throw error;
      faults.push(`copy to ${copy.target.repositoryId}: ${reasonOf(error)}`);
    }
  }
  return tell({
    ...primary,
    result: faults.length > 0 ? 'warning' : primary.result,
    reason: [primary.reason, ...faults].filter((text) => text !== null).join('; ') || null,
    sessions,
  });
}

/** Of each copy job the session that has not begun to look, because its hours have not come. */
function waitingSessions(
  copies: readonly CopyJob[],
  { retryIntervalMs }: CopySettings,
): Promise<Readonly<Record<string, string>>> {
  const { readWaitingSessions } = proxyActivities<FileBackupActivities>({
    taskQueue: CONTROL_TASK_QUEUE,
    startToCloseTimeout: '1m',
    retry: { initialInterval: retryIntervalMs, maximumInterval: '10s' },
  });
  const jobIds = copies.map(({ id }) => id);
  return readWaitingSessions.executeWithOptions({ summary: 'which copies wait for their hours' }, [
    { jobIds },
  ]);
}

/** @returns the id of the session */
async function startCopy(copy: CopyJob): Promise<string> {
  for (;;) {
    const workflowId = sessionWorkflowId(copy.id, Date.now());
    try {
      await startChild(copySession, {
        ...copySessionOptions(copy),
        workflowId,
        parentClosePolicy: ParentClosePolicy.ABANDON,
      });
      return sessionIdOfWorkflow(workflowId);
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      // Somebody else's of the same second may have looked before the backup was there.
      await sleep(1_000);
    }
  }
}

function copySessionOptions(copy: CopyJob) {
  return {
    taskQueue: CONTROL_TASK_QUEUE,
    workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
    memo: { trigger: 'afterJob' },
    typedSearchAttributes: [{ key: JOB_ID, value: copy.id }],
    staticSummary: copy.name,
    staticDetails: `Copies to repository ${copy.target.repositoryId}, after the primary backup.`,
    args: [{ job: copy, trigger: 'afterJob' as const }] as [CopySessionInput],
  };
}

/** What the program itself ended with so often waits for the next run. */
const PROGRAM_TRIES = 3;
const PROGRAM_PAUSE_MS = 10_000;
/** With the pauses between them more than an hour. */
const WORKER_TRIES = 20;
/** Earlier builds counted workers that ended as well. */
const COUNTS_PROGRAM = 'runFileBackup-20261127-counts-program';

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
    scheduleToCloseTimeout: '7d',
    heartbeatTimeout: settings.heartbeatTimeoutMs,
    // A repeat finds the snapshot of an attempt whose answer was lost. A worker that ends, which counts as an attempt, is no fault of the backup,
    // unless it ends by every one.
    retry: {
      maximumAttempts: WORKER_TRIES,
      initialInterval: '10s',
      maximumInterval: '5m',
      nonRetryableErrorTypes: ['PRIMARY_BACKUP_FAILED'],
    },
  });
  for (let tries = 1; ; tries++) {
    try {
      const { snapshot, warning } = await runPrimaryBackup.executeWithOptions(
        { summary: `primary backup ${primaryBackup}` },
        [{ primaryBackup }],
      );
      return { result: warning === null ? 'success' : 'warning', reason: warning, snapshot };
    } catch (error) {
      const mayBeTried = codeOf(error) === 'PRIMARY_BACKUP_FAILED' && tries < PROGRAM_TRIES;
      if (isStop(error) || !mayBeTried || !patched(COUNTS_PROGRAM)) throw error;
      await sleep(tries * PROGRAM_PAUSE_MS);
    }
  }
}

function targetsToFollow(job: FileBackupJob): FileBackupJob['secondaryTargets'] {
  return job.secondaryTargets.filter((target) => startOf(job, target) !== 'schedule');
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
  const targets = targetsToFollow(job);
  if (targets.length === 0) return { copies: [], missing: [] };
  const jobIds = targets.map(({ repositoryId }) => copyJobId(job.id, repositoryId));
  const copies = await readEnabledJobs.executeWithOptions({ summary: 'read the copy jobs' }, [
    { jobIds, fileBackupJobId: job.id },
  ]);
  return { copies, missing: missingCopies(job, copies) };
}

/** Of a run that an earlier build began. @returns what is wrong with it; null: nothing */
async function copyTo(copy: CopyJob, startMs: number): Promise<string | null> {
  const { repositoryId } = copy.target;
  try {
    const { result, reason } = await executeChild(copySession, {
      ...copySessionOptions(copy),
      workflowId: sessionWorkflowId(copy.id, startMs),
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
