import { FaultList, type FileFaults } from '../../../domain/trees/file-faults.js';
import { LossList, type KnownLosses } from '../../../domain/trees/known-losses.js';
import {
  findingText,
  isNeededBySound,
  type FileFinding,
} from '../../../domain/trees/tree-damage.js';
import type { TreeRules } from '../../../domain/trees/tree-rules.js';
import type { FileEntry } from '../../../tree/file-index.js';
import type { ClassIndex, TreeRecord } from '../../../tree/tree-record.js';
import type { LookedAtCopy } from '../look-at-copy.js';
import type { LostState } from '../tree-plan.js';
import type { FileDifference } from './listed-file.js';

/** What a session does about files that the copy has lost: those that the source still has are sent again, the others are told. */
export class Losses {
  readonly #faults = new FaultList();
  readonly #left = new LossList();
  readonly #isNeeded: ReturnType<typeof isNeededBySound>;
  readonly #isBehind: boolean;
  readonly #digests: ReadonlyMap<string, string>;
  readonly #judged: ReadonlySet<string>;
  #unjudged = 0;
  #ofNewPoints = 0;

  /** @param isStopped a run before was stopped: what it has written may have other lengths than the index says */
  constructor(
    record: Pick<TreeRecord, 'points' | 'isBehind' | 'lost' | 'lostNamed'> | null,
    private readonly rules: TreeRules,
    private readonly looked: LookedAtCopy,
    private readonly isStopped: boolean,
  ) {
    this.#isNeeded = isNeededBySound(record?.points ?? [], rules);
    this.#isBehind = record?.isBehind === true;
    this.#judged = new Set(record?.lostNamed);
    this.#digests = new Map(record?.lost?.files.map(({ path, digest }) => [path, digest]));
  }

  /** What has become of the files of one class, asked in the order of its index for each of them.
   *  @returns undefined: it is there, or it is not sent */
  ofClass(name: string): (entry: FileEntry, is: FileDifference) => LostState | undefined {
    const findings = this.looked.byClass.get(name);
    let next = 0;
    return (entry, is) => {
      const finding = findings?.get(next++) ?? this.#known(entry);
      if (finding === null) return undefined;
      const isStill = is === 'same' || is === 'back';
      const isSent = (isStill || is === 'changed') && canBeSent(finding, entry, isStill);
      if (isSent) return { finding, isStill };
      this.#leave(entry, finding);
      return undefined;
    };
  }

  /** Whether a file of a class lies in the copy: of one that was wiped the index knows files that do not. */
  hasFiles({ class: name, fileCount }: Pick<ClassIndex, 'class' | 'fileCount'>): boolean {
    // Where nothing else is lost the store is whole with it.
    if (fileCount > 0 && [...this.looked.byClass.keys()].every((other) => other === name))
      return true;
    const findings = [...(this.looked.byClass.get(name)?.values() ?? [])];
    return findings.filter((finding) => finding === 'missing').length < fileCount;
  }

  /** Those that are not sent. */
  get faults(): FileFaults {
    return this.#faults.faults;
  }

  get left(): KnownLosses {
    return this.#left.losses;
  }

  /** How many of them the points need that no health check has found corrupt, or may need for all that one has found. */
  get unjudged(): number {
    return this.#unjudged;
  }

  /** How many of them a new point of a store would need. */
  get ofNewPoints(): number {
    return this.#ofNewPoints;
  }

  /** A health check has found it, or it could not be sent before: whatever lies there now, nobody has proven it. */
  #known(entry: FileEntry): FileFinding | null {
    const digest = this.#digests.get(entry.path);
    return digest !== undefined && digest === entry.digest ? 'changed' : null;
  }

  #leave(entry: FileEntry, finding: FileFinding): void {
    const isOfLength = finding === 'short' || finding === 'longer';
    if (this.isStopped && isOfLength && this.#known(entry) === null) return;
    const { path, digest } = entry;
    // While the copy is behind, what is gone may be needed as what is not.
    const goneSinceMs = this.#isBehind ? null : entry.goneSinceMs;
    this.#left.add({ path, digest, goneSinceMs: entry.goneSinceMs });
    const isUnjudged = !this.#judged.has(path) && this.#isNeeded({ path, goneSinceMs });
    if (isUnjudged) this.#unjudged++;
    // What a health check has found, and judged, it has told.
    if (isUnjudged || finding !== 'changed')
      this.#faults.add({ path, reason: findingText(finding) });
    if (isOfNewPoints(entry, this.rules)) this.#ofNewPoints++;
  }
}

/** Into a folder that cannot be listed nothing is written. Of a large file of its length that the source still has nothing would tell, after a stop, whether it was sent: another
 *  one has a table of another name. */
function canBeSent(finding: FileFinding, { table }: FileEntry, isStill: boolean): boolean {
  return finding !== 'unreadable' && (finding !== 'changed' || table === null || !isStill);
}

/** Points of sets have their own files, and so have those that are worth something without some of them. Of files of which nothing tells what belongs
 *  together the one point has all that is not gone. */
function isOfNewPoints(
  { path, goneSinceMs }: FileEntry,
  {
    shape,
    pointOf,
    isPartial,
    isOpaque,
  }: Pick<TreeRules, 'shape' | 'pointOf' | 'isPartial' | 'isOpaque'>,
): boolean {
  const isShared = shape === 'store' && (isPartial !== true || isOpaque === true);
  const isOfAll = isShared && goneSinceMs === null;
  return isOfAll && (pointOf?.(path) ?? null) === null;
}
