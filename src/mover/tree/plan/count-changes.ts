import { modifiedAtMs } from '../../../domain/file-stamp.js';
import { sequenceOrder } from '../../../domain/trees/lacking-files.js';
import type { ClassChanges, TreeChanges } from '../../../domain/trees/tree-guard.js';
import {
  isNeverWrittenOver,
  type FileClass,
  type TreeRules,
} from '../../../domain/trees/tree-rules.js';
import type { FileEntry } from '../../../tree/file-index.js';
import type { FileDifference, ListedFile } from './listed-file.js';

type CountedClass = Pick<
  FileClass,
  'name' | 'content' | 'isWrittenOnce' | 'isOfStore' | 'inSequence' | 'isOfNoPoint' | 'opensStore'
>;

/** What has become of a file without which a store cannot be opened. */
export interface OpeningChange {
  readonly fileClass: CountedClass;
  /** null: it is gone. */
  readonly listed: ListedFile | null;
  readonly entry: FileEntry;
}

/** Of the files of one sequence. */
interface Growth {
  /** How many have grown. */
  count: number;
  /** The last one that the source showed before. */
  last: string;
  hasLastGrown: boolean;
}

/** Of the files of one class by which a store is opened. */
interface Opening {
  known: number;
  added: number;
  readonly changes: OpeningChange[];
}

/** Counts what a look finds, for the guard against a wipe. */
export class ChangeCount {
  readonly #counts = { known: 0, steady: 0, gone: 0, rewritten: 0, added: 0, remade: 0 };
  readonly #classes = new Map<
    string,
    { steady: number; rewritten: number; isImmutable: boolean }
  >();
  #lost = 0;
  /** Path of the first file that its tool has removed, as far as can be told; null: none. */
  firstRemoved: string | null = null;
  /** Path of the last file that was found to be gone. */
  #lastGone: string | null = null;

  #waitingFromMs: number | null = null;
  readonly #waitingPoints = new Set<string>();
  readonly #grown = new Map<string, Growth>();
  readonly #opening = new Map<string, Opening>();

  /** @param stampsProve of the source: where they do not, every file counts as different until it is read, and only its length and time tell that
   *    somebody has written to it
   *  @param remade `remadePoints`
   *  @param stillShown `filesOfStillShown`: whatever their names, their tool writes to them no more, but behind what is there */
  constructor(
    private readonly stampsProve: boolean,
    private readonly rules: Pick<TreeRules, 'shape' | 'pointOf'>,
    private readonly remade: ReadonlySet<string>,
    private readonly stillShown: ReadonlySet<string>,
  ) {}

