import { listSessionRecords, readSessionRecord } from '../../src/chain/sessions/session-list.js';
import type { CopySession } from '../../src/domain/sessions/copy-session.js';
import type { RecordedSession } from '../../src/domain/sessions/recorded-session.js';
import type {
  BrowsePage,
  BrowseRepositoryInput,
} from '../../src/domain/targets/repository-view.js';
import type { DataMover } from '../../src/mover/data-mover.js';
import { runTask } from '../running/run-task.js';

/** What sessions have left beside the data of a target. Reads only. */
export function createReadRecordActivities({ mover }: { readonly mover: DataMover }) {
  return {
    async listSessionRecords(input: BrowseRepositoryInput): Promise<BrowsePage<RecordedSession>> {
      return runTask(async () => {
        const repository = await mover.source(input.repositoryId);
        const { sessions, unreadable, next } = await listSessionRecords(
          repository,
          input.records!,
          input.cursor ?? null,
        );
        return {
          items: sessions,
          ...(unreadable.length === 0 ? {} : { unreadable }),
          ...(next === null ? {} : { nextCursor: next }),
        };
      });
    },

    /** The whole record of one session; no item: there is none. */
    async readSessionRecord(input: BrowseRepositoryInput): Promise<BrowsePage<CopySession>> {
      return runTask(async () => {
        const { jobId, sessionId } = input.session!;
        const repository = await mover.source(input.repositoryId);
        const session = await readSessionRecord(repository, jobId, sessionId);
        return { items: session === null ? [] : [session] };
      });
    },
  };
}

export type ReadRecordActivities = ReturnType<typeof createReadRecordActivities>;
