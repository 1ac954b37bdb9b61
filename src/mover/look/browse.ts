import {
  type BrowsePage,
  type BrowseRepositoryInput,
  type RestorePointView,
  type StoredJob,
  type WorkloadSummary,
} from '../../domain/targets/repository-view.js';
import { isBackupError } from '../../domain/errors.js';
import { settlePoints } from '../../domain/sources/settle.js';
import { isNamed } from '../../domain/jobs/source-scope.js';
import type { MoverContext } from '../task/mover-context.js';
import { contents, summaries } from './contents.js';
import { page } from './page.js';
import { LookedAtFiles } from './looked-at-files.js';
import { chainViews, sourceView } from './point-views.js';
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

/** Restore points of sources and copies, those of a copy with why retention keeps them. Settings are those of the repository. */
export async function listRestorePoints(
  context: MoverContext,
  input: BrowseRepositoryInput & {
    readonly nowMs: number;
    readonly settleMs: number;
    readonly immutableForDays: number;
  },
): Promise<BrowsePage<RestorePointView>> {
  const { repositoryId, nowMs, settleMs, immutableForDays } = input;
  const { sources, chains, trees, unreadable } = await contents(context, repositoryId);
  const isWanted = (workload: { id: string; name: string }) =>
    input.workload === undefined || isNamed([input.workload], workload);
  const items = sources
    .filter(isWanted)
    .flatMap((workload) =>
      settlePoints(workload.restorePoints, { nowMs, settleMs }).map((point) =>
        sourceView(workload, point),
      ),
    );
  const repository = await context.source(repositoryId);
  const wanted = {
    chains: chains.filter(({ workload }) => isWanted(workload)),
    trees: trees.filter(({ workload }) => isWanted(workload)),
  };
  const files = await LookedAtFiles.of(context.facts, repository, wanted, nowMs);
  const updatesInPlace = await doesUpdateInPlace(context, repositoryId);
  const rule = { immutableForDays, nowMs, updatesInPlace, files };
  for (const record of wanted.chains)
    items.push(...(await chainViews(repository, record, rule, unreadable)));
  for (const listed of wanted.trees) {
    const record = files.tree(listed);
    const job = await storedDefinition(repository, record.jobId, unreadable);
    items.push(...treeViews(record, job, nowMs));
  }
  unreadable.push(...files.unreadable);
  const idOf = ({ jobId, id }: RestorePointView) => JSON.stringify([jobId, id]);
  return page(items, idOf, input.cursor, PAGE_POINTS, unreadable);
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
