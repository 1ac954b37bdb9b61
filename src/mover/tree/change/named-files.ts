import { isBackupError } from '../../../domain/errors.js';
import { faultOfSourceFile } from '../../../domain/trees/one-file-fault.js';
import { keptText } from '../../../domain/trees/tree-guard.js';
import type { NamingFiles, TreeRules } from '../../../domain/trees/tree-rules.js';
import type { SourceRepository } from '../../../repository/backup-repository.js';
import type { FileEntry } from '../../../tree/file-index.js';
import { treeFile } from '../../../tree/tree-paths.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import type { TaskControl } from '../../task/task-control.js';
import { PathSet } from '../path-set.js';
import { readNames } from '../read-names.js';
import { knownFiles } from '../whole-tree.js';

/** What of a store files name that stay: it stays although its source has not had it for long enough, and a restore gives it back. */
export interface NamedFiles {
  readonly has: (entry: Pick<FileEntry, 'path'>) => boolean;
  /** A warning of a session: the source has lost what it needs itself. null: it has not. */
  readonly text: string | null;
}

const NONE: NamedFiles = { has: () => false, text: null };

/** Reads the files of the copy that name others, when such are due (docs/FORMAT.md, Order, D5).
 *  @param goes whether a file is due, and counts no more as one that names others */
export async function namedFiles(
  repository: SourceRepository,
  control: TaskControl,
  tree: string,
  record: Pick<TreeRecord, 'index'>,
  rules: Pick<TreeRules, 'names' | 'inUse'>,
  goes: (entry: FileEntry) => boolean,
): Promise<NamedFiles> {
  const names = rules.inUse ?? rules.names;
  if (names === undefined || record.index.every(({ goneCount }) => goneCount === 0)) return NONE;
  const due = new PathSet();
  let dueCount = 0;
  const naming: FileEntry[] = [];
  for await (const entries of knownFiles(repository, tree, record)) {
    control.throwIfStopped();
    for (const entry of entries) {
      const isDue = goes(entry);
      if (isDue && names.named.test(entry.path)) {
        due.add(entry.path);
        dueCount++;
      } else if (!isDue && names.match.test(entry.path)) naming.push(entry);
    }
  }
  return dueCount === 0 ? NONE : namedBy(naming, { repository, control, tree, names, due });
}

interface Naming {
  readonly repository: SourceRepository;
  readonly control: TaskControl;
  readonly tree: string;
  readonly names: NamingFiles;
  readonly due: PathSet;
}

async function namedBy(
  naming: readonly FileEntry[],
  { repository, control, tree, names, due }: Naming,
): Promise<NamedFiles> {
  const named = new Set<string>();
  // What a snapshot names that the source has forgotten, it has not lost.
  const lost = new Set<string>();
  let by = '';
  for (const { path, goneSinceMs } of naming) {
    const fault = await faultOf(() =>
      readNames(repository, control, treeFile(tree, path), names.read, (one) => {
        if (!due.has(one)) return;
        named.add(one);
        if (goneSinceMs !== null) return;
        if (lost.size === 0) by = path;
        lost.add(one);
      }),
    );
    // Nothing tells what it needs.
    if (fault !== null)
      return {
        has: (entry) => names.named.test(entry.path),
        text: `nothing that others name was removed: ${JSON.stringify(path)} of the copy ${fault}; a health check of the target may heal it`,
      };
  }
  return { has: ({ path }) => named.has(path), text: lostText(lost, by) };
}

async function faultOf(read: () => Promise<string | null>): Promise<string | null> {
  try {
    return await read();
  } catch (error) {
    if (isBackupError(error, 'FILE_MISSING')) return 'is missing';
    if (faultOfSourceFile(error) !== null) return 'cannot be read';
    throw error;
  }
}

function lostText(lost: ReadonlySet<string>, by: string): string | null {
  const [first] = lost;
  if (first === undefined) return null;
  const example = `${JSON.stringify(first)}, needed by ${JSON.stringify(by)}`;
  return keptText(lost.size, 'that its own files need', example);
}
