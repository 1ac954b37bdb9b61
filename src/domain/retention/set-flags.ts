/** GFS of sets: which points of a copy get a flag. Nothing is built of sets, so a flag makes no full: it goes to the first backup of its period as it is,
 *  and what that needs stays with it. */

import type { CopyMode } from '../jobs/copy-job.js';
import { gfsFullNeeded } from './gfs.js';
import type { TargetTreePoint } from '../trees/target-tree.js';
import { countedBackups } from '../trees/needed-points.js';
import { datesOfCopy } from '../trees/tree-dates.js';
import type { TreeRetention } from '../trees/tree-points.js';

export interface SetFlagsInput extends Pick<TreeRetention, 'gfs' | 'timeZone'> {
  readonly mode: CopyMode;
  readonly nowMs: number;
}

/** The points with the flags that are due. Logs and backups of parts get none: a period begins with a backup. Nor do points whose dates are not believed, as long as there are
 *  others: the period that they fill is that of the day on which they were copied.
 *  @param points oldest first by the dates of the source */
export function withDueFlags(
  points: readonly TargetTreePoint[],
  { gfs, timeZone, mode, nowMs }: SetFlagsInput,
): TargetTreePoint[] {
  if (gfs === null) return [...points];
  const dates = datesOfCopy(points, nowMs);
  const counted = new Set(countedBackups(points).map(({ id }) => id));
  const areAllDoubted = dates.every(({ isDoubted }) => isDoubted);
  const backups = points
    .flatMap(({ id, copiedAt, health, flags }, index) => {
      const { atMs, isDoubted } = dates[index]!;
      const isCandidate = !isDoubted || areAllDoubted || flags.length > 0;
      return counted.has(id) && isCandidate ? [{ id, atMs, copiedAt, health, flags }] : [];
    })
    .sort((a, b) => a.atMs - b.atMs)
    .map(({ atMs, ...point }) => ({
      ...{ ...point, createdAt: new Date(atMs).toISOString() },
      ...{ kind: 'full' as const, state: 'available' as const, parentId: null, source: {} },
    }));
  const due = gfsFullNeeded({ gfs, timeZone, mode, nowMs, points: backups });
  const byId = new Map(due.map(({ restorePointId, flags }) => [restorePointId, flags]));
  return points.map((point) => {
    const added = byId.get(point.id);
    return added === undefined ? point : { ...point, flags: [...point.flags, ...added] };
  });
}
