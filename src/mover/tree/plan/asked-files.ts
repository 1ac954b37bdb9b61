import type { SourceRepository } from '../../../repository/backup-repository.js';
import type { FileEntry } from '../../../tree/file-index.js';
import { treeFile } from '../../../tree/tree-paths.js';
import { statTarget } from '../stat-target.js';

/** The files for which a session asks that has nothing to copy: one of each class, the first that the copy has. A target that was wiped, or whose place another one has taken, has them no more,
 *  whatever its record says; a look at all files would cost more than all else that such a session does. */
export class AskedFiles {
  readonly #byClass = new Map<string, FileEntry>();

  /** Called for the files of a class in the order of the index. */
  note(fileClass: string, entry: FileEntry): void {
    if (!this.#byClass.has(fileClass)) this.#byClass.set(fileClass, entry);
  }

  /** Whether each lies there in its length. */
  async areThere(target: SourceRepository, tree: string): Promise<boolean> {
    for (const { path, stamp } of this.#byClass.values()) {
      const lies = await statTarget(target, treeFile(tree, path));
      if (lies?.stamp.sizeBytes !== stamp.sizeBytes) return false;
    }
    return true;
  }
}
