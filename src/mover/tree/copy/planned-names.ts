import type { SourceRepository } from '../../../repository/backup-repository.js';
import { readLines } from '../../../tree/file-index.js';
import {
  heldFields,
  parseHeld,
  treeStaged,
  type HeldFields,
  type PlannedFile,
} from '../tree-plan.js';

/** A file of a plan that is another name of one which the copy has, or gets by the same plan. */
export interface PlannedName {
  readonly file: PlannedFile;
  /** Path of that one, relative to the tree. */
  readonly first: string;
}

/** One line of the list. */
export function nameLine({ file: { path, stamp, mode, held }, first }: PlannedName): string {
  const { sizeBytes, modifiedAtNs, changedAtNs, inode } = stamp;
  const fields = [path, sizeBytes, modifiedAtNs, changedAtNs, inode, mode, first];
  return JSON.stringify([...fields, ...heldFields(held)]);
}

function parseNameLine(text: string): PlannedName {
  const fields = JSON.parse(text) as [
    ...[string, number, string, string, string, number | null, string],
    ...HeldFields,
  ];
  const [path, sizeBytes, modifiedAtNs, changedAtNs, inode, mode, first, ...held] = fields;
  const stamp = { sizeBytes, modifiedAtNs, changedAtNs, inode };
  return { file: { path, stamp, mode, held: parseHeld(held) }, first };
}

/** The names that a plan gives to files of one class, in the order of their paths, in parts. */
export async function* plannedNames(
  target: SourceRepository,
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
