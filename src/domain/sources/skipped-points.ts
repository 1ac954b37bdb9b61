/** Restore points that a session passes over, told in a bounded number of sentences: a source with a year of dailies has hundreds. */

import type { RestorePointState } from './point-state.js';

export interface PassedOverPoint {
  readonly restorePointId: string;
  readonly state: RestorePointState;
  readonly reason: string;
}

/** One entry for all points of one state, in the order in which the states come first: the newest point with its own reason, and how many
 *  others there are since when. @param points oldest first */
export function oneForEachState(
  points: readonly PassedOverPoint[],
): { readonly restorePointId: string; readonly reason: string }[] {
  const byState = new Map<RestorePointState, PassedOverPoint[]>();
  for (const point of points) {
    const same = byState.get(point.state);
    if (same === undefined) byState.set(point.state, [point]);
    else same.push(point);
  }
  return [...byState.values()].map((same) => {
    const [oldest, newest] = [same[0]!, same.at(-1)!];
    const others = same.length - 1;
    const { restorePointId, reason } = newest;
    if (others === 0) return { restorePointId, reason };
    const rest =
      others === 1
        ? `; so was ${oldest.restorePointId}`
        : `; so were ${others} others, the oldest ${oldest.restorePointId}`;
    return { restorePointId, reason: `${reason}${rest}` };
  });
}
