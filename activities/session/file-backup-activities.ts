import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import type { CopyJob } from '../../src/domain/jobs/copy-job.js';
import { BackupError } from '../../src/domain/errors.js';
import type { PrimaryBackup, PrimaryRun } from '../../src/domain/jobs/primary-backup.js';
import { runRestic } from '../../src/primary/run-restic.js';
import { runTask } from '../running/run-task.js';
import type { JobStarter } from './session-activities.js';

/** Steps of a run of a file-backup job. Each may be repeated. */
export function createFileBackupActivities(deps: {
  readonly starter: JobStarter;
  readonly primaryBackups: readonly PrimaryBackup[];
  readonly repositoryFolder: (repositoryId: string) => string | null;
}) {
  return {
    /** Makes a backup with a configured program. A repeat for the same run finds the snapshot that an earlier attempt has made. */
    async runPrimaryBackup(input: { primaryBackup: string }): Promise<PrimaryRun> {
      const { cancellationSignal, info } = Context.current();
      return runTask(async () => {
        const backup = deps.primaryBackups.find(({ id }) => id === input.primaryBackup);
        const root = backup === undefined ? null : deps.repositoryFolder(backup.repositoryId);
        if (backup === undefined || root === null)
          throw new BackupError(
            'PRIMARY_BACKUP_MISSING',
            `no primary backup "${input.primaryBackup}" is configured on this worker`,
          );
        const tag = `longhaul-${info.workflowExecution!.runId}`;
        return runRestic({ ...backup, folder: join(root, backup.folder) }, tag, cancellationSignal);
      });
    },

    /** Their definitions as they are now, without those that are gone or disabled, or are not of the file-backup job. */
    async readEnabledJobs(input: {
      jobIds: readonly string[];
      fileBackupJobId: string;
    }): Promise<CopyJob[]> {
      return runTask(async () => {
        const jobs = await Promise.all(input.jobIds.map((id) => deps.starter.enabledJob(id)));
        return jobs.filter((job) => job?.fileBackupJobId === input.fileBackupJobId) as CopyJob[];
      });
    },

    /** By the id of a copy job, the session of it that waits for its hours and has looked at nothing yet. Reads only. */
    async readWaitingSessions(input: {
      jobIds: readonly string[];
    }): Promise<Readonly<Record<string, string>>> {
      return runTask(async () => {
        const waiting: Record<string, string> = {};
        for (const jobId of input.jobIds) {
          const sessionId = await deps.starter.waitingSession(jobId);
          if (sessionId !== null) waiting[jobId] = sessionId;
        }
        return waiting;
      });
    },
  };
}

export type FileBackupActivities = ReturnType<typeof createFileBackupActivities>;
