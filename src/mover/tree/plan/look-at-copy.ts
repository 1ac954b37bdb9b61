import { FaultList, NO_FAULTS, type FileFaults } from '../../../domain/trees/file-faults.js';
import { LossList, type KnownLosses } from '../../../domain/trees/known-losses.js';
import { faultOfSourceFile } from '../../../domain/trees/one-file-fault.js';
import {
  findingText,
  isNeededBySound,
  type FileFinding,
} from '../../../domain/trees/tree-damage.js';
import type { TreeRules } from '../../../domain/trees/tree-rules.js';
import type { BackupRepository } from '../../../repository/backup-repository.js';
import { readIndex, type FileEntry } from '../../../tree/file-index.js';
import { mergeStreams, SortedStream, walkBoth, type Sorted } from '../../../tree/sorted-stream.js';
import type { ClassIndex, TreeRecord } from '../../../tree/tree-record.js';
import type { FileDifference } from './compare-class.js';
import type { LostState } from '../tree-plan.js';
import { lyingFiles, type LyingFile } from '../whole-tree.js';

/** Of the files of a class, in the order of its index, those that are not there as they were copied: by their numbers. */
type ClassFindings = ReadonlyMap<number, FileFinding>;

export interface LookedAtCopy {
  /** Files of the copy. */
  readonly known: number;
  /** Of these, those that are not there as they were copied, as far as a look at their folders tells: the count is exact. */
  readonly lost: FileFaults;
  /** How many of these are not there at all. */
  readonly missing: number;
  readonly byClass: ReadonlyMap<string, ClassFindings>;
}

export const NOTHING_LOST: LookedAtCopy = {
  ...{ known: 0, lost: NO_FAULTS, missing: 0, byClass: new Map() },
};

interface PlacedEntry extends Sorted {
  readonly entry: FileEntry;
  readonly class: string;
  readonly number: number;
}

/** Compares the names and lengths of what lies in a copy with its index. It opens no file: what was changed in its length a health check alone finds. What
 *  is known of a folder that cannot be listed counts as unreadable. Only sessions that have something to copy look, or that know of losses, so that one
 *  that has not costs what it did. */
export async function lookAtCopy(
  target: BackupRepository,
  tree: string,
  { index }: Pick<TreeRecord, 'index'>,
): Promise<LookedAtCopy> {
  const lost = new FaultList();
  const byClass = new Map<string, Map<number, FileFinding>>();
  let [count, missing] = [0, 0];
  const unlisted = new Set<string>();
  const mayGoOn = (folder: string, error: unknown): boolean => {
    const isOfFolder = faultOfSourceFile(error) !== null;
    if (isOfFolder) unlisted.add(folder);
    return isOfFolder;
  };
  const lying = await SortedStream.of(lyingFiles(target, tree, mayGoOn));
  const streams: SortedStream<PlacedEntry>[] = [];
  for (const one of index) streams.push(await SortedStream.of(placedEntries(target, tree, one)));
  const known = await SortedStream.of(mergeStreams(streams));
  await walkBoth(lying, known, (lies, placed) => {
    if (placed === null) return undefined;
    count++;
    const finding = findingOf(lies, placed.entry, unlisted);
    if (finding === null) return undefined;
    lost.add({ path: placed.path, reason: findingText(finding) });
    if (finding === 'missing') missing++;
    const findings = byClass.get(placed.class) ?? new Map<number, FileFinding>();
    byClass.set(placed.class, findings.set(placed.number, finding));
    return undefined;
  });
  return { known: count, lost: lost.faults, missing, byClass };
}

async function* placedEntries(
  target: BackupRepository,
  tree: string,
  index: ClassIndex,
): AsyncGenerator<readonly PlacedEntry[]> {
  let count = 0;
  for await (const entries of readIndex(target, tree, index))
    yield entries.map((entry) => ({
      ...{ path: entry.path, entry, class: index.class, number: count++ },
    }));
}

function findingOf(
  lies: LyingFile | null,
  { path, stamp }: FileEntry,
  unlisted: ReadonlySet<string>,
): FileFinding | null {
  if (lies === null) return isBelow(path, unlisted) ? 'unreadable' : 'missing';
  if (lies.type !== 'file') return 'unreadable';
  if (lies.stamp.sizeBytes < stamp.sizeBytes) return 'short';
  return lies.stamp.sizeBytes > stamp.sizeBytes ? 'longer' : null;
}

function isBelow(path: string, folders: ReadonlySet<string>): boolean {
  if (folders.size === 0) return false;
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
    if (folders.has(path.slice(0, end))) return true;
  return false;
}

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
      const isSent = (isStill || is === 'changed') && this.#canBeSent(finding, entry);
      if (isSent) return { finding, isStill };
      this.#leave(entry, finding);
      return undefined;
    };
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
  #known({ path, digest }: FileEntry): FileFinding | null {
    return this.#digests.get(path) === digest ? 'changed' : null;
  }

  /** Into a folder that cannot be listed nothing is written. Of a large file of its length nothing would tell, after a stop, whether it was sent. */
  #canBeSent(finding: FileFinding, { table }: FileEntry): boolean {
    return finding !== 'unreadable' && (finding !== 'changed' || table === null);
  }

  #leave(entry: FileEntry, finding: FileFinding): void {
    const isOfLength = finding === 'short' || finding === 'longer';
    if (this.isStopped && isOfLength) return;
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
