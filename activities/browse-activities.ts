import {
  chainFolder,
  JOB_DEFINITION_NAME,
  jobFolder,
  LEASES_FOLDER,
} from '../src/chain/chain-paths.js';
import { availablePoints, type ChainRecord } from '../src/chain/chain-record.js';
import { readLeases } from '../src/chain/leases.js';
import { lastSessionRecord, readJobDefinition } from '../src/chain/session-record.js';
import { readTaskRecords } from '../src/chain/task-record.js';
import { unreadablePart } from '../src/chain/unreadable.js';
import type { CopyJob } from '../src/domain/copy-job.js';
import type { CopyTask } from '../src/domain/copy-session.js';
import { BackupError, isStorageFault } from '../src/domain/errors.js';
import type { SourceRestorePoint, SourceWorkload } from '../src/domain/restore-point.js';
import { settlePoints } from '../src/domain/settle.js';
import { filesOfDisk } from '../src/domain/source-files.js';
import type { TargetRestorePoint } from '../src/domain/target-point.js';
import { OWN_FOLDER } from '../src/repository/repository-path.js';
import { unrecognisedReason, type UnrecognisedFiles } from '../src/domain/unrecognised.js';
import type { UnseenPart } from '../src/domain/unseen-part.js';
import { scanRepository } from '../src/layout/scan-repository.js';
import type { DataMover } from '../src/mover/data-mover.js';
import { findOwnChains } from '../src/chain/find-chains.js';
import { maintenancePlan, type MaintenancePlan } from '../src/mover/change/plan-maintenance.js';
import type { BackupRepository } from '../src/repository/backup-repository.js';
import { faultyProbe } from '../src/repository/storage-probes.js';
import { isNamed } from '../src/domain/source-scope.js';
import {
  restorePointKey,
  UNREACHABLE,
  type BrowsePage,
  type BrowseRepositoryInput,
  type RepositoryDescription,
  type RestorePointView,
  type StoredJob,
  type UnreadablePart,
  type WorkloadSummary,
} from '../src/domain/repository-view.js';
import { page } from './browse-page.js';
import { unseenWorkload } from './found-workloads.js';
import { runTask } from './run-task.js';
import { knownMarker } from './source-guard.js';

/** Restore points of a page: about 1 KiB each. */
const PAGE_POINTS = 500;
const PAGE_WORKLOADS = 2_000;
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
    ...createDescribeActivities(deps),
    async listWorkloads(input: BrowseRepositoryInput): Promise<BrowsePage<WorkloadSummary>> {
      return runTask(async () => {
        const found = await contents(mover, input.repositoryId);
        const idOf = ({ jobId, id }: WorkloadSummary) => JSON.stringify([jobId, id]);
        return page(summaries(found), idOf, input.cursor, PAGE_WORKLOADS, found.unreadable);
      });
    },

    /** Jobs whose definition lies in the repository. */
    async listStoredJobs(input: BrowseRepositoryInput): Promise<BrowsePage<StoredJob>> {
      return runTask(async () => {
        const repository = await mover.repository(input.repositoryId);
        const { jobs, unreadable } = await storedJobs(repository);
        return page(jobs, ({ id }) => id, input.cursor, PAGE_WORKLOADS, unreadable);
      });
    },

    async listRestorePoints(input: BrowseRepositoryInput): Promise<BrowsePage<RestorePointView>> {
      return runTask(async () => {
        const { sources, chains, unreadable } = await contents(mover, input.repositoryId);
        const isWanted = (workload: { id: string; name: string }) =>
          input.workload === undefined || isNamed([input.workload], workload);
        const rule = { nowMs: Date.now(), settleMs: settleMs(input.repositoryId) };
        const items = sources
          .filter(isWanted)
          .flatMap((workload) =>
            settlePoints(workload.restorePoints, rule).map((point) => sourceView(workload, point)),
          );
        const repository = await mover.repository(input.repositoryId);
        const days = deps.immutableForDays(input.repositoryId);
        for (const record of chains.filter(({ workload }) => isWanted(workload)))
          items.push(...(await chainViews(repository, record, days, unreadable)));
        const idOf = ({ jobId, id }: RestorePointView) => JSON.stringify([jobId, id]);
        return page(items, idOf, input.cursor, PAGE_POINTS, unreadable);
      });
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
          if (input.accept === true) await mover.accept(input.repositoryId);
          const repository = await mover.repository(input.repositoryId);
          const { totalBytes, freeBytes } = await repository.capacity();
          const storage = await mover.storage.of(input.repositoryId, input.probeAgain ?? false);
          const markerId = await knownMarker(mover, input.repositoryId);
          return { reachable: true, reason: null, totalBytes, freeBytes, storage, markerId };
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
        const repository = await mover.repository(input.repositoryId);
        const page = { after: input.cursor ?? '', maxBytes: PAGE_TASKS_BYTES };
        const { tasks, unreadable, last } = await readTaskRecords(repository, input.session!, page);
        return { items: tasks, unreadable, ...(last === null ? {} : { nextCursor: last }) };
      });
    },
  };
}

