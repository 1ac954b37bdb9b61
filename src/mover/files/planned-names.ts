import type { BackupRepository } from '../../repository/backup-repository.js';
import { readLines } from '../../tree/file-index.js';
import { treeStaged, type PlannedFile } from './tree-plan.js';

/** A file of a plan that is another name of one which the copy has, or gets by the same plan. */
export interface PlannedName {
  readonly file: PlannedFile;
  /** Path of that one, relative to the tree. */
  readonly first: string;
}

/** One line of the list. */
export function nameLine({ file: { path, stamp, mode }, first }: PlannedName): string {
  const { sizeBytes, modifiedAtNs, changedAtNs, inode } = stamp;
  return JSON.stringify([path, sizeBytes, modifiedAtNs, changedAtNs, inode, mode, first]);
}

function parseNameLine(text: string): PlannedName {
  const [path, sizeBytes, modifiedAtNs, changedAtNs, inode, mode, first] = JSON.parse(text) as [
    ...[string, number, string, string, string, number | null],
    string,
  ];
  const stamp = { sizeBytes, modifiedAtNs, changedAtNs, inode };
  return { file: { path, stamp, mode, held: null }, first };
}

/** The names that a plan gives to files of one class, in the order of their paths, in parts. */
export async function* plannedNames(
  target: BackupRepository,
  tree: string,
  classIndex: number,
): AsyncGenerator<readonly PlannedName[]> {
  const list = await target.openRead(treeStaged.list(tree, classIndex, 'names'));
  try {
    for await (const lines of readLines(list)) yield lines.map(parseNameLine);
  } finally {
    await list.close();
  }
}
