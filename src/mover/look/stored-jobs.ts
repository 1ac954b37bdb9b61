import { JOB_DEFINITION_NAME, jobFolder } from '../../chain/chain-paths.js';
import { availablePoints, type ChainRecord } from '../../chain/chain-record.js';
import { findOwnChains } from '../../chain/find-chains.js';
import { lastSessionRecord, readJobDefinition } from '../../chain/sessions/session-record.js';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import { unreadablePart, type UnreadablePart } from '../../domain/targets/unreadable-part.js';
import type { StoredJob } from '../../domain/targets/repository-view.js';
import { findTrees } from '../../tree/find-trees.js';
import { totalsOf } from '../../tree/show-tree.js';
import type { SourceRepository } from '../../repository/backup-repository.js';

/** null: there is none, or it is named in `unreadable`, once. */
export async function storedDefinition(
  repository: SourceRepository,
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

export async function storedJobs(
  repository: SourceRepository,
): Promise<{ jobs: StoredJob[]; unreadable: UnreadablePart[] }> {
  const jobs: StoredJob[] = [];
  const found = await findOwnChains(repository);
  const unreadable = [...found.unreadable];
  const trees = await findTrees(repository);
  unreadable.push(...trees.unreadable);
  const chains: StoredRecord[] = [
    ...found.chains.map(({ record }) => storedChain(record)),
    ...trees.trees.map(({ record }) => ({ ...record, storedBytes: totalsOf(record).sizeBytes })),
  ];
  for (const jobId of new Set(chains.map((record) => record.jobId)))
    jobs.push(await storedJob(repository, jobId, chains, unreadable));
  return { jobs, unreadable };
}

/** Of a chain or of a tree, with the points that it offers. */
interface StoredRecord {
  readonly jobId: string;
  readonly points: readonly { readonly createdAt: string }[];
  readonly storedBytes: number;
}

function storedChain(record: ChainRecord): StoredRecord {
  const points = availablePoints(record);
  const disks = points.flatMap((point) => point.disks);
  return {
    ...{ jobId: record.jobId, points },
    storedBytes: disks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}

function newestOf(points: StoredRecord['points']): string | null {
  const timesMs = points.map(({ createdAt }) => Date.parse(createdAt));
  const newestMs = timesMs.reduce((newest, ms) => Math.max(newest, ms), -Infinity);
  return Number.isFinite(newestMs) ? new Date(newestMs).toISOString() : null;
}

async function storedJob(
  repository: SourceRepository,
  jobId: string,
  chains: readonly StoredRecord[],
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
    restorePointCount: own.reduce((sum, { points }) => sum + points.length, 0),
    newestAt: newestOf(own.flatMap(({ points }) => points)),
    sessionCount: count,
    once: job?.once ?? null,
    detached: job?.detached ?? null,
    storedBytes: own.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
    lastSession: last && { id: last.id, result: last.result, endedAt: last.endedAt },
  };
}
