import { availablePoints, type ChainRecord } from '../../chain/chain-record.js';
import {
  type BrowsePage,
  type BrowseRepositoryInput,
  type RestorePointView,
  type StoredJob,
  type WorkloadSummary,
} from '../../domain/targets/repository-view.js';
import { isBackupError } from '../../domain/errors.js';
import { settlePoints } from '../../domain/sources/settle.js';
import { isNamed, type NamedWorkload } from '../../domain/jobs/source-scope.js';
import type { UnreadablePart } from '../../domain/targets/unreadable-part.js';
import type { TreeRecord } from '../../tree/tree-record.js';
import type { MoverContext } from '../task/mover-context.js';
import { contents, summaries } from './contents.js';
import { page, shownPage } from './page.js';
import { LookedAtFiles } from './looked-at-files.js';
import { chainViews, copyKey, sourceView } from './point-views.js';
import { storedDefinition, storedJobs } from './stored-jobs.js';
import { treeViews } from './tree-views.js';

/** Restore points of a page: about 1 KiB each. */
const PAGE_POINTS = 500;
const PAGE_WORKLOADS = 2_000;

/** Everything that is shown of a repository as a workload. */
export async function listWorkloads(
  context: MoverContext,
  input: BrowseRepositoryInput,
): Promise<BrowsePage<WorkloadSummary>> {
  const found = await contents(context, input.repositoryId);
  const idOf = ({ jobId, id }: WorkloadSummary) => JSON.stringify([jobId, id]);
  return page(summaries(found), idOf, input.cursor, PAGE_WORKLOADS, found.unreadable);
}

/** Jobs whose definition lies in the repository. */
export async function listStoredJobs(
  context: MoverContext,
  input: BrowseRepositoryInput,
): Promise<BrowsePage<StoredJob>> {
  const { jobs, unreadable } = await storedJobs(await context.source(input.repositoryId));
  return page(jobs, ({ id }) => id, input.cursor, PAGE_WORKLOADS, unreadable);
}

/** Restore points of sources and copies, those of a copy with why retention keeps them. Settings are those of the repository. Which there are, the
 *  records tell; files are asked for of the copies on the page alone, as often as `LookedAtFiles` does. */
export async function listRestorePoints(
  context: MoverContext,
  input: BrowseRepositoryInput & ListRule,
): Promise<BrowsePage<RestorePointView>> {
  const { repositoryId, workload, cursor } = input;
  const { sources, chains, trees, unreadable } = await contents(context, repositoryId, workload);
  const isWanted = (found: NamedWorkload) => workload === undefined || isNamed([workload], found);
  const listed: ListedPoint[] = [
    ...sources
      .filter(isWanted)
      .flatMap((found) =>
        settlePoints(found.restorePoints, input).map((point) => sourceView(found, point)),
      ),
    ...chains.flatMap((chain) => availablePoints(chain).map(({ id }) => of(chain, id, { chain }))),
    ...trees.flatMap((tree) => tree.points.map(({ id }) => of(tree, id, { tree }))),
  ];
  const idOf = ({ jobId, id }: ListedPoint) => JSON.stringify([jobId, id]);
  const place = { cursor, size: PAGE_POINTS };
  return shownPage(listed, idOf, place, unreadable, (wanted, told) =>
    shown(context, wanted, input, told),
  );
}

interface ListRule {
  readonly nowMs: number;
  readonly settleMs: number;
  readonly immutableForDays: number;
}

/** A point of a source as it is shown, or one of a copy of which its record is known. */
type ListedPoint = RestorePointView | CopyPoint;
type CopyPoint = Pick<RestorePointView, 'jobId' | 'id'> & CopyOf;
type CopyOf = { readonly chain: ChainRecord } | { readonly tree: TreeRecord };

function of(record: ChainRecord | TreeRecord, pointId: string, copy: CopyOf): CopyPoint {
  return { jobId: record.jobId, id: copyKey(record, pointId), ...copy };
}

/** @param unreadable gets what keeps something of them from being told */
async function shown(
  context: MoverContext,
  listed: readonly ListedPoint[],
  rule: BrowseRepositoryInput & ListRule,
  unreadable: UnreadablePart[],
): Promise<(RestorePointView | null)[]> {
  const { repositoryId, nowMs } = rule;
  const chains = new Set(listed.flatMap((point) => ('chain' in point ? [point.chain] : [])));
  const trees = new Set(listed.flatMap((point) => ('tree' in point ? [point.tree] : [])));
  const views = new Map<string, RestorePointView>();
  if (chains.size + trees.size > 0) {
    const repository = await context.source(repositoryId);
    const copies = { chains: [...chains], trees: [...trees] };
    const files = await LookedAtFiles.of(context.facts, repository, copies, nowMs);
    const updatesInPlace = await doesUpdateInPlace(context, repositoryId);
    const found: RestorePointView[] = [];
    for (const record of chains) {
      const policy = { ...rule, updatesInPlace, files: files.chain(record) };
      found.push(...(await chainViews(repository, record, policy, unreadable)));
    }
    for (const record of trees) {
      const job = await storedDefinition(repository, record.jobId, unreadable);
      found.push(...treeViews(files.tree(record), job, nowMs));
    }
    for (const view of found) views.set(view.id, view);
    unreadable.push(...files.unreadable);
  }
  return listed.map((point) => ('files' in point ? point : (views.get(point.id) ?? null)));
}

/** False where nothing is written. */
async function doesUpdateInPlace(context: MoverContext, repositoryId: string): Promise<boolean> {
  try {
    return (await context.repository(repositoryId)).openUpdate !== null;
  } catch (error) {
    if (isBackupError(error, 'REPOSITORY_READ_ONLY')) return false;
    throw error;
  }
}
