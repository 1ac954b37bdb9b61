/** Points that were copied and of which the source shows more since. */

import type { TreePoint } from './source-tree.js';
import type { TargetTreePoint } from './target-tree.js';

/** Whether the source shows another state of a point than was copied: a run of logs that has grown, a set with a file that came late, or with one that has
 *  another size (`NOINIT` writes set behind set into one file). A set that shows fewer files has lost them at the source, and that means nothing for
 *  the copy. One that was written over with as many bytes as before is not seen: points have no stamps.
 *  @param point complete */
export function hasNews(point: TreePoint, copied: TargetTreePoint): boolean {
  const { files, createdAtMs, sizeBytes, needs, gap } = point;
  if (files !== null && copied.files !== null) {
    const held = new Set(copied.files);
    return files.some((path) => !held.has(path)) || isResized(point, copied);
  }
  return (
    createdAtMs !== Date.parse(copied.createdAt) ||
    (sizeBytes !== undefined && sizeBytes !== copied.sizeBytes) ||
    gap !== copied.gap ||
    JSON.stringify(needs) !== JSON.stringify(copied.needs)
  );
}

/** Whether a set has another size at the source, and not because files of it are gone there. */
export function isResized(
  { files, sizeBytes }: TreePoint,
  copied: Pick<TargetTreePoint, 'files' | 'sizeBytes'>,
): boolean {
  if (files === null || copied.files === null || sizeBytes === undefined) return false;
  return sizeBytes !== copied.sizeBytes && files.length >= copied.files.length;
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
