import { availablePoints, type ChainRecord } from '../../chain/chain-record.js';
import { findOwnChains } from '../../chain/find-chains.js';
import type { UnreadablePart } from '../../domain/targets/unreadable-part.js';
import type { WorkloadSummary } from '../../domain/targets/repository-view.js';
import type { SourceWorkload } from '../../domain/sources/source-workload.js';
import { shortCopies } from '../../domain/sources/source-identity.js';
import { unrecognisedReason, type UnrecognisedFiles } from '../../domain/sources/unrecognised.js';
import type { UnseenPart } from '../../domain/sources/unseen-part.js';
import { unrecognisedId } from '../../domain/safety/uncopied-places.js';
import { isNamed } from '../../domain/jobs/source-scope.js';
import { findTrees } from '../../tree/find-trees.js';
import type { TreeRecord } from '../../tree/tree-record.js';
import type { MoverContext } from '../task/mover-context.js';
import { unseenWorkload } from './found-workloads.js';
import { KnownNames } from './known-names.js';
import { scanWhole, type WholeScan } from './whole-scan.js';

interface Contents extends WholeScan {
  readonly chains: readonly ChainRecord[];
  readonly trees: readonly TreeRecord[];
  readonly unreadable: UnreadablePart[];
}

/** What lies in a repository: backups of others, places that are not looked into, files that no layout claims, and Longhaul's own chains.
 *  @param workload id or name of the only one that is wanted: copies that are known to be of others are not read. What cannot be read may be its own */
export async function contents(
  context: MoverContext,
  repositoryId: string,
  workload?: string,
): Promise<Contents> {
  const repository = await context.source(repositoryId);
  const scan = await scanWhole(repository, context.facts);
  // Where stamps prove nothing, to ask for them would only come on top.
  const mayKnow = workload !== undefined && repository.capabilities.stampsProve;
  const names = mayKnow ? await KnownNames.of(repository, context.facts) : null;
  // The path of a job's folder has no slash.
  const isWanted = (path: string) =>
    names === null || !path.includes('/') || names.mayBe(path, workload!);
  const { chains, unreadable } = await findOwnChains(repository, isWanted);
  const found = await findTrees(repository, isWanted);
  // A chain and a tree may lie in one folder: what cannot be read of either is named each time.
  const unread = new Set([...unreadable, ...found.unreadable].map(({ path }) => path));
  for (const { folder, record } of [...chains, ...found.trees])
    if (!unread.has(folder)) await names?.note(folder, record.workload);
  names?.keep();
  const isOfIt = (record: ChainRecord | TreeRecord) =>
    workload === undefined || isNamed([workload], record.workload);
  return {
    ...scan,
    chains: chains.map(({ record }) => record).filter(isOfIt),
    trees: found.trees.map(({ record }) => record).filter(isOfIt),
    unreadable: [...unreadable, ...found.unreadable],
  };
}

export function summaries(found: Contents): WorkloadSummary[] {
  const { sources, unseen, unrecognised, chains, trees } = found;
  return [
    ...sources.map(sourceSummary),
    ...unseen.map(unseenSummary),
    ...unrecognised.map(unrecognisedSummary),
    ...chains.map(chainSummary),
    ...trees.map((record) => keptSummary(record, record.points)),
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
    doubt: workload.doubt?.text ?? null,
  };
}

function unseenSummary(part: UnseenPart): WorkloadSummary {
  const { id, name, type, unseen } = unseenWorkload(part);
  const problem = unseen.reason;
  return {
    id,
    name,
    type,
    jobId: null,
    restorePointCount: 0,
    newestAt: null,
    problem,
    doubt: null,
  };
}

/** It stands beside a workload that lies in the same folder. */
function unrecognisedSummary(files: UnrecognisedFiles): WorkloadSummary {
  const problem = unrecognisedReason(files);
  const row = {
    type: 'unknown',
    jobId: null,
    restorePointCount: 0,
    newestAt: null,
    doubt: null,
  } as const;
  return { ...row, id: unrecognisedId(files), name: files.folder, problem };
}

function chainSummary(record: ChainRecord): WorkloadSummary {
  const points = availablePoints(record);
  const short = shortCopies(record.points);
  const newest = points.findLast(({ id }) => !short.has(id));
  return { ...keptSummary(record, points), newestAt: newest?.createdAt ?? null };
}

function keptSummary(
  { workload, jobId }: Pick<ChainRecord, 'workload' | 'jobId'>,
  points: readonly { readonly createdAt: string }[],
): WorkloadSummary {
  const { id, name, type } = workload;
  return {
    ...{ id, name, type },
    jobId,
    restorePointCount: points.length,
    newestAt: points.at(-1)?.createdAt ?? null,
    problem: null,
    doubt: null,
  };
}
