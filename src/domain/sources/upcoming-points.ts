/** What a session would add to a chain before retention looks at it. Pure. */

import { judgedShort } from './source-identity.js';
import { hasPointFolder, newPointFolder } from '../targets/path-segment.js';
import type { TargetRestorePoint } from '../targets/target-point.js';

/** A restore point of the source that is to be copied. */
export interface UpcomingCopy {
  readonly restorePointId: string;
  readonly createdAtMs: number;
  readonly kind: 'full' | 'increment';
  /** Why it was taken too early. Absent: nothing that is known. */
  readonly short?: string | undefined;
}

/** The points of a chain when these have been copied, those that it has and behind them the new ones, as far as retention and GFS look at them: a new
 *  point has the disks of the last one, and nothing is known of its files. An increment without anything sound to build on is a full;
 *  a date that no copy can have is left out.
 *  @param points as the record lists them
 *  @param copies in the order of copying */
export function withUpcomingPoints(
  points: readonly TargetRestorePoint[],
  copies: readonly UpcomingCopy[],
  repositoryId: string,
  nowMs: number,
): TargetRestorePoint[] {
  const all = [...points];
  const at = new Date(nowMs).toISOString();
  for (const { restorePointId, createdAtMs, kind: wanted, short } of copies) {
    if (!hasPointFolder(createdAtMs)) continue;
    const below = all.at(-1);
    const parent = wanted === 'full' || below?.health === 'corrupt' ? undefined : below;
    const kind = parent === undefined ? 'full' : 'increment';
    const id = newPointFolder(createdAtMs, (name) => all.some((point) => point.id === name));
    all.push({
      ...{ id, kind, createdAt: new Date(createdAtMs).toISOString(), copiedAt: at },
      ...{ parentId: parent?.id ?? null, chainId: parent?.chainId ?? id },
      ...{ state: 'available', health: 'good', verifiedAt: at, flags: [] },
      disks: (all.at(-1)?.disks ?? []).map((disk) => ({ ...disk, kind })),
      companions: [],
      source: { repositoryId, restorePointId, fingerprint: null, ...judgedShort(short, 0) },
      copyId: id,
    });
  }
  return all;
}
