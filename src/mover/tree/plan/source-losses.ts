import type { FaultList } from '../../../domain/trees/file-faults.js';
import { modifiedAtMs } from '../../../domain/file-stamp.js';
import type { SourceTree } from '../../../domain/trees/source-tree.js';
import type { FileClass, RemovalTrace, TreeRules } from '../../../domain/trees/tree-rules.js';
import type { FileEntry } from '../../../tree/file-index.js';
import type { FileDifference, ListedFile } from './listed-file.js';

interface SourceLossesInput {
  readonly rules: TreeRules;
  /** Those that the source shows, whole or not. */
  readonly points: SourceTree['points'];
  /** `TreeRecord.changedAt`; null: there is no copy. */
  readonly changedAt: string | null;
  /** An operator takes what is missing for removed. */
  readonly isAgreed: boolean;
  /** Gets those that are lost. */
  readonly lost: FaultList;
}

/** Which files the source misses although its tool has not removed them, in one look: a tool that removes leaves a trace (`RemovalTrace`), in files of classes that are looked at
 *  before. The copy has perhaps the only good ones. */
export class SourceLosses {
  readonly #setAside = new Set<string>();
  readonly #points: ReadonlySet<string>;
  readonly #marks: readonly TraceMark[];
  readonly #changedAtMs: number;

  constructor(private readonly input: SourceLossesInput) {
    this.#points = new Set(
      input.points.filter(({ isUnlisted }) => isUnlisted !== true).map(({ id }) => id),
    );
    this.#marks = marksOf(input.rules);
    this.#changedAtMs = input.changedAt === null ? Infinity : Date.parse(input.changedAt);
  }

  /** @param path of a file that the tool has renamed because it found it damaged */
  addSetAside(path: string): void {
    this.#setAside.add(path);
  }

  /** Told of each file, before those of the classes that it tells of. */
  see(is: FileDifference, listed: ListedFile | null, entry: FileEntry | null): void {
    if (this.#marks.length === 0) return;
    const { path } = (listed ?? entry)!;
    for (const mark of this.#marks) if (mark.match.test(path)) this.#mark(mark, is, listed, entry);
  }

  /** @param entry of the copy, which the source does not show */
  has({ removal }: Pick<FileClass, 'removal'>, entry: FileEntry): boolean {
    const reason = this.#setAside.has(entry.path) ? SET_ASIDE : this.#reasonOf(removal, entry);
    if (reason !== null) this.input.lost.add({ path: entry.path, reason });
    return reason !== null;
  }

  #reasonOf(removal: RemovalTrace | undefined, entry: FileEntry): string | null {
    if (removal === undefined || this.input.isAgreed) return null;
    const point = removal.goesWith?.(entry.path) ?? null;
    if (point !== null)
      return this.#points.has(point) ? `its restore point ${point} is still there` : null;
    const { replaces, rewrites } = removal;
    // What was taken for removed is not lost because nothing more was removed.
    if (entry.goneSinceMs !== null || (replaces ?? rewrites) === undefined) return null;
    const isTraced = this.#marks.some(
      ({ match, isReplaced, isRewritten }) =>
        (match === replaces && isReplaced()) || (match === rewrites && isRewritten),
    );
    return isTraced ? null : NO_TRACE;
  }

  /** What the last look has seen counts once more: it may have come while its tool was still removing. */
  #mark(
    mark: TraceMark,
    is: FileDifference,
    listed: ListedFile | null,
    entry: FileEntry | null,
  ): void {
    if (listed !== null) mark.isShown = true;
    const goneSinceMs = is === 'gone' ? Infinity : (entry?.goneSinceMs ?? -Infinity);
    if (listed === null && goneSinceMs >= this.#changedAtMs) mark.isGone = true;
    if (listed === null) return;
    const writtenAtMs = modifiedAtMs(listed.stamp);
    const isAnew =
      entry === null ||
      entry.stamp.sizeBytes !== listed.stamp.sizeBytes ||
      entry.stamp.modifiedAtNs !== listed.stamp.modifiedAtNs;
    if (isAnew || writtenAtMs >= this.#changedAtMs - REMOVES_FOR_MS) mark.isRewritten = true;
  }
}

/** For how long a tool may go on removing after it has written what tells of it. */
const REMOVES_FOR_MS = 60 * 60_000;

const SET_ASIDE = 'its tool found it damaged, and needs it';
const NO_TRACE = 'its tool, which writes to its index before it removes, has not done so';

/** What was seen of the files that tell of removals. */
class TraceMark {
  isShown = false;
  isGone = false;
  isRewritten = false;

  constructor(readonly match: RegExp) {}

  readonly isReplaced = (): boolean => this.isShown && this.isGone;
}

function marksOf({ classes }: TreeRules): TraceMark[] {
  const matches = classes.flatMap(({ removal }) => [
    ...(removal?.replaces === undefined ? [] : [removal.replaces]),
    ...(removal?.rewrites === undefined ? [] : [removal.rewrites]),
  ]);
  return [...new Set(matches)].map((match) => new TraceMark(match));
}
