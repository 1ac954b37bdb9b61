import { modifiedAtMs } from '../../domain/sources/restore-point.js';
import type { TreeChanges } from '../../domain/trees/tree-guard.js';
import type { FileClass, FileContent } from '../../domain/trees/tree-rules.js';
import type { FileEntry } from '../../tree/file-index.js';
import type { FileDifference } from './compare-class.js';
import type { ListedFile } from './walk-tree.js';

/** Counts what a look finds, for the guard against a wipe. */
export class ChangeCount {
  readonly #counts = { known: 0, steady: 0, gone: 0, rewritten: 0, added: 0 };
  /** Path of the last file that was found to be gone. */
  #lastGone: string | null = null;

  #waitingFromMs: number | null = null;

  /** @param stampsProve of the source: where they do not, every file counts as different until it is read, and only its length and time tell that
   *    somebody has written to it */
  constructor(private readonly stampsProve: boolean) {}

  get changes(): TreeChanges {
    return { ...this.#counts };
  }

  /** When the oldest of the files that wait was written. null: none waits. */
  get waitingFromMs(): number | null {
    return this.#waitingFromMs;
  }

  /** In the order of the paths.
   *  @param fileClass that the file belongs to */
  add(
    is: FileDifference,
    fileClass: Pick<FileClass, 'content' | 'isWrittenOnce'>,
    listed: ListedFile | null,
    entry: FileEntry | null,
  ): void {
    const counts = this.#counts;
    const isSteady = isNeverWrittenOver(fileClass, (listed ?? entry)!.path);
    const wasShown = entry !== null && entry.goneSinceMs === null;
    if (wasShown) counts.known++;
    if (wasShown && isSteady) counts.steady++;
    if (listed !== null && !wasShown && is !== 'waits') counts.added++;
    if (is === 'waits')
      this.#waitingFromMs = Math.min(this.#waitingFromMs ?? Infinity, modifiedAtMs(listed!.stamp));
    if (is === 'gone') {
      counts.gone++;
      this.#lastGone = entry!.path;
    }
    const isUnderNewName =
      is === 'new' && this.#lastGone !== null && listed!.path.startsWith(`${this.#lastGone}.`);
    const isWrittenOver =
      is === 'changed' &&
      wasShown &&
      isSteady &&
      !hasGrown(fileClass.content, listed!, entry) &&
      (this.stampsProve || isStampedAnew(listed!, entry));
    if (isWrittenOver || (isSteady && isUnderNewName)) counts.rewritten++;
  }
}

function isNeverWrittenOver(
  { content, isWrittenOnce }: Pick<FileClass, 'content' | 'isWrittenOnce'>,
  path: string,
): boolean {
  return content === 'immutable' || content === 'appended' || isWrittenOnce?.(path) === true;
}

function isStampedAnew({ stamp }: ListedFile, entry: FileEntry): boolean {
  const { sizeBytes, modifiedAtNs } = entry.stamp;
  return stamp.sizeBytes !== sizeBytes || stamp.modifiedAtNs !== modifiedAtNs;
}

/** What is only ever appended to is larger when it has changed. */
function hasGrown(content: FileContent, { stamp }: ListedFile, entry: FileEntry): boolean {
  return content === 'appended' && stamp.sizeBytes > entry.stamp.sizeBytes;
}
