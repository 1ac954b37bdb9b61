import { availablePoints } from '../../chain/chain-record.js';
import { ownedChainRecord, writeChainRecord } from '../../chain/chain-store.js';
import { withKnownSourcePoints } from '../../chain/known-source-points.js';
import { BackupError } from '../../domain/errors.js';
import type { GfsFlag, TargetRestorePoint } from '../../domain/target-point.js';
import { requireComposed, requirePlan, stagedPath } from '../staging/copy-plan.js';
import type { ComposeInput } from './compose-target-file.js';
import type { MoverContext } from '../task/mover-context.js';
import { setUncommittedAside } from '../../chain/quarantine.js';
import { discardStaging } from '../staging/staging.js';

export interface CommitInput extends ComposeInput {
  readonly chain: string;
  readonly pointId: string;
  readonly flags: readonly GfsFlag[];
  /** Time of the commit, fixed by the workflow so that a repeat writes the same record. RFC 3339 UTC. */
  readonly copiedAt: string;
}

/** Makes the composed point visible: its folder gets its name, then the commit record lists it, then the rest of the staging folder goes.
 *  A repeat after any stop ends in the same state.
 *  @throws STALE_EPOCH, STAGING_INVALID */
export async function commitRestorePoint(
  context: MoverContext,
  input: CommitInput,
): Promise<TargetRestorePoint> {
  const target = await context.repository(input.targetRepositoryId);
  const record = await ownedChainRecord(target, input.chain, input.reference.epoch);
  const committed = record.points.find(({ id }) => id === input.pointId);
  if (committed !== undefined) {
    await discardStaging(target, input.staging);
    return committed;
  }
  const plan = await requirePlan(target, input.staging, input.reference);
  const composed = await requireComposed(target, input.staging, plan);
  const newest = availablePoints(record).at(-1)?.id ?? null;
  if (plan.parentId !== null && plan.parentId !== newest)
    throw new BackupError(
      'STAGING_INVALID',
      `the increment in ${input.staging} builds on ${plan.parentId}, but the newest point is ${newest ?? 'none'}`,
    );

  const folder = `${input.chain}/${plan.pointId}`;
  const stagedFolder = stagedPath.pointFolder(input.staging);
  if ((await target.stat(stagedFolder)) !== null) {
    // Left by a commit that was stopped before the record listed it; then the source changed, and the point was planned anew.
    if ((await target.stat(folder)) !== null)
      await setUncommittedAside(target, input.chain, record, plan.pointId);
    await target.rename(stagedFolder, folder);
  }
  // Also when an attempt that was killed has renamed it: what it saw need not be durable.
  await target.syncFolder(input.staging);
  await target.syncFolder(input.chain);
  const point: TargetRestorePoint = {
    id: plan.pointId,
    createdAt: plan.createdAt,
    copiedAt: input.copiedAt,
    kind: plan.kind,
    parentId: plan.parentId,
    chainId: plan.chainId,
    state: 'available',
    health: 'good',
    verifiedAt: input.copiedAt,
    flags: input.flags,
    disks: composed.disks,
    companions: composed.companions,
    source: plan.source,
    copyId: plan.token,
  };
  const compact = plan.kind === 'full' ? { compactedAt: input.copiedAt } : {};
  const points = [...record.points, point];
  const next = withKnownSourcePoints({ ...record, ...compact, points }, plan.passedOver);
  await writeChainRecord(target, input.chain, next);
  await discardStaging(target, input.staging);
  return point;
}
