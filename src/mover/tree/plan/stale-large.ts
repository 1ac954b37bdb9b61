import { WINDOW_BYTES } from '../../../domain/targets/digest.js';
import type { FileClass } from '../../../domain/trees/tree-rules.js';
import type { BackupRepository } from '../../../repository/backup-repository.js';
import { largeKey, treeStaged } from '../tree-plan.js';
import type { ListedFile } from './listed-file.js';
import { listClass, type Walk } from './walk-tree.js';

/** Takes away what runs before have begun of large files that the source does not have any more, or not as they were then: nobody takes it up, and a target that
 *  it fills would never have room for a commit, with which all of it goes. Before anything is written, because the lists of a plan need room, too. */
export async function removeStaleLarge(
  target: BackupRepository,
  tree: string,
  walk: Walk,
): Promise<void> {
  const folder = treeStaged.largeFolder(tree);
  if ((await target.stat(folder)) === null) return;
  const begun = (await target.list(folder)).filter(({ type }) => type === 'file');
  if (begun.length === 0) return;
  const keys = new Set(begun.map(({ name }) => keyOf(name)));
  const current = new Set<string>();
  let listedCount = 0;
  for (const [index, fileClass] of walk.rules.classes.entries())
    for await (const files of listClass(walk, index))
      for (const file of files) {
        listedCount++;
        if (!isStagedAlone(file, fileClass)) continue;
        const key = largeKey(file);
        if (keys.has(key)) current.add(key);
      }
  // What was not seen may be there: a folder that cannot be looked into, a disk that is not mounted.
  if (listedCount === 0 || walk.unread.hasFolders) return;
  for (const { name, path } of begun) if (!current.has(keyOf(name))) await target.remove(path);
}

function keyOf(name: string): string {
  return name.slice(0, name.indexOf('.'));
}

/** Large files get their names one after the other, when all of them are there; so do those of a sequence. */
export function isStagedAlone(
  { stamp: { sizeBytes } }: Pick<ListedFile, 'stamp'>,
  { inSequence }: Pick<FileClass, 'inSequence'>,
): boolean {
  return sizeBytes > WINDOW_BYTES || (inSequence === true && sizeBytes > 0);
}
