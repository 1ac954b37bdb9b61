import { FaultList, NO_FAULTS, type FileFaults } from '../../domain/trees/file-faults.js';
import { LossList, NO_LOSSES, type KnownLosses } from '../../domain/trees/known-losses.js';
import { faultOfSourceFile } from '../../domain/trees/one-file-fault.js';
import { findingText, type FileFinding } from '../../domain/trees/tree-damage.js';
import type { SourceRepository } from '../../repository/backup-repository.js';
import type { FileEntry } from '../../tree/file-index.js';
import { readIndex } from '../../tree/read-index.js';
import { mergeStreams, SortedStream, walkBoth, type Sorted } from '../../tree/sorted-stream.js';
import type { ClassIndex, TreeRecord } from '../../tree/tree-record.js';
import { lyingFiles, type LyingFile } from './whole-tree.js';

/** Of the files of a class, in the order of its index, those that are not there as they were copied: by their numbers. */
type ClassFindings = ReadonlyMap<number, FileFinding>;

export interface LookedAtCopy {
  /** Files of the copy. */
  readonly known: number;
  /** Of these, those that are not there as they were copied, as far as a look at their folders tells: the count is exact. */
  readonly lost: FileFaults;
  /** How many of these are not there at all. */
  readonly missing: number;
  readonly losses: KnownLosses;
  readonly byClass: ReadonlyMap<string, ClassFindings>;
}

export const NOTHING_LOST: LookedAtCopy = {
  ...{ known: 0, lost: NO_FAULTS, missing: 0, losses: NO_LOSSES, byClass: new Map() },
};

interface PlacedEntry extends Sorted {
  readonly entry: FileEntry;
  readonly class: string;
  readonly number: number;
}

/** Compares the names and lengths of what lies in a copy with its index. It opens no file: what was changed in its length a health check alone finds. What
 *  is known of a folder that cannot be listed counts as unreadable. Only sessions that have something to copy look, or that know of losses, or find one of the
 *  files that they ask for not as it was: one that has nothing to do asks for up to 300, or for one in 31 of more (`AskedFiles`), and lists no folder of the copy. */
export async function lookAtCopy(
  target: SourceRepository,
  tree: string,
  { index }: Pick<TreeRecord, 'index'>,
): Promise<LookedAtCopy> {
  const lost = new FaultList();
  const left = new LossList();
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
    left.add(placed.entry);
    if (finding === 'missing') missing++;
    const findings = byClass.get(placed.class) ?? new Map<number, FileFinding>();
    byClass.set(placed.class, findings.set(placed.number, finding));
    return undefined;
  });
  return { known: count, lost: lost.faults, missing, losses: left.losses, byClass };
}

async function* placedEntries(
  target: SourceRepository,
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
