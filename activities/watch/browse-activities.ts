import { readNewestAudit } from '../../src/audit/audit-log.js';
import { readFillSamples } from '../../src/repository/fill-record.js';
import { readTaskRecords } from '../../src/chain/sessions/task-record.js';
import { auditKey, type AuditEntry } from '../../src/domain/access/audit.js';
import type { CopyTask } from '../../src/domain/sessions/copy-session.js';
import { BackupError, isStorageFault } from '../../src/domain/errors.js';
import { growthOf } from '../../src/domain/targets/growth.js';
import {
  UNREACHABLE,
  type BrowsePage,
  type BrowseRepositoryInput,
  type RepositoryDescription,
  type RestorePointView,
  type StoredJob,
  type WorkloadSummary,
} from '../../src/domain/targets/repository-view.js';
import type { DataMover } from '../../src/mover/data-mover.js';
import { knownMarker } from '../../src/mover/look/source-guard.js';
import { faultyProbe } from '../../src/repository/storage-probes.js';
import { runTask } from '../running/run-task.js';

const PAGE_TASKS_BYTES = 250_000;

/** What is in a repository, for people to look at. Reads only. */
export function createBrowseActivities(deps: {
  readonly mover: DataMover;
  readonly settleMs: (repositoryId: string) => number;
  /** Days during which a repository changes nothing. */
  readonly immutableForDays: (repositoryId: string) => number;
}) {
  const { mover, settleMs } = deps;
  return {
    ...createTaskActivities(deps),
    ...createAuditActivities(deps),
    ...createDescribeActivities(deps),
    async listWorkloads(input: BrowseRepositoryInput): Promise<BrowsePage<WorkloadSummary>> {
      return runTask((control) => mover.run('listWorkloads', input, control));
    },

    /** Jobs whose definition lies in the repository. */
    async listStoredJobs(input: BrowseRepositoryInput): Promise<BrowsePage<StoredJob>> {
      return runTask((control) => mover.run('listStoredJobs', input, control));
    },

    async listRestorePoints(input: BrowseRepositoryInput): Promise<BrowsePage<RestorePointView>> {
      const { repositoryId } = input;
      const order = {
        ...input,
        nowMs: Date.now(),
        settleMs: settleMs(repositoryId),
        immutableForDays: deps.immutableForDays(repositoryId),
      };
      return runTask((control) => mover.run('listRestorePoints', order, control));
    },
  };
}

function createDescribeActivities({ mover }: { readonly mover: DataMover }) {
  return {
    /** A target's storage is probed when it was not yet, or when `probeAgain`.
     *  @param input.accept the operator says that what is there now is the target */
    async describeRepository(input: {
      repositoryId: string;
      probeAgain?: boolean;
      accept?: boolean;
    }): Promise<RepositoryDescription> {
      return runTask(async () => {
        try {
          const note = input.accept === true ? await mover.accept(input.repositoryId) : null;
          const repository = await mover.source(input.repositoryId);
          const { totalBytes, freeBytes } = await repository.capacity();
          const probe = await mover.storage.of(input.repositoryId, input.probeAgain ?? false);
          const storage =
            probe === null || note === null
              ? probe
              : { ...probe, warnings: [...probe.warnings, note] };
          const markerId = await knownMarker(mover, input.repositoryId);
          const growth = growthOf(await readFillSamples(repository), Date.now());
          return {
            reachable: true,
            reason: null,
            totalBytes,
            freeBytes,
            storage,
            markerId,
            growth,
          };
        } catch (error) {
          if (!(error instanceof BackupError) || !isStorageFault(error)) throw error;
          const isLasting = error.code === 'REPOSITORY_EXCHANGED';
          const storage = isLasting ? faultyProbe(error) : null;
          return { ...UNREACHABLE, reason: error.message, storage };
        }
      });
    },
  };
}

function createTaskActivities({ mover }: { readonly mover: DataMover }) {
  return {
    /** Tasks of a session that have files of their own. */
    async listTasks(input: BrowseRepositoryInput): Promise<BrowsePage<CopyTask>> {
      return runTask(async () => {
        const repository = await mover.source(input.repositoryId);
        const page = { after: input.cursor ?? '', maxBytes: PAGE_TASKS_BYTES };
        const { tasks, unreadable, last } = await readTaskRecords(repository, input.session!, page);
        return { items: tasks, unreadable, ...(last === null ? {} : { nextCursor: last }) };
      });
    },
  };
}

function createAuditActivities({ mover }: { readonly mover: DataMover }) {
  return {
    /** Who changed what, newest first. */
    async listAudit({
      repositoryId,
      audit,
      cursor,
    }: BrowseRepositoryInput): Promise<BrowsePage<AuditEntry>> {
      return runTask(async () => {
        const repository = await mover.source(repositoryId);
        const { lines, hasMore, unreadable } = await readNewestAudit(
          repository,
          audit!,
          cursor ?? null,
        );
        const last = lines.at(-1);
        return {
          items: lines,
          ...(unreadable === undefined ? {} : { unreadable }),
          ...(!hasMore || last === undefined ? {} : { nextCursor: auditKey(last) }),
        };
      });
    },
  };
}

export type BrowseActivities = ReturnType<typeof createBrowseActivities>;
