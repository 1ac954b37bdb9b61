import { FaultList, type FileFaults } from '../../domain/trees/file-faults.js';
import { faultOfSourceFile } from '../../domain/trees/one-file-fault.js';
import { findingText, isNeededBySound, type FileFinding } from '../../domain/trees/tree-damage.js';
import type { TreeRules } from '../../domain/trees/tree-rules.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import type { FileEntry } from '../../tree/file-index.js';
import { SortedStream, walkBoth } from '../../tree/sorted-stream.js';
import type { TreeRecord } from '../../tree/tree-record.js';
import { knownFiles, lyingFiles, type LyingFile } from './whole-tree.js';

export interface LostFiles {
  /** Files of the copy. */
  readonly known: number;
  /** Of these, those that are not there as they were copied, as far as a look at their folders tells: the count is exact. */
  readonly lost: FileFaults;
  /** How many of these the points need that no health check has found corrupt, or may need for all that one has found. */
  readonly unjudged: number;
  /** How many of these a new point of a store would need. */
  readonly ofNewPoints: number;
}

/** Compares the names and lengths of what lies in a copy with its index. It opens no file: what was changed in its length a health check alone finds. What
 *  is known of a folder that cannot be listed counts as unreadable. Only sessions that have something to copy look, or that know of losses, so that one
 *  that has not costs what it did.
 *  @param isStopped a run before was stopped: what it has written may have other lengths than the index says, but takes nothing away */
export async function lookAtCopy(
  target: BackupRepository,
  tree: string,
  record: Pick<TreeRecord, 'index' | 'points' | 'isBehind' | 'lostNamed'>,
  rules: Pick<TreeRules, 'shape' | 'pointOf' | 'isPartial'>,
  { isStopped }: { readonly isStopped: boolean },
): Promise<LostFiles> {
  const lost = new FaultList();
  const isNeeded = isNeededBySound(record.points, rules);
  const judged = new Set(record.lostNamed);
  let [count, unjudged, ofNewPoints] = [0, 0, 0];
  const unlisted = new Set<string>();
  const mayGoOn = (folder: string, error: unknown): boolean => {
    const isOfFolder = faultOfSourceFile(error) !== null;
    if (isOfFolder) unlisted.add(folder);
    return isOfFolder;
  };
  const lying = await SortedStream.of(lyingFiles(target, tree, mayGoOn));
  const known = await SortedStream.of(knownFiles(target, tree, record));
  await walkBoth(lying, known, (lies, entry) => {
    if (entry === null) return undefined;
    count++;
    const finding = findingOf(lies, entry, unlisted);
    if (finding === null || (isStopped && isOfLength(finding))) return undefined;
    lost.add({ path: entry.path, reason: findingText(finding) });
    // While the copy is behind, what is gone may be needed as what is not.
    const goneSinceMs = record.isBehind === true ? null : entry.goneSinceMs;
    if (!judged.has(entry.path) && isNeeded({ path: entry.path, goneSinceMs })) unjudged++;
    if (isOfNewPoints(entry, rules)) ofNewPoints++;
    return undefined;
  });
  return { known: count, lost: lost.faults, unjudged, ofNewPoints };
}

function isOfLength(finding: FileFinding): boolean {
  return finding === 'short' || finding === 'longer';
}

/** Points of sets have their own files, and so have those that are worth something without some of them. */
function isOfNewPoints(
  { path, goneSinceMs }: FileEntry,
  { shape, pointOf, isPartial }: Pick<TreeRules, 'shape' | 'pointOf' | 'isPartial'>,
): boolean {
  const isOfAll = shape === 'store' && isPartial !== true && goneSinceMs === null;
  return isOfAll && (pointOf?.(path) ?? null) === null;
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
