import type { CopyJob } from '../../src/domain/jobs/copy-job.js';
import type { CopySession, CopyTask } from '../../src/domain/sessions/copy-session.js';
import type { KeptAnswers } from '../../src/domain/sessions/kept-answers.js';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import { BackupError, isBackupError } from '../../src/domain/errors.js';
import type { RetryOrder, SessionEnd } from '../../src/domain/schedules/retry.js';
import type { JobPlan } from '../../src/domain/sessions/operation.js';
import { noteFill } from '../../src/repository/fill-record.js';
import { areOthersCopies, assertOwnCopies } from '../../src/chain/sessions/copies-owner.js';
import {
  readJobDefinition,
  writeJobDefinition,
  writeSessionRecord,
} from '../../src/chain/sessions/session-record.js';
import { writeTaskRecord } from '../../src/chain/sessions/task-record.js';
import type { DataMover } from '../../src/mover/data-mover.js';
import { onChain } from '../running/on-chain.js';
import { runTask } from '../running/run-task.js';
import { taskTarget } from '../running/task-target.js';
import { assertIsNoTarget } from '../../src/mover/look/source-guard.js';
import type { TaskControl } from '../../src/mover/task/task-control.js';

/** Whose answers are told by now. */
interface AnswersTold {
  readonly targetRepositoryId: string;
  readonly jobId: string;
  readonly keeps: readonly KeptAnswers[];
}

/** Starts the copy jobs whose schedule is "after" another job. What the Temporal client can do comes in from outside. */
export interface JobStarter {
  startJobsAfter(jobId: string, sessionId: string): Promise<readonly string[]>;
  /** Tells the retries of a job that a session has ended; begins them when there is something to try again. */
  tellSessionEnd(jobId: string, end: SessionEnd): Promise<void>;
  /** Starts the session of a retry, once for each order. null: the job is gone or disabled. */
  startRetry(jobId: string, order: RetryOrder): Promise<string | null>;
  /** As the job is now; null: it is gone or disabled. */
  enabledJob(jobId: string): Promise<CopyJob | null>;
  /** A session of the job that waits for its hours, before it looks at anything; null: none does, or nobody can tell. */
  waitingSession(jobId: string): Promise<string | null>;
  /** When each session began that runs and that a watch of the job has started. Epoch milliseconds. */
  watchSessions(jobId: string): Promise<readonly number[]>;
}

/** What a watch has to know before its first look. */
export interface WatchedJob {
  readonly isEnabled: boolean;
  /** Whether a session runs that a watch of the job has started. */
  readonly hasSession: boolean;
  /** When each of them began, epoch milliseconds; absent: an earlier build answers. */
  readonly begunAtMs?: readonly number[];
}

/** Steps around a session. Each may be repeated. */
export function createSessionActivities(deps: {
  readonly mover: DataMover;
  readonly settings: CopySettings;
  readonly starter: JobStarter;
  readonly immutableForDays: (repositoryId: string) => number;
  readonly settleMs: (repositoryId: string) => number;
  /** Configured repositories that are written to. */
  readonly targetIds: readonly string[];
}) {
  const { mover, settings, starter, immutableForDays, targetIds } = deps;
  const settleMsOf = (job: CopyJob): Record<string, number> =>
    Object.fromEntries(
      job.sources.include.map(({ repositoryId }) => [repositoryId, deps.settleMs(repositoryId)]),
    );
  return {
    ...createRecordActivities(mover),
    ...createStarterActivities(starter),

    /** The delays and sizes in force on the workers, so that a session keeps those it started with. */
    async readCopySettings(): Promise<CopySettings> {
      return Promise.resolve(settings);
    },

    /** The definition that lies beside the data. Reads only. */
    async readJobDefinition(input: { repositoryId: string; jobId: string }): Promise<CopyJob> {
      return runTask(async () => {
        const repository = await mover.source(input.repositoryId);
        const job = await readJobDefinition(repository, input.jobId);
        if (job !== null) return job;
        throw new BackupError(
          'JOB_MISSING',
          `repository ${input.repositoryId} holds no definition of a job ${input.jobId}`,
        );
      });
    },

    /** What a session started now would do, page by page. Reads only. @throws COPIES_OF_OTHER_JOB */
    async planJob(input: { job: CopyJob; nowMs: number; after: string | null }): Promise<JobPlan> {
      const request = {
        ...input,
        immutableForDays: immutableForDays(input.job.target.repositoryId),
        settleMs: settleMsOf(input.job),
      };
      return runTask(async (control) => {
        const target = await mover.source(input.job.target.repositoryId);
        await assertOwnCopies(target, input.job);
        for (const { repositoryId } of input.job.sources.include)
          await assertIsNoTarget(mover, targetIds, repositoryId);
        return mover.run('planJob', request, control);
      });
    },
  };
}

