import type { IsWanted } from '../chain/find-chains.js';
import { isAtHome } from '../chain/record-store.js';
import { BackupError } from '../domain/errors.js';
import { isFolderPassedOver } from '../domain/sources/passed-over.js';
import { unreadablePart, type UnreadablePart } from '../domain/targets/unreadable-part.js';
import type { SourceRepository } from '../repository/backup-repository.js';
import { TREE_RECORD_COPY_NAME, TREE_RECORD_NAME } from './tree-paths.js';
import type { TreeRecord } from './tree-record.js';
import { readTreeRecord } from './tree-store.js';

interface TreesFound {
  readonly trees: readonly { readonly folder: string; readonly record: TreeRecord }[];
  /** What is not known is never taken for absent, and never keeps the others from being seen. */
  readonly unreadable: readonly UnreadablePart[];
}

/** All copies of trees in a target: `<job>/<workload>/tree.json`. One that lies elsewhere than its record says is shown as unreadable.
 *  @throws REPOSITORY_UNREACHABLE */
export async function findTrees(
  repository: SourceRepository,
  isWanted: IsWanted = () => true,
): Promise<TreesFound> {
  const trees: { folder: string; record: TreeRecord }[] = [];
  const unreadable: UnreadablePart[] = [];
  for (const job of await repository.list('')) {
    if (job.type !== 'folder' || isFolderPassedOver(job.name)) continue;
    if (!(await isWanted(job.path))) continue;
    const found = await treesOfJob(repository, job.path, isWanted);
    trees.push(...found.trees);
    unreadable.push(...found.unreadable);
  }
  return { trees, unreadable };
}

/** The same of one job's folder, in the order of their own. */
export async function treesOfJob(
  repository: SourceRepository,
  job: string,
  isWanted: IsWanted = () => true,
): Promise<TreesFound> {
  const trees: { folder: string; record: TreeRecord }[] = [];
  const unreadable: UnreadablePart[] = [];
  try {
    for (const { type, path: folder } of await repository.list(job)) {
      if (type !== 'folder') continue;
      try {
        if (!(await isWanted(folder)) || !(await hasRecord(repository, folder))) continue;
        const record = await readTreeRecord(repository, folder);
        if (record === null) continue;
        if (!isAtHome(folder, record)) throw foreign(folder, record);
        trees.push({ folder, record });
      } catch (error) {
        unreadable.push(unreadablePart(folder, error));
      }
    }
  } catch (error) {
    unreadable.push(unreadablePart(job, error));
  }
  return { trees, unreadable };
}

async function hasRecord(repository: SourceRepository, folder: string): Promise<boolean> {
  for (const name of [TREE_RECORD_NAME, TREE_RECORD_COPY_NAME])
    if ((await repository.stat(`${folder}/${name}`)) !== null) return true;
  return false;
}

function foreign(folder: string, { jobId, workload }: TreeRecord): BackupError {
  return new BackupError(
    'CHAIN_FOREIGN',
    `${folder} holds the copy of a tree of job ${jobId}, workload ${workload.name}, which belongs elsewhere`,
  );
}
