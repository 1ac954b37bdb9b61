import type { PlanReference } from '../../domain/targets/disk-work.js';
import { ownedChainRecord, writeChainRecord } from '../../chain/chain-store.js';
import type { ChainRecord, PendingChange } from '../../chain/chain-record.js';
import { afterRetention } from '../../chain/known-source-points.js';
import type { GfsFlag } from '../../domain/targets/target-point.js';
import { requireComposed, requirePlan, stagedPath } from '../staging/copy-plan.js';
import { withoutPoints } from './delete-points.js';
import type { MoverContext } from '../task/mover-context.js';
import type { ChainPlace } from '../../chain/chain-place.js';
import { changeChain, finishPendingChange } from './pending-change.js';
import { replacementStaging } from './replace-files.js';
import { discardAbandonedStaging } from '../staging/staging.js';

export interface ChangeInput {
  readonly targetRepositoryId: string;
  readonly chain: string;
  readonly epoch: number;
  /** Against which leases expire. Epoch milliseconds. */
  readonly nowMs: number;
}

/** Deletes points, dependents first. What is not listed any more is passed over.
 *  @throws POINT_IN_USE, RESTORE_POINT_BROKEN when a point that stays would lose its parent */
export async function deleteRestorePoints(
  context: MoverContext,
  input: ChangeInput & { readonly ids: readonly string[] },
): Promise<{ deleted: readonly string[] }> {
  const { place, record } = await ownedChain(context, input);
  const ids = input.ids.filter((id) => record.points.some((point) => point.id === id));
  if (ids.length === 0) return { deleted: [] };
  await takePointsOut(context, place, record, { type: 'delete', ids }, input.nowMs);
  return { deleted: ids };
}

/** Their source points count as dealt with. `ids` come dependents first. @throws RESTORE_POINT_BROKEN, POINT_IN_USE */
export async function takePointsOut(
  context: MoverContext,
  place: ChainPlace,
  record: ChainRecord,
  pending: Extract<PendingChange, { readonly ids: readonly string[] }>,
  nowMs: number,
): Promise<void> {
  const { ids } = pending;
  const gone = record.points.filter(({ id }) => ids.includes(id));
  const announced = afterRetention(withoutPoints(record, ids), gone);
  await changeChain(context, place, record, announced, pending, ids, nowMs);
}

/** Puts the composed full in place of the files of a point and flags it. Repeating it when it is done changes nothing.
 *  @throws STAGING_INVALID, POINT_IN_USE */
export async function replaceWithFull(
  context: MoverContext,
  input: ChangeInput & {
    readonly pointId: string;
    readonly reference: PlanReference;
    readonly flags: readonly GfsFlag[];
    /** Set when the point is a full that is made compact; RFC 3339 UTC. */
    readonly compactedAt?: string;
  },
): Promise<void> {
  const { place, record } = await ownedChain(context, input);
  const staging = replacementStaging(place.chain, input.pointId);
  if ((await place.repository.stat(stagedPath.plan(staging))) === null && isFullNow(record, input))
    return;
  const plan = await requirePlan(place.repository, staging, input.reference);
  const composed = await requireComposed(place.repository, staging, plan);
  const { pointId, flags, compactedAt } = input;
  const verifiedAt = new Date(input.nowMs).toISOString();
  const { disks } = composed;
  const pending = { type: 'replace', pointId, verifiedAt, disks, flags } as const;
  const announced = compactedAt === undefined ? record : { ...record, compactedAt };
  await changeChain(context, place, record, announced, pending, [pointId], input.nowMs);
}

function isFullNow(
  record: ChainRecord,
  { pointId, flags }: { pointId: string; flags: readonly GfsFlag[] },
): boolean {
  const point = record.points.find(({ id }) => id === pointId);
  return point?.kind === 'full' && flags.every((flag) => point.flags.includes(flag));
}

/** Flags a point that is a full already. */
export async function flagRestorePoint(
  context: MoverContext,
  input: ChangeInput & { readonly pointId: string; readonly flags: readonly GfsFlag[] },
): Promise<void> {
  const { place, record } = await ownedChain(context, input);
  if (isFullNow(record, input)) return;
  const points = record.points.map((point) =>
    point.id === input.pointId
      ? { ...point, flags: [...new Set([...point.flags, ...input.flags])] }
      : point,
  );
  await writeChainRecord(place.repository, place.chain, { ...record, points });
}

/** The chain, as long as the caller's session owns it, with a change that was stopped carried out first.
 *  @throws STALE_EPOCH, POINT_IN_USE */
export async function ownedChain(
  context: MoverContext,
  input: ChangeInput,
): Promise<{ place: ChainPlace; record: ChainRecord }> {
  const repository = await context.repository(input.targetRepositoryId);
  const record = await ownedChainRecord(repository, input.chain, input.epoch);
  const place = { repository, chain: input.chain };
  return { place, record: await finishPendingChange(context, place, record, input.nowMs) };
}

/** Ends the copies of this chain that were given up. To be called when nothing of it is under way. */
export async function releaseStaging(
  context: MoverContext,
  input: ChangeInput & { readonly keepsPlanned?: boolean },
): Promise<{ released: string[] }> {
  const { place, record } = await ownedChain(context, input);
  const { repository, chain } = place;
  const released = await discardAbandonedStaging(repository, chain, record, input.keepsPlanned);
  return { released };
}
