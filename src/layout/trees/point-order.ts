import type { TreePoint } from '../../domain/trees/source-tree.js';

/** Order of the points of a tree, for `sort`: of one moment by their ids, so that each look finds the same. */
export function oldestFirst(
  a: Pick<TreePoint, 'id' | 'createdAtMs'>,
  b: Pick<TreePoint, 'id' | 'createdAtMs'>,
): number {
  return a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1);
}
