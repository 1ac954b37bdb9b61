import type { CopyJob } from '../src/domain/copy-job.js';
import type { CopySession } from '../src/domain/copy-session.js';
import type { CopySettings } from '../src/domain/copy-settings.js';
import { BackupError } from '../src/domain/errors.js';
import type { JobPlan } from '../src/domain/operation.js';
import {
  readJobDefinition,
  writeJobDefinition,
  writeSessionRecord,
} from '../src/chain/session-record.js';
import type { DataMover } from '../src/mover/data-mover.js';
import { runTask } from './run-task.js';

/** Starts the copy jobs whose schedule is "after" another job. What the Temporal client can do comes in from outside. */
export interface JobStarter {
  startJobsAfter(jobId: string, sessionId: string): Promise<readonly string[]>;
}

/** Steps around a session. Each may be repeated. */
export function createSessionActivities(deps: {
  readonly mover: DataMover;
  readonly settings: CopySettings;
  readonly starter: JobStarter;
  readonly immutableForDays: (repositoryId: string) => number;
  readonly settleMs: (repositoryId: string) => number;
}) {
  const { mover, settings, starter, immutableForDays } = deps;
  const settleMsOf = (job: CopyJob): Record<string, number> =>
    Object.fromEntries(
      job.sources.include.map(({ repositoryId }) => [repositoryId, deps.settleMs(repositoryId)]),
    );
  return {
    /** The delays and sizes in force on the workers, so that a session keeps those it started with. */
    async readCopySettings(): Promise<CopySettings> {
      return Promise.resolve(settings);
    },

    /** Writes the session's record and its job's definition beside the data, so that a target tells its story without the server. */
    async recordSession(input: { job: CopyJob; session: CopySession }): Promise<void> {
      await runTask(async () => {
        const target = await mover.repository(input.job.target.repositoryId);
        await writeJobDefinition(target, input.job);
        await writeSessionRecord(target, input.session);
      });
    },

    /** Starts each job that follows `jobId`, once for each session; returns the session ids. */
    async startJobsAfter(input: { jobId: string; sessionId: string }): Promise<readonly string[]> {
      return runTask(() => starter.startJobsAfter(input.jobId, input.sessionId));
    },

    /** The definition that lies beside the data. Reads only. */
    async readJobDefinition(input: { repositoryId: string; jobId: string }): Promise<CopyJob> {
      return runTask(async () => {
        const repository = await mover.repository(input.repositoryId);
        const job = await readJobDefinition(repository, input.jobId);
        if (job !== null) return job;
        throw new BackupError(
          'JOB_MISSING',
          `repository ${input.repositoryId} holds no definition of a job ${input.jobId}`,
        );
      });
    },

    /** What a session started now would do. Reads only. */
    async planJob(input: { job: CopyJob; nowMs: number }): Promise<JobPlan> {
      const request = {
        ...input,
        immutableForDays: immutableForDays(input.job.target.repositoryId),
        settleMs: settleMsOf(input.job),
      };
      return runTask((control) => mover.run('planJob', request, control));
    },
  };
}

export type SessionActivities = ReturnType<typeof createSessionActivities>;
