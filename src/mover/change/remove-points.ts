import type { ChainPlace } from '../../chain/chain-place.js';
import type { ChainRecord, PendingChange } from '../../chain/chain-record.js';
import { ownedChainRecord } from '../../chain/chain-store.js';
import { BackupError, isBackupError, isUnreadable } from '../../domain/errors.js';
import {
  pointsToRemove,
  type RemovalMode,
  type RemovalRule,
} from '../../domain/retention/point-removal.js';
import { isOfUnreadFile } from '../../repository/unread-file.js';
import type { MoverContext } from '../task/mover-context.js';
import { ownedChain, takePointsOut, type ChangeInput } from './change-points.js';
import { isStuckFor } from './pending-change.js';

/** Which points an operator's order takes out of the chain, dependents first. Changes nothing.
 *  @throws STALE_EPOCH, RESTORE_POINT_MISSING, POINT_NEEDED, POINT_IMMUTABLE; what keeps an announced merge from being finished that does not go with them */
export async function planRemoval(
  context: MoverContext,
  input: ChangeInput & Omit<RemovalRule, 'nowMs'> & { readonly pointId: string },
): Promise<{ ids: string[] }> {
  const { record, stuck } = await chainToRemoveFrom(context, input);
  const ids = pointsToRemove(record.points, input.pointId, input);
  assertTakesMerge(stuck, ids);
  return { ids };
}

/** Takes points out of the chain, dependents first. What is not listed any more is passed over, so it can be repeated. Their source points
 *  count as dealt with: they are not copied again. A merge that cannot be finished goes with the points that it is of, and takes its full along.
 *  @throws STALE_EPOCH, POINT_IN_USE; as `planRemoval` */
export async function removeRestorePoints(
  context: MoverContext,
  input: ChangeInput & { readonly ids: readonly string[]; readonly mode: RemovalMode },
): Promise<void> {
  const { place, record, stuck } = await chainToRemoveFrom(context, input);
  const asked = input.ids.filter((id) => record.points.some((point) => point.id === id));
  if (asked.length === 0) return;
  assertTakesMerge(stuck, asked);
  const ids = stuck === null ? asked : [...asked, stuck.merge.intoId];
  await takePointsOut(
    context,
    place,
    record,
    input.mode === 'delete'
      ? { type: 'delete', ids }
      : { type: 'quarantine', ids, revision: record.revision },
    input.nowMs,
  );
}

/** A merge that was announced, and why it cannot be finished now. */
interface StuckMerge {
  readonly merge: Extract<PendingChange, { type: 'merge' }>;
  readonly cause: BackupError;
}

async function chainToRemoveFrom(
  context: MoverContext,
  input: ChangeInput,
): Promise<{ place: ChainPlace; record: ChainRecord; stuck: StuckMerge | null }> {
  try {
    return { ...(await ownedChain(context, input)), stuck: null };
  } catch (error) {
    const { targetRepositoryId, chain, epoch } = input;
    const repository = await context.repository(targetRepositoryId);
    const isStuck = isStuckFor(error) || isBackupError(error, 'REPOSITORY_FULL');
    if (!isBackupError(error) || !(isStuck || (await isOfUnreadFile(repository, error))))
      throw error;
    const record = await ownedChainRecord(repository, chain, epoch);
    if (record.pending?.type !== 'merge') throw error;
    return {
      place: { repository, chain },
      record,
      stuck: { merge: record.pending, cause: error },
    };
  }
}

/** The record holds one change at a time: the one that is stuck gives way to one that leaves nothing of it. */
function assertTakesMerge(stuck: StuckMerge | null, ids: readonly string[]): void {
  if (stuck === null || ids.includes(stuck.merge.fromId)) return;
  const { code, message, details } = stuck.cause;
  // What passes by itself would be asked for again and again.
  throw new BackupError(isUnreadable(stuck.cause) ? 'CHAIN_LOCKED' : code, message, {
    details,
    hint: `A merge of this chain is under way. Until it is finished only restore point ${stuck.merge.fromId} can be removed, with all that build on it.`,
    cause: stuck.cause,
  });
}
