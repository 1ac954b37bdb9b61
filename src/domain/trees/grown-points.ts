/** Points that were copied and of which the source shows more since. */

import type { TreePoint } from './source-tree.js';
import type { TargetTreePoint } from './target-tree.js';

/** Whether the source shows another state of a point than was copied: a run of logs that has grown, a set with a file that came late. A set that shows
 *  fewer files has lost them at the source, and that means nothing for the copy.
 *  @param point complete */
export function hasNews(point: TreePoint, copied: TargetTreePoint): boolean {
  const { files, createdAtMs, sizeBytes, needs, gap } = point;
  if (files !== null && copied.files !== null) {
    const held = new Set(copied.files);
    return files.some((path) => !held.has(path));
  }
  return (
    createdAtMs !== Date.parse(copied.createdAt) ||
    (sizeBytes !== undefined && sizeBytes !== copied.sizeBytes) ||
    gap !== copied.gap ||
    JSON.stringify(needs) !== JSON.stringify(copied.needs)
  );
}

/** The points of `shown` that a session has to take: those that are not in the copy, and those that it has an earlier state of.
 *  @param copied all that the copy has */
export function pointsToTake(
  shown: readonly TreePoint[],
  copied: readonly TargetTreePoint[],
): TreePoint[] {
  const byId = new Map(copied.map((point) => [point.source.restorePointId, point]));
  return shown.filter((point) => {
    const known = byId.get(point.id);
    return known === undefined || hasNews(point, known);
  });
}

export function notRenewedText(id: string, { createdAt }: TargetTreePoint, reason: string): string {
  return `restore point ${id} is in the copy as of ${createdAt} alone: ${reason}`;
}
