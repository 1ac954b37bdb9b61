import type { CopyJob } from '../src/domain/copy-job.js';
import type { CopySession } from '../src/domain/copy-session.js';
import type { CopySettings } from '../src/domain/copy-settings.js';
import { writeJobDefinition, writeSessionRecord } from '../src/chain/session-record.js';
import type { DataMover } from '../src/mover/data-mover.js';
import { runTask } from './run-task.js';

/** Steps around a session. Each may be repeated. */
export function createSessionActivities(deps: {
  readonly mover: DataMover;
  readonly settings: CopySettings;
}) {
  const { mover, settings } = deps;
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
  };
}

export type SessionActivities = ReturnType<typeof createSessionActivities>;