  get changes(): TreeChanges {
    let { rewritten } = this.#counts;
    for (const { count, hasLastGrown } of this.#grown.values())
      rewritten += count - (hasLastGrown ? 1 : 0);
    return { ...this.#counts, gone: this.#counts.gone + this.#lost, rewritten };
  }

  /** The same of each class that has files which are never written over. */
  get classes(): ClassChanges[] {
    return [...this.#classes].map(([name, counts]) => ({ name, ...counts }));
  }

  /** Files that the tool has removed, as far as can be told. */
  get removed(): number {
    return this.#counts.gone;
  }

  /** Files without which the store cannot be opened and that are written to or gone. Of those that are never written over one may go as long as others
   *  open the store. */
  get openingChanges(): OpeningChange[] {
    return [...this.#opening.values()].flatMap(({ known, added, changes }) => {
      const gone = changes.filter(({ listed }) => listed === null);
      const isOpenedByOthers = gone.length < known || added > 0;
      return changes.filter(
        ({ listed, fileClass }) =>
          listed !== null || fileClass.content !== 'immutable' || !isOpenedByOthers,
      );
    });
  }

  /** When the oldest of the files that wait was written, of those that any point may need. null: none of them waits. */
  get waitingFromMs(): number | null {
    return this.#waitingFromMs;
  }

  /** Ids of the points that alone can need the others. */
  get waitingPoints(): string[] {
    return [...this.#waitingPoints];
  }

  /** In the order of the paths.
   *  @param fileClass that the file belongs to */
  add(
    is: FileDifference,
    fileClass: CountedClass,
    listed: ListedFile | null,
    entry: FileEntry | null,
  ): void {
    const counts = this.#counts;
    const { path } = (listed ?? entry)!;
    const isRemade = this.remade.has(this.rules.pointOf?.(path) ?? '');
    // Of what sets do not show any more nothing is compared: they keep less than the copy does.
    const isCompared = listed !== null || this.rules.shape === 'store';
    const isEnded = isNeverWrittenOver(fileClass, path);
    const isOfStill = this.stillShown.has(path) && fileClass.isOfStore?.(path) !== true;
    const isSteady = isCompared && !isRemade && (isEnded || isOfStill);
    const wasShown = entry !== null && entry.goneSinceMs === null;
    if (wasShown) counts.known++;
    if (wasShown && isSteady) this.#countSteady(fileClass, 'steady');
    if (wasShown && isRemade && (is === 'gone' || is === 'lost')) counts.remade++;
    if (listed !== null && !wasShown && is !== 'waits') counts.added++;
    if (is === 'waits') this.#addWaiting(fileClass, listed!);
    if (is === 'gone') {
      counts.gone++;
      this.firstRemoved ??= entry!.path;
    }
    if (is === 'lost' && wasShown) this.#lost++;
    if (is === 'gone' || is === 'lost') this.#lastGone = entry!.path;
    const isUnderNewName =
      is === 'new' && this.#lastGone !== null && listed!.path.startsWith(`${this.#lastGone}.`);
    const mayGrow = !isEnded || fileClass.content === 'appended';
    const hasGrown = is === 'changed' && mayGrow && isLonger(listed!, entry!);
    const isWrittenOver =
      is === 'changed' &&
      wasShown &&
      isSteady &&
      !hasGrown &&
      // Owners, permissions and further names move the change time alone.
      ((this.stampsProve && isEnded) || isStampedAnew(listed!, entry));
    if (isWrittenOver || (isSteady && isUnderNewName)) this.#countSteady(fileClass, 'rewritten');
    if (wasShown && fileClass.content === 'appended' && fileClass.inSequence === true)
      this.#addToSequence(fileClass.name, entry.path, hasGrown);
    if (fileClass.opensStore !== undefined) this.#addOpening(is, fileClass, listed, entry);
  }

  #countSteady({ name, content }: CountedClass, what: 'steady' | 'rewritten'): void {
    const isImmutable = content !== 'appended';
    const own = this.#classes.get(name) ?? { steady: 0, rewritten: 0, isImmutable };
    this.#classes.set(name, own);
    own[what]++;
    this.#counts[what]++;
  }

  #addWaiting({ isOfNoPoint }: CountedClass, { path, stamp }: ListedFile): void {
    const owner = this.rules.pointOf?.(path) ?? '';
    if (owner !== '') this.#waitingPoints.add(owner);
    else if (isOfNoPoint !== true)
      this.#waitingFromMs = Math.min(this.#waitingFromMs ?? Infinity, modifiedAtMs(stamp));
  }

  /** Its tool goes on with the last file alone: whoever makes those before it longer is not its tool. */
  #addToSequence(name: string, path: string, hasGrown: boolean): void {
    const growth = this.#grown.get(name) ?? { count: 0, last: path, hasLastGrown: false };
    this.#grown.set(name, growth);
    if (hasGrown) growth.count++;
    if (sequenceOrder(path, growth.last) < 0) return;
    growth.last = path;
    growth.hasLastGrown = hasGrown;
  }

  #addOpening(
    is: FileDifference,
    fileClass: CountedClass,
    listed: ListedFile | null,
    entry: FileEntry | null,
  ): void {
    const { name } = fileClass;
    const opening = this.#opening.get(name) ?? { known: 0, added: 0, changes: [] };
    this.#opening.set(name, opening);
    if (entry === null) {
      if (is === 'new') opening.added++;
      return;
    }
    if (entry.goneSinceMs === null) opening.known++;
    else if (is === 'back') opening.added++;
    if (is === 'changed' || is === 'gone') opening.changes.push({ fileClass, listed, entry });
  }
}

function isStampedAnew({ stamp }: ListedFile, entry: FileEntry): boolean {
  const { sizeBytes, modifiedAtNs } = entry.stamp;
  return stamp.sizeBytes !== sizeBytes || stamp.modifiedAtNs !== modifiedAtNs;
}

function isLonger({ stamp }: ListedFile, entry: FileEntry): boolean {
  return stamp.sizeBytes > entry.stamp.sizeBytes;
}
