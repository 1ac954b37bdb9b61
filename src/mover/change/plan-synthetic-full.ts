import { lineageOf } from '../../chain/chain-record.js';
import { ownedChainRecord } from '../../chain/chain-store.js';
import type { ChangeInput } from './change-points.js';
import type { DiskWork, PlanReference } from '../../domain/targets/disk-work.js';
import type { MoverContext } from '../task/mover-context.js';
import { planFull } from './plan-full.js';
import { replacementStaging } from './replace-files.js';

/** Plans a full of a point from the target's own files; when it is copied and composed it is put in the point's place (`replaceWithFull`).
 *  Of a full it makes a compact one: only what is used is copied.
 *  @throws RESTORE_POINT_MISSING, STALE_EPOCH, FILE_MISSING, IMAGE_… */
export async function planSyntheticFull(
  context: MoverContext,
  input: ChangeInput & { readonly pointId: string },
): Promise<{ reference: PlanReference; disks: DiskWork[] }> {
  const repository = await context.repository(input.targetRepositoryId);
  const record = await ownedChainRecord(repository, input.chain, input.epoch);
  return planFull(context, {
    source: repository,
    chain: input.chain,
    record,
    point: lineageOf(record, input.pointId)[0]!,
    disks: null,
    target: repository,
    staging: replacementStaging(input.chain, input.pointId),
    epoch: input.epoch,
    withCompanions: false,
    takesItsPlace: true,
  });
}