export type BrowseActivities = ReturnType<typeof createBrowseActivities>;

interface Contents {
  readonly sources: readonly SourceWorkload[];
  readonly unseen: readonly UnseenPart[];
  readonly unrecognised: readonly UnrecognisedFiles[];
  readonly chains: readonly ChainRecord[];
  readonly unreadable: UnreadablePart[];
}

async function contents(mover: DataMover, repositoryId: string): Promise<Contents> {
  const repository = await mover.repository(repositoryId);
  const unseen: UnseenPart[] = [];
  const unrecognised: UnrecognisedFiles[] = [];
  const isTarget = (await repository.stat(OWN_FOLDER)) !== null;
  const listener = {
    onUnseen: (part: UnseenPart) => unseen.push(part),
    ...(isTarget ? {} : { onUnrecognised: (files: UnrecognisedFiles) => unrecognised.push(files) }),
  };
  const sources = await scanRepository(repository, listener, mover.facts);
  const { chains, unreadable } = await findOwnChains(repository);
  const records = chains.map(({ record }) => record);
  return { sources, unseen, unrecognised, chains: records, unreadable: [...unreadable] };
}

function summaries({ sources, unseen, unrecognised, chains }: Contents): WorkloadSummary[] {
  return [
    ...sources.map(sourceSummary),
    ...unseen.map(unseenSummary),
    ...unrecognised.map(unrecognisedSummary),
    ...chains.map(chainSummary),
  ];
}

function sourceSummary(workload: SourceWorkload): WorkloadSummary {
  const { id, name, type, restorePoints } = workload;
  const newest = restorePoints.filter(({ state }) => state === 'complete').at(-1);
  return {
    id,
    name,
    type,
    jobId: null,
    restorePointCount: restorePoints.length,
    newestAt: newest === undefined ? null : new Date(newest.createdAtMs).toISOString(),
    problem: workload.conflict ?? null,
  };
}

function unseenSummary(part: UnseenPart): WorkloadSummary {
  const { id, name, type, unseen } = unseenWorkload(part);
  const problem = unseen.reason;
  return { id, name, type, jobId: null, restorePointCount: 0, newestAt: null, problem };
}

/** It stands beside a workload that lies in the same folder. */
function unrecognisedSummary(files: UnrecognisedFiles): WorkloadSummary {
  const problem = unrecognisedReason(files);
  const row = { type: 'unknown', jobId: null, restorePointCount: 0, newestAt: null } as const;
  return { ...row, id: `unrecognised:${files.folder}`, name: files.folder, problem };
}

function chainSummary(record: ChainRecord): WorkloadSummary {
  const points = availablePoints(record);
  return {
    ...record.workload,
    jobId: record.jobId,
    restorePointCount: points.length,
    newestAt: points.at(-1)?.createdAt ?? null,
    problem: null,
  };
}

function sourceView(workload: SourceWorkload, point: SourceRestorePoint): RestorePointView {
  const key = (id: string) => restorePointKey([workload.id, id]);
  return {
    id: key(point.id),
    workload: workload.name,
    workloadType: workload.type,
    jobId: null,
    createdAt: new Date(point.createdAtMs).toISOString(),
    copiedAt: null,
    kind: point.kind,
    parentId: point.parentId === null ? null : key(point.parentId),
    chainId: null,
    complete: point.state === 'complete',
    state: point.state,
    reason: point.reason ?? point.leftOut ?? null,
    lookAgainAt:
      point.lookAgainAtMs === undefined ? null : new Date(point.lookAgainAtMs).toISOString(),
    health: 'unknown',
    verifiedAt: null,
    retention: [],
    keptBecause: [],
    files: point.disks.flatMap((disk) =>
      filesOfDisk(disk).map(({ path, stamp: { sizeBytes } }) => ({
        ...{ disk: disk.disk, path, format: disk.format, sizeBytes },
      })),
    ),
    source: null,
  };
}

