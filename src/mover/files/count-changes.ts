import type { TreeChanges } from '../../domain/trees/tree-guard.js';
import type { FileContent } from '../../domain/trees/tree-rules.js';
import type { FileEntry } from '../../tree/file-index.js';
import type { FileDifference } from './compare-class.js';
import type { ListedFile } from './walk-tree.js';

/** Counts what a look finds, for the guard against a wipe. */
export class ChangeCount {
  readonly #counts = { known: 0, steady: 0, gone: 0, rewritten: 0, added: 0 };
  /** Path of the last file that was found to be gone. */
  #lastGone: string | null = null;

  get changes(): TreeChanges {
    return { ...this.#counts };
  }

  /** In the order of the paths.
   *  @param content of the class that the file belongs to */
  add(
    is: FileDifference,
    content: FileContent,
    listed: ListedFile | null,
    entry: FileEntry | null,
  ): void {
    const counts = this.#counts;
    const isSteady = content === 'immutable' || content === 'appended';
    const wasShown = entry !== null && entry.goneSinceMs === null;
    if (wasShown) counts.known++;
    if (wasShown && isSteady) counts.steady++;
    if (listed !== null && !wasShown && is !== 'waits') counts.added++;
    if (is === 'gone') {
      counts.gone++;
      this.#lastGone = entry!.path;
    }
    const isUnderNewName =
      is === 'new' && this.#lastGone !== null && listed!.path.startsWith(`${this.#lastGone}.`);
    const isWrittenOver =
      is === 'changed' && wasShown && isSteady && !hasGrown(content, listed!, entry);
    if (isWrittenOver || (isSteady && isUnderNewName)) counts.rewritten++;
  }
}

/** What is only ever appended to is larger when it has changed. */
function hasGrown(content: FileContent, { stamp }: ListedFile, entry: FileEntry): boolean {
  return content === 'appended' && stamp.sizeBytes > entry.stamp.sizeBytes;
}
