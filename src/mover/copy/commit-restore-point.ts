import { availablePoints } from '../../chain/chain-record.js';
import { ownedChainRecord, writeChainRecord } from '../../chain/chain-store.js';
import { withKnownSourcePoints } from '../../chain/known-source-points.js';
import { BackupError, isBackupError } from '../../domain/errors.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import type { GfsFlag, TargetRestorePoint } from '../../domain/targets/target-point.js';
import {
  publishedFiles,
  requireComposed,
  requirePlan,
  type ComposedPoint,
} from '../staging/copy-plan.js';
import type { ComposeInput } from './compose-target-file.js';
import { withLostKeys } from './lost-keys.js';
import type { MoverContext } from '../task/mover-context.js';
import { discardStaging } from '../staging/staging.js';

interface CommitInput extends ComposeInput {
  readonly chain: string;
  readonly pointId: string;
  readonly flags: readonly GfsFlag[];
  /** Time of the commit, fixed by the workflow so that a repeat writes the same record. RFC 3339 UTC. */
  readonly copiedAt: string;
}

/** Makes the composed point visible: its files get their names, then the commit record lists it, then the rest of the staging folder goes. The
 *  record alone decides: what lies in the point's folder before is no restore point (docs/FORMAT.md, Order, W3 and W4). A repeat after any stop ends
 *  in the same state.
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
  const newest = availablePoints(record).at(-1);
  const isOfNewest =
    plan.parentId === newest?.id &&
    plan.parentCopyId === newest?.copyId &&
    newest?.health !== 'corrupt';
  if (plan.parentId !== null && !isOfNewest)
    throw new BackupError(
      'STAGING_INVALID',
      `the increment in ${input.staging} builds on ${plan.parentId}, but the newest point is ${newest?.id ?? 'none'}, or another copy under that id, or corrupt`,
    );

  await publishPoint(target, input, composed);
  const point: TargetRestorePoint = {
    id: plan.pointId,
    createdAt: plan.createdAt,
    copiedAt: input.copiedAt,
    kind: plan.kind,
    parentId: plan.parentId,
    // Since it was planned, a merge or a new full below may have begun another chain.
    chainId: plan.parentId === null ? plan.chainId : newest!.chainId,
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
  const { targetRepositoryId, chain } = input;
  const place = { targetRepositoryId, chain };
  const points = [...(await withLostKeys(context, place, record, plan.disks)), point];
  const { passedOver, forgotten } = plan;
  const next = withKnownSourcePoints({ ...record, ...compact, points }, passedOver, forgotten);
  await writeChainRecord(target, input.chain, next);
  await discardStaging(target, input.staging);
  return point;
}

/** What has its name by an earlier attempt keeps it: planning has set aside whatever another plan had left there.
 *  @throws STAGING_INVALID when a file is lost: the plan is made again then */
async function publishPoint(
  target: BackupRepository,
  { chain, staging }: CommitInput,
  composed: ComposedPoint,
): Promise<void> {
  try {
    await target.publish(publishedFiles(chain, staging, composed), chain);
  } catch (error) {
    if (!isBackupError(error, 'FILE_MISSING')) throw error;
    const { message, details } = error;
    throw new BackupError('STAGING_INVALID', message, { details, cause: error });
  }
}
