import type { FileFault } from '../../../domain/trees/file-faults.js';
import type { NamingFiles } from '../../../domain/trees/tree-rules.js';
import type { SourceRepository } from '../../../repository/backup-repository.js';
import type { FileEntry } from '../../../tree/file-index.js';
import { treeFile } from '../../../tree/tree-paths.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import { knownFiles } from '../whole-tree.js';
import type { TaskControl } from '../../task/task-control.js';
import { PathSet } from '../path-set.js';
import { readNames } from '../read-names.js';

/** Which files of a copied store name files that are not in the copy (because it has lost them, or because its source did not have them either), or are not
 *  what they should be.
 *  @param isThere whether a file that the index knows may be counted on */
export async function followNames(
  repository: SourceRepository,
  control: TaskControl,
  tree: string,
  record: Pick<TreeRecord, 'index'>,
  { match, read }: NamingFiles,
  isThere: (entry: FileEntry) => boolean,
): Promise<FileFault[]> {
  const there = new PathSet();
  const naming: FileEntry[] = [];
  for await (const entries of knownFiles(repository, tree, record)) {
    control.throwIfStopped();
    for (const entry of entries) {
      if (!isThere(entry)) continue;
      there.add(entry.path);
      if (match.test(entry.path)) naming.push(entry);
    }
  }
  const faults: FileFault[] = [];
  for (const { path } of naming) {
    const reason = await faultOf(repository, control, treeFile(tree, path), read, there);
    if (reason !== null) faults.push({ path, reason });
  }
  return faults;
}

/** null: it names only what is there. */
async function faultOf(
  repository: SourceRepository,
  control: TaskControl,
  path: string,
  read: NamingFiles['read'],
  there: PathSet,
): Promise<string | null> {
  const missing = new Set<string>();
  const fault = await readNames(repository, control, path, read, (named) => {
    if (!there.has(named)) missing.add(named);
  });
  if (fault !== null) return fault;
  const [first] = missing;
  if (first === undefined) return null;
  return missing.size === 1
    ? `names ${first}, which is not there as its tool wrote it`
    : `names ${String(missing.size)} files that are not there as its tool wrote them, ${first} among them`;
}