/** What sessions and watches ask of the Temporal client. */
function createStarterActivities(starter: JobStarter) {
  return {
    /** Sees to the retries of what failed, and starts each job that follows `jobId`, once for each session; returns the session ids. A retry that
     *  copied nothing starts none: they have run after the first try. */
    async startJobsAfter(input: {
      jobId: string;
      sessionId: string;
      end: SessionEnd;
      startsFollowers: boolean;
    }): Promise<readonly string[]> {
      const { jobId, sessionId, end, startsFollowers } = input;
      return runTask(async () => {
        await starter.tellSessionEnd(jobId, end);
        return startsFollowers ? starter.startJobsAfter(jobId, sessionId) : [];
      });
    },

    /** The session that tries again what failed; null: the job is gone or disabled. */
    async startRetry(input: { jobId: string; order: RetryOrder }): Promise<string | null> {
      return runTask(() => starter.startRetry(input.jobId, input.order));
    },

    /** What a watch has to know before its first look. Reads only. */
    async readWatchedJob(input: { jobId: string }): Promise<WatchedJob> {
      return runTask(async () => {
        const isEnabled = (await starter.enabledJob(input.jobId)) !== null;
        const begunAtMs = isEnabled ? await starter.watchSessions(input.jobId) : [];
        return { isEnabled, hasSession: begunAtMs.length > 0, begunAtMs };
      });
    },
  };
}

/** What a session leaves beside the data. */
function createRecordActivities(mover: DataMover) {
  return {
    /** Writes the session's record and its job's definition beside the data, so that a target tells its story without the server. The definition of
     *  another job, whose copies were not taken over, stays. */
    async recordSession(input: {
      job: CopyJob;
      session: CopySession;
      takeOver?: boolean | undefined;
    }): Promise<void> {
      await runTask(async (control) => {
        const target = await taskTarget(mover, input.job.target.repositoryId, control);
        await writeSessionRecord(target, input.session);
        const tookOver = input.takeOver === true && hasWorked(input.session);
        if (tookOver || !(await areOthersCopies(target, input.job)))
          await writeJobDefinition(target, input.job);
        await noteFill(target, Date.now()).catch(ignoreStorageFault);
        await mover.storage.keepReserve(input.job.target.repositoryId).catch(ignoreStorageFault);
      });
    },

    /** Writes the definition alone: what says of a one-time copy when it may go is there before its data are. */
    async recordDefinition(input: { job: CopyJob }): Promise<void> {
      await runTask(async (control) => {
        const target = await taskTarget(mover, input.job.target.repositoryId, control);
        await writeJobDefinition(target, input.job);
      });
    },

    /** Ends what copies keep for whoever did not get an answer: who got it has written down what it told. A tree keeps it in its record, a chain beside it.
     *  Where one cannot be noted the others are.
     *  @throws what the first of those failed with */
    async noteAnswersTold({ targetRepositoryId, jobId, keeps }: AnswersTold): Promise<void> {
      await runTask(async (control) => {
        const faults: BackupError[] = [];
        for (const entry of keeps)
          try {
            await noteTold(mover, { targetRepositoryId, jobId }, entry, control);
          } catch (error) {
            if (!isBackupError(error)) throw error;
            faults.push(error);
          }
        if (faults[0] !== undefined) throw faults[0];
      });
    },

    /** Writes a task that its session's record has no room for. */
    async recordTask(input: {
      targetRepositoryId: string;
      jobId: string;
      sessionId: string;
      task: CopyTask;
    }): Promise<void> {
      await runTask(async (control) => {
        const target = await taskTarget(mover, input.targetRepositoryId, control);
        await writeTaskRecord(target, input, input.task);
      });
    },
  };
}

async function noteTold(
  mover: DataMover,
  { targetRepositoryId, jobId }: Omit<AnswersTold, 'keeps'>,
  { workloadId, owner, hasCommit, hasRemoval, hasTaken, hasMarked }: KeptAnswers,
  control: TaskControl,
): Promise<void> {
  const kept = { ...onChain({ jobId, workloadId }), targetRepositoryId, owner };
  const told = { hasCommit: hasCommit === true, hasRemoval: hasRemoval === true };
  if (told.hasCommit || told.hasRemoval)
    await mover.runFreeing('noteTold', { ...kept, ...told }, control);
  if (hasTaken === true) await mover.run('dropTakenNotes', kept, control);
  if (hasMarked === true) await mover.run('dropMarked', kept, control);
}

/** A session that was stopped before it looked at anything has taken nothing over. */
function hasWorked({ taskCounts, tasks }: CopySession): boolean {
  return (
    taskCounts.success + taskCounts.nothingToCopy > 0 ||
    tasks.some(({ workloadId, result }) => workloadId !== null && result === 'warning')
  );
}

/** The next session looks at the room again. */
function ignoreStorageFault(error: unknown): void {
  if (!(error instanceof BackupError)) throw error;
}

export type SessionActivities = ReturnType<typeof createSessionActivities>;
