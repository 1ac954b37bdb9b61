import type { TargetRestorePoint } from '../targets/target-point.js';
import type { GfsFull } from './gfs.js';
import type { RetentionAction } from './retention.js';

type Deletion = RetentionAction & { readonly type: 'delete' };

/** Deletions that need not wait for the fulls of the same plan, where the target has no room to make these: what goes is neither such a full, nor
 *  anything that one is built from, nor what a point that stays builds on.
 *  @param points all of the chain */
export function deletionsBeforeFulls(
  points: readonly Pick<TargetRestorePoint, 'id' | 'parentId'>[],
  { fulls, actions }: { fulls: readonly GfsFull[]; actions: readonly RetentionAction[] },
): Deletion[] {
  const gone = new Set<string>();
  const first: Deletion[] = [];
  for (const action of actions) {
    if (action.type !== 'delete') continue;
    const going = new Set([...gone, ...action.ids]);
    // A full builds on its parents until it is made, so it holds them as any point does that stays.
    const isNeeded =
      fulls.some(({ restorePointId }) => going.has(restorePointId)) ||
      points.some(({ id, parentId }) => !going.has(id) && parentId !== null && going.has(parentId));
    if (isNeeded) continue;
    for (const id of action.ids) gone.add(id);
    first.push(action);
  }
  return first;
}
