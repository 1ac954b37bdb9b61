import { modifiedAtMs } from '../../../domain/file-stamp.js';
import { isSameFile, type FileClass } from '../../../domain/trees/tree-rules.js';
import type { SourceRepository } from '../../../repository/backup-repository.js';
import type { FileEntry } from '../../../tree/file-index.js';
import { readIndexLines } from '../../../tree/read-index.js';
import { SortedStream, walkBoth } from '../../../tree/sorted-stream.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import type { FileDifference, ListedFile } from './listed-file.js';
import { listClass, type Walk } from './walk-tree.js';

/** Gets the entry of what is `same` as one that is read when it is asked: nothing takes it apart into a copy. */
type OnDifference = (
  is: FileDifference,
  listed: ListedFile | null,
  entry: FileEntry | null,
) => Promise<void> | undefined;

/** What is different between one class of the source's files and the index, in the order of their paths.
 *  @param record null: there is no copy yet */
export async function compareClass(
  walk: Walk,
  target: SourceRepository,
  tree: string,
  record: TreeRecord | null,
  classIndex: number,
  onDifference: OnDifference,
): Promise<void> {
  const { rules } = walk;
  const fileClass = rules.classes[classIndex]!;
  const index = record?.index.find((entry) => entry.class === fileClass.name) ?? { runs: [] };
  const listing = await SortedStream.of(listClass(walk, classIndex));
  const known = await SortedStream.of(readIndexLines(target, tree, index));
  const isProven = sameness(walk, classIndex);
  const { stampsProve } = walk.repository.capabilities;
  const differenceOf = (listed: ListedFile | null, entry: FileEntry | null): FileDifference => {
    if (listed === null) return absence(walk, fileClass, entry!);
    if (entry !== null && isProven(listed, entry))
      return entry.goneSinceMs === null ? 'same' : 'back';
    if (isOpen(walk, listed)) return 'waits';
    return entry === null ? 'new' : 'changed';
  };
  try {
    await walkBoth(listing, known, (listed, line) => {
      const isInBoth = listed !== null && line !== null;
      const same = isInBoth && stampsProve ? line.entryOfSame(listed, fileClass.content) : null;
      const entry = same ?? line?.entry ?? null;
      const is = same === null ? differenceOf(listed, entry) : 'same';
      walk.losses.see(is, listed, entry);
      return onDifference(is, listed, entry);
    });
  } finally {
    await listing.close();
    await known.close();
  }
}

/** What sets lose at the source is the business of retention. */
function absence(
  { rules, unread, losses }: Walk,
  fileClass: FileClass,
  entry: FileEntry,
): FileDifference {
  const { path, goneSinceMs } = entry;
  if (rules.shape === 'sets') return 'away';
  if (unread.has(path)) return 'unseen';
  if (losses.has(fileClass, entry)) return 'lost';
  return goneSinceMs !== null ? 'away' : 'gone';
}

/** Where stamps are weak only a name that is a digest proves anything without reading. */
function sameness(
  { repository, rules }: Walk,
  classIndex: number,
): (listed: ListedFile, entry: FileEntry) => boolean {
  const { content } = rules.classes[classIndex]!;
  if (repository.capabilities.stampsProve)
    return ({ stamp }, entry) => isSameFile(stamp, entry.stamp, content);
  return ({ path, stamp }, entry) =>
    stamp.sizeBytes === entry.stamp.sizeBytes && (rules.digestInName?.(path) ?? null) !== null;
}

/** A piece of sets is sealed by the point that lists it; files of a store wait until nobody has written to them for a while, where its tool writes under
 *  their final names. */
function isOpen({ rules, nowMs, settleMs }: Walk, { path, stamp }: ListedFile): boolean {
  const waitMs = rules.openFilesWaitMs === 'settle' ? settleMs : rules.openFilesWaitMs;
  if (waitMs === 0 || rules.shape === 'sets') return false;
  if (rules.isFullSize?.(path, stamp.sizeBytes) === true) return false;
  return modifiedAtMs(stamp) > nowMs - waitMs;
}
