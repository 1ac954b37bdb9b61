import {
  pointsToRemove,
  type RemovalMode,
  type RemovalRule,
} from '../../domain/retention/point-removal.js';
import type { MoverContext } from '../task/mover-context.js';
import { deleteRestorePoints, ownedChain, type ChangeInput } from './change-points.js';
import { withoutPoints } from './delete-points.js';
import { afterRetention } from '../../chain/known-source-points.js';
import { changeChain } from './pending-change.js';

/** Which points an operator's order takes out of the chain, dependents first. Changes nothing.
 *  @throws STALE_EPOCH, RESTORE_POINT_MISSING, POINT_NEEDED, POINT_IMMUTABLE */
export async function planRemoval(
  context: MoverContext,
  input: ChangeInput & Omit<RemovalRule, 'nowMs'> & { readonly pointId: string },
): Promise<{ ids: string[] }> {
  const { record } = await ownedChain(context, input);
  return { ids: pointsToRemove(record.points, input.pointId, input) };
}

/** Takes points out of the chain, dependents first. What is not listed any more is passed over, so it can be repeated. Their source points
 *  count as dealt with: they are not copied again.
 *  @throws STALE_EPOCH, POINT_IN_USE */
export async function removeRestorePoints(
  context: MoverContext,
  input: ChangeInput & { readonly ids: readonly string[]; readonly mode: RemovalMode },
): Promise<void> {
  if (input.mode === 'delete') {
    await deleteRestorePoints(context, input);
    return;
  }
  const { place, record } = await ownedChain(context, input);
  const gone = record.points.filter(({ id }) => input.ids.includes(id));
  const ids = input.ids.filter((id) => gone.some((point) => point.id === id));
  if (ids.length === 0) return;
  const announced = afterRetention(withoutPoints(record, ids), gone);
  const pending = { type: 'quarantine', ids, revision: record.revision } as const;
  await changeChain(context, place, record, announced, pending, ids, input.nowMs);
}
