/** Which files of a tree wait because one that they may refer to could not be copied. Without them the copy is what it was: older, and whole. */

import type { TreePoint } from './source-tree.js';
import type { TreeRules } from './tree-rules.js';

/** What lacks files that could not be copied. Plain JSON. */
export interface LackingPoints {
  /** Any point may need one of them. */
  readonly any: boolean;
  /** Ids of points that do. */
  readonly ids: readonly string[];
}

export const NOTHING_LACKING: LackingPoints = { any: false, ids: [] };

/** @param paths of files, or of folders (with `/` behind) that could not be looked into */
export function lackingPoints(
  paths: Iterable<string>,
  rules: Pick<TreeRules, 'shape' | 'pointOf' | 'isOpaque'>,
  points: readonly Pick<TreePoint, 'id' | 'files'>[],
): LackingPoints {
  const lost = new Set(paths);
  if (lost.size === 0) return NOTHING_LACKING;
  if (rules.shape === 'sets')
    return {
      any: false,
      ids: points
        .filter(({ files }) => files?.some((path) => lost.has(path)) === true)
        .map(({ id }) => id),
    };
  const owners = [...lost].map((path) => rules.pointOf?.(path) ?? null);
  const ids = new Set(owners.filter((owner) => owner !== null));
  return { any: owners.includes(null), ids: [...ids] };
}

export function joinLacking(a: LackingPoints, b: LackingPoints): LackingPoints {
  return { any: a.any || b.any, ids: [...new Set([...a.ids, ...b.ids])] };
}

/** Whether a file is held back: one of a later class than what is lacking. A file of sets is not as long as one of its points has all that it needs; where
 *  nothing tells which files belong together none waits for another. */
export function withheldFiles(
  { any, ids }: LackingPoints,
  { shape, pointOf, isOpaque }: Pick<TreeRules, 'shape' | 'pointOf' | 'isOpaque'>,
  points: readonly Pick<TreePoint, 'id' | 'files'>[],
): (path: string) => boolean {
  if (isOpaque === true || (!any && ids.length === 0)) return () => false;
  const lacking = new Set(ids);
  if (shape === 'store') return (path) => any || lacking.has(pointOf?.(path) ?? '');
  const held = new Set<string>();
  for (const { id, files } of points)
    if (lacking.has(id)) for (const path of files ?? []) held.add(path);
  for (const { id, files } of points)
    if (!lacking.has(id)) for (const path of files ?? []) held.delete(path);
  return (path) => held.has(path);
}
