import { FaultList, type FileFaults } from '../../domain/trees/file-faults.js';
import { faultOfSourceFile } from '../../domain/trees/one-file-fault.js';
import { findingText, type FileFinding } from '../../domain/trees/tree-damage.js';
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
}

/** Compares the names and lengths of what lies in a copy with its index. It opens no file: what was changed in its length a health check alone finds. What
 *  is known of a folder that cannot be listed counts as unreadable. Only sessions that have something to copy look, so that one that has not costs what
 *  it did. */
export async function lookAtCopy(
  target: BackupRepository,
  tree: string,
  record: Pick<TreeRecord, 'index'>,
): Promise<LostFiles> {
  const lost = new FaultList();
  let count = 0;
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
    if (finding !== null) lost.add({ path: entry.path, reason: findingText(finding) });
    return undefined;
  });
  return { known: count, lost: lost.faults };
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
