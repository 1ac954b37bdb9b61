import { modifiedAtMs } from '../../../domain/file-stamp.js';
import { isBackupError } from '../../../domain/errors.js';
import { notOverwritten } from '../../../domain/trees/set-points.js';
import { treeLayoutOf } from '../../../layout/tree-layouts.js';
import type { SourceRepository } from '../../../repository/backup-repository.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import { TaskControl } from '../../task/task-control.js';
import { overwrittenFiles } from '../commit/copied-entries.js';
import { readTreePlan, treeStaged, type TreePlan } from '../tree-plan.js';

/** A run that has noted nothing for so long is stopped: what it was writing over is no backup any more until another run comes to its end. One that
 *  is at work will end the same in a while, and says then what became of it. */
export const STOPPED_AFTER_MS = 3_600_000;

/** Ids in the source of points whose files a run that was stopped has given another content: their tool gave the names to another backup. The record
 *  hears of that when the next run takes the tree. While it is at work, and where its plan cannot be read as it was written, nothing is said.
 *  @throws as `SourceRepository` */
export async function overwrittenPoints(
  repository: SourceRepository,
  tree: string,
  record: TreeRecord,
  nowMs: number,
): Promise<string[]> {
  // Files of a store are no point's own: none of its points goes with one (`notOverwritten`).
  if (record.points.every(({ files }) => files === null)) return [];
  const plan = await readTreePlan(repository, tree);
  if (plan === null || plan.token === record.enteredPlan) return [];
  if (treeLayoutOf(plan.layout) === undefined) return [];
  if (nowMs - (await notedAtMs(repository, tree)) < STOPPED_AFTER_MS) return [];
  const left = notOverwritten(record.points, plan.points, await filesOf(repository, tree, plan));
  const kept = new Set(left.map(({ id }) => id));
  return record.points.filter(({ id }) => !kept.has(id)).map(({ source }) => source.restorePointId);
}

/** When the run that lies there noted something last, by the clock of the storage. */
async function notedAtMs(repository: SourceRepository, tree: string): Promise<number> {
  let newestMs = -Infinity;
  for (const folder of [treeStaged.folder(tree), treeStaged.largeFolder(tree)]) {
    if ((await repository.stat(folder)) === null) continue;
    for await (const { stamp } of repository.entries(folder))
      newestMs = Math.max(newestMs, modifiedAtMs(stamp));
  }
  return newestMs;
}

async function filesOf(
  repository: SourceRepository,
  tree: string,
  plan: TreePlan,
): Promise<ReadonlySet<string>> {
  try {
    return await overwrittenFiles(new TaskControl(), repository, tree, plan);
  } catch (error) {
    // The next run began meanwhile, and takes its lists away; or they are damaged, or of another build, and it will plan anew.
    const isOfLists =
      !isBackupError(error) ||
      isBackupError(error, 'FILE_MISSING') ||
      isBackupError(error, 'STAGING_INVALID');
    if (!isOfLists) throw error;
    return new Set();
  }
}
