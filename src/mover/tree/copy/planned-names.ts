import type { SourceRepository } from '../../../repository/backup-repository.js';
import { readStagedLines } from '../staged-list.js';
import {
  heldFields,
  parseHeld,
  parseListedFile,
  treeStaged,
  type PlannedClass,
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

/** @throws SyntaxError */
function parseNameLine(line: string): PlannedName {
  const { file, rest } = parseListedFile(line);
  const [first, ...held] = rest;
  if (typeof first !== 'string') throw new SyntaxError('a name of no file');
  return { file: { ...file, held: parseHeld(held) }, first };
}

/** The names that a plan gives to files of one class, in the order of their paths, in parts.
 *  @throws STAGING_INVALID */
export function plannedNames(
  target: SourceRepository,
  tree: string,
  classIndex: number,
  { nameCount }: Pick<PlannedClass, 'nameCount'>,
): AsyncGenerator<readonly PlannedName[]> {
  const path = treeStaged.list(tree, classIndex, 'names');
  return readStagedLines(target, path, nameCount, parseNameLine);
}
