import { FaultList, type FileFaults } from '../../domain/trees/file-faults.js';
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

/** Compares the names and lengths of what lies in a copy with its index. It opens no file: what was changed in its length a health check alone finds. Only
 *  sessions that have something to copy look, so that one that has not costs what it did. */
export async function lookAtCopy(
  target: BackupRepository,
  tree: string,
  record: Pick<TreeRecord, 'index'>,
): Promise<LostFiles> {
  const lost = new FaultList();
  let count = 0;
  const lying = await SortedStream.of(lyingFiles(target, tree));
  const known = await SortedStream.of(knownFiles(target, tree, record));
  await walkBoth(lying, known, (lies, entry) => {
    if (entry === null) return undefined;
    count++;
    const finding = findingOf(lies, entry);
    if (finding !== null) lost.add({ path: entry.path, reason: findingText(finding) });
    return undefined;
  });
  return { known: count, lost: lost.faults };
}

function findingOf(lies: LyingFile | null, { stamp }: FileEntry): FileFinding | null {
  if (lies === null) return 'missing';
  if (lies.type !== 'file') return 'unreadable';
  if (lies.stamp.sizeBytes < stamp.sizeBytes) return 'short';
  return lies.stamp.sizeBytes > stamp.sizeBytes ? 'longer' : null;
}
