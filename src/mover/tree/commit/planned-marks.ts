import type { SourceRepository } from '../../../repository/backup-repository.js';
import { parseEntry, type FileEntry } from '../../../tree/file-index.js';
import { readStagedLines } from '../staged-list.js';
import { treeStaged, type TreePlan } from '../tree-plan.js';

/** Entries of one class that a plan changes although it copies nothing of them, in the order of their paths, in parts.
 *  @throws STAGING_INVALID */
export function plannedMarks(
  target: SourceRepository,
  tree: string,
  { classes }: Pick<TreePlan, 'classes'>,
  classIndex: number,
): AsyncGenerator<readonly FileEntry[]> {
  const path = treeStaged.list(tree, classIndex, 'marks');
  return readStagedLines(target, path, classes[classIndex]!.markCount, parseEntry);
}