/** The points of a chain, each with why retention keeps it, by the definition that lies beside the data.
 *  @param unreadable gets what keeps this from being told */
async function chainViews(
  repository: BackupRepository,
  record: ChainRecord,
  immutableForDays: number,
  unreadable: UnreadablePart[],
): Promise<RestorePointView[]> {
  const reasons = new Map<string, readonly string[]>();
  const job = await storedDefinition(repository, record.jobId, unreadable);
  if (job !== null) {
    const policy = { job, immutableForDays };
    for (const { id, reasons: why } of await keptPoints(repository, record, policy, unreadable))
      reasons.set(id, why);
  }
  return availablePoints(record).map((point) =>
    chainView(record, point, reasons.get(point.id) ?? []),
  );
}

async function keptPoints(
  repository: BackupRepository,
  record: ChainRecord,
  policy: { readonly job: CopyJob; readonly immutableForDays: number },
  unreadable: UnreadablePart[],
): Promise<MaintenancePlan['keep']> {
  const chain = chainFolder(record.jobId, record.workload.id);
  try {
    const nowMs = Date.now();
    const request = { ...policy, chain, nowMs };
    const { doubtful } = await readLeases(repository, chain, nowMs);
    for (const { path, fault } of doubtful) unreadable.push(unreadablePart(path, fault));
    return (await maintenancePlan(repository, record, request)).keep;
  } catch (error) {
    unreadable.push(unreadablePart(`${chain}/${LEASES_FOLDER}`, error));
    return [];
  }
}

/** null: there is none, or it is named in `unreadable`, once. */
async function storedDefinition(
  repository: BackupRepository,
  jobId: string,
  unreadable: UnreadablePart[],
): Promise<CopyJob | null> {
  try {
    return await readJobDefinition(repository, jobId);
  } catch (error) {
    const part = unreadablePart(`${jobFolder(jobId)}/${JOB_DEFINITION_NAME}`, error);
    if (unreadable.every(({ path }) => path !== part.path)) unreadable.push(part);
    return null;
  }
}

async function storedJobs(
  repository: BackupRepository,
): Promise<{ jobs: StoredJob[]; unreadable: UnreadablePart[] }> {
  const jobs: StoredJob[] = [];
  const found = await findOwnChains(repository);
  const unreadable = [...found.unreadable];
  const chains = found.chains.map(({ record }) => record);
  for (const jobId of new Set(chains.map((record) => record.jobId)))
    jobs.push(await storedJob(repository, jobId, chains, unreadable));
  return { jobs, unreadable };
}

async function storedJob(
  repository: BackupRepository,
  jobId: string,
  chains: readonly ChainRecord[],
  unreadable: UnreadablePart[],
): Promise<StoredJob> {
  const own = chains.filter((record) => record.jobId === jobId);
  const job = await storedDefinition(repository, jobId, unreadable);
  const { count, last, fault } = await lastSessionRecord(repository, jobId);
  if (fault !== null) {
    const { path } = fault.details;
    unreadable.push(unreadablePart(typeof path === 'string' ? path : jobFolder(jobId), fault));
  }
  return {
    id: jobId,
    name: job?.name ?? jobId,
    workloadCount: own.length,
    restorePointCount: own.reduce((sum, record) => sum + availablePoints(record).length, 0),
    sessionCount: count,
    lastSession: last && { id: last.id, result: last.result, endedAt: last.endedAt },
  };
}

function chainView(
  record: ChainRecord,
  point: TargetRestorePoint,
  keptBecause: readonly string[],
): RestorePointView {
  const key = (id: string) => restorePointKey([record.jobId, record.workload.id, id]);
  const { repositoryId, restorePointId } = point.source;
  return {
    id: key(point.id),
    workload: record.workload.name,
    workloadType: record.workload.type,
    jobId: record.jobId,
    createdAt: point.createdAt,
    copiedAt: point.copiedAt,
    kind: point.kind,
    parentId: point.parentId === null ? null : key(point.parentId),
    chainId: key(point.chainId),
    complete: true,
    state: 'complete',
    reason: point.health === 'corrupt' ? 'a health check found corrupt blocks' : null,
    lookAgainAt: null,
    health: point.health,
    verifiedAt: point.verifiedAt,
    retention: point.flags,
    keptBecause,
    files: point.disks.map(({ disk, path, format, sizeBytes }) => ({
      disk,
      path: `${chainFolder(record.jobId, record.workload.id)}/${path}`,
      format,
      sizeBytes,
    })),
    source: { repositoryId, restorePointId },
  };
}
