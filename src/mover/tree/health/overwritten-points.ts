import { modifiedAtMs } from '../../../domain/file-stamp.js';
import { isBackupError } from '../../../domain/errors.js';
import { notOverwritten } from '../../../domain/trees/set-points.js';
import type { SourceRepository } from '../../../repository/backup-repository.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import { TaskControl } from '../../task/task-control.js';
import { overwrittenFiles } from '../commit/copied-entries.js';
import { readTreePlan, treeStaged } from '../tree-plan.js';
import { HOUR_MS } from '../../../domain/elapsed.js';

/** A run that has noted nothing for so long is stopped: what it was writing over is no backup any more until another run comes to its end. One that
 *  is at work will end the same in a while, and says then what became of it. */
export const STOPPED_AFTER_MS = HOUR_MS;

interface WrittenOver {
  /** Ids in the source. */
  readonly points: readonly string[];
  /** The lists of the run cannot be read: it may have written over any file that a point has for itself. */
  readonly isUnread: boolean;
}

const NOTHING: WrittenOver = { points: [], isUnread: false };

/** Points whose files a run that was stopped has given another content: their tool gave the names to another backup. The record
 *  hears of that when the next run takes the tree. While it is at work nothing is said.
 *  @throws as `SourceRepository` */
export async function overwrittenPoints(
  repository: SourceRepository,
  tree: string,
  record: TreeRecord,
  nowMs: number,
): Promise<WrittenOver> {
  // Files of a store are no point's own: none of its points goes with one (`notOverwritten`).
  if (record.points.every(({ files }) => files === null)) return NOTHING;
  try {
    const plan = await readTreePlan(repository, tree);
    if (plan === null || plan.token === record.enteredPlan) return NOTHING;
    if (nowMs - (await notedAtMs(repository, tree)) < STOPPED_AFTER_MS) return NOTHING;
    const files = await overwrittenFiles(new TaskControl(), repository, tree, plan);
    const kept = new Set(notOverwritten(record.points, plan.points, files).map(({ id }) => id));
    const gone = record.points.filter(({ id }) => !kept.has(id));
    return { points: gone.map(({ source }) => source.restorePointId), isUnread: false };
  } catch (error) {
    if (!isBackupError(error, 'STAGING_INVALID')) throw error;
    // The next run began meanwhile, and takes its lists away; or they are damaged, and it will compare all files (`enterUnread`).
    const notedMs = await notedAtMs(repository, tree);
    const isUnread = Number.isFinite(notedMs) && nowMs - notedMs >= STOPPED_AFTER_MS;
    return { ...NOTHING, isUnread };
  }
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
