/** Names in the folder of a tree in a target repository (docs/FORMAT.md, Trees). */

export const TREE_RECORD_NAME = 'tree.json';
/** Second copy, written before the first. */
export const TREE_RECORD_COPY_NAME = 'tree.json.copy';
/** The tree itself, name by name: a tool is pointed there. */
export const FILES_FOLDER = 'files';
export const INDEX_FOLDER = '.index';
/** Notes of health checks, one folder each. */
export const CHECKS_FOLDER = '.checks';

export function treeFile(tree: string, path: string): string {
  return `${tree}/${FILES_FOLDER}/${path}`;
}

/** @param revision of the record that lists it first */
export function indexRunName(revision: number, classIndex: number): string {
  return `${String(revision).padStart(8, '0')}-${classIndex}.run`;
}

export function indexPath(tree: string, name: string): string {
  return `${tree}/${INDEX_FOLDER}/${name}`;
}

/** Digest table of a large file: of the path and what the source's file looked like. */
export function tableName(key: string): string {
  return `${key}.digests`;
}
