import { isBackupError } from '../../../domain/errors.js';
import type { BackupRepository, SourceRepository } from '../../../repository/backup-repository.js';
import type { FileEntry } from '../../../tree/file-index.js';
import { readIndex } from '../../../tree/read-index.js';
import { indexPath, tableName, treeFile } from '../../../tree/tree-paths.js';
import type { ClassIndex } from '../../../tree/tree-record.js';
import { plannedNames, type PlannedName } from '../copy/planned-names.js';
import type { StagedClass } from '../copy/staged-files.js';
import { largeKey, type PlannedFile } from '../tree-plan.js';

/** What the files are in the copy of which a plan gives further names: by the index, or as the plan has copied them.
 *  @param copied entries of the plan */
export async function namedFiles(
  target: SourceRepository,
  { tree, classIndex, planned }: StagedClass,
  index: Pick<ClassIndex, 'runs'>,
  copied: readonly AsyncIterable<readonly FileEntry[]>[],
): Promise<ReadonlyMap<string, FileEntry>> {
  const known = new Map<string, FileEntry>();
  if (planned.nameCount === 0) return known;
  const wanted = new Set<string>();
  for await (const names of plannedNames(target, tree, classIndex, planned))
    for (const { first } of names) wanted.add(first);
  for (const entries of [readIndex(target, tree, index), ...copied])
    for await (const part of entries)
      for (const entry of part) if (wanted.has(entry.path)) known.set(entry.path, entry);
  return known;
}

/** An entry with what the copy had under its name before. */
export interface NamedEntry {
  readonly entry: FileEntry;
  readonly file: PlannedFile;
}

/** Entries of the names that were given, each with a digest table of its own. A name that was not is told to `onMissing`. */
export async function* nameEntries(
  target: BackupRepository,
  { tree, classIndex, planned }: StagedClass,
  known: ReadonlyMap<string, FileEntry>,
  onMissing: (file: PlannedFile) => void,
): AsyncGenerator<readonly NamedEntry[]> {
  if (planned.nameCount === 0) return;
  for await (const names of plannedNames(target, tree, classIndex, planned)) {
    const entries: NamedEntry[] = [];
    for (const name of names) {
      const entry = await entryOf(target, tree, name, known.get(name.first));
      if (entry === null) onMissing(name.file);
      else entries.push({ entry, file: name.file });
    }
    yield entries;
  }
}

async function entryOf(
  target: BackupRepository,
  tree: string,
  { file, first }: PlannedName,
  known: FileEntry | undefined,
): Promise<FileEntry | null> {
  if (known === undefined) return null;
  // A further name of other bytes is not what was lost.
  if (file.held !== null && file.held.digest !== known.digest) return null;
  const named = await target.stat(treeFile(tree, file.path));
  const other = await target.stat(treeFile(tree, first));
  if (named === null || named.stamp.inode !== other?.stamp.inode) return null;
  const { path, stamp, mode } = file;
  const table = known.table === null ? null : tableName(largeKey(file));
  if (
    known.table !== null &&
    table !== null &&
    !(await nameTable(target, tree, known.table, table))
  )
    return null;
  return { path, stamp, mode, digest: known.digest, table, goneSinceMs: null };
}

/** Each file has a table of its own, so that one may go without the other. */
async function nameTable(
  target: BackupRepository,
  tree: string,
  from: string,
  to: string,
): Promise<boolean> {
  try {
    await target.link!([{ from: indexPath(tree, from), to: indexPath(tree, to) }], tree);
    return true;
  } catch (error) {
    if (isBackupError(error, 'FILE_MISSING')) return false;
    throw error;
  }
}
