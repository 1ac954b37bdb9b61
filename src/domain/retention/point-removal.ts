/** What goes when an operator takes a restore point out of a chain. Pure. */

import { BackupError } from '../errors.js';
import { immutableReason } from './immutability.js';
import { chainAges } from './retention-age.js';
import type { TargetRestorePoint } from '../targets/target-point.js';

/** `delete`: the files go. `setAside`: the point is listed no more, and its files lie in the quarantine of its chain, which nobody empties. */
export type RemovalMode = 'delete' | 'setAside';

type RemovedPoint = Pick<TargetRestorePoint, 'id' | 'createdAt' | 'copiedAt' | 'parentId'>;

export interface RemovalRule {
  /** Whether what builds on the point may go with it. */
  readonly withDependents: boolean;
  readonly immutableForDays: number;
  readonly nowMs: number;
}

/** Ids of the point and of all that build on it, dependents first.
 *  @param points in the order of the record
 *  @throws RESTORE_POINT_MISSING, POINT_NEEDED, POINT_IMMUTABLE: nothing goes then */
export function pointsToRemove(
  points: readonly RemovedPoint[],
  pointId: string,
  { withDependents, immutableForDays, nowMs }: RemovalRule,
): string[] {
  if (!points.some(({ id }) => id === pointId))
    throw new BackupError('RESTORE_POINT_MISSING', `the chain lists no restore point ${pointId}`);
  const going = new Set([pointId]);
  for (const { id, parentId } of points)
    if (parentId !== null && going.has(parentId)) going.add(id);
  const ids = points.map(({ id }) => id).filter((id) => going.has(id));
  const [, ...dependents] = ids;
  if (dependents.length > 0 && !withDependents)
    throw new BackupError(
      'POINT_NEEDED',
      `${dependents.length} restore points build on ${pointId}: ${dependents.join(', ')}`,
    );
  const { points: aged, asOfMs } = chainAges(points, nowMs);
  for (const point of aged) {
    if (!going.has(point.id)) continue;
    const reason = immutableReason(point, { immutableForDays, nowMs, asOfMs });
    if (reason !== null)
      throw new BackupError('POINT_IMMUTABLE', `restore point ${point.id} is ${reason}`);
  }
  return ids.reverse();
}
