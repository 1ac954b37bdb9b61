import { lineageOf } from '../../chain/chain-record.js';
import { ownedChainRecord } from '../../chain/chain-store.js';
import type { ChangeInput } from './change-points.js';
import { BackupError } from '../../domain/errors.js';
import {
  doneBytesOf,
  workBytesOf,
  type DiskWork,
  type PlanReference,
} from '../../domain/targets/disk-work.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import { discardStaging } from '../staging/staging.js';
import type { MoverContext } from '../task/mover-context.js';
import { planFull } from './plan-full.js';
import { replacementStaging } from './replace-files.js';

/** Plans a full of a point from the target's own files; when it is copied and composed it is put in the point's place (`replaceWithFull`).
 *  Of a full it makes a compact one: only what is used is copied, and nothing when there is no room for it.
 *  @throws RESTORE_POINT_MISSING, STALE_EPOCH, FILE_MISSING, IMAGE_…; REPOSITORY_FULL of a compact one */
export async function planSyntheticFull(
  context: MoverContext,
  input: ChangeInput & { readonly pointId: string },
): Promise<{ reference: PlanReference; disks: DiskWork[] }> {
  const repository = await context.repository(input.targetRepositoryId);
  const record = await ownedChainRecord(repository, input.chain, input.epoch);
  const point = lineageOf(record, input.pointId)[0]!;
  const staging = replacementStaging(input.chain, input.pointId);
  const plan = await planFull(context, {
    source: repository,
    chain: input.chain,
    record,
    point,
    disks: null,
    target: repository,
    staging,
    epoch: input.epoch,
    withCompanions: false,
    takesItsPlace: true,
  });
  if (point.kind === 'full') await assertRoomToCompact(repository, staging, plan.disks);
  return plan;
}

/** Nobody waits for a compact full, and what there is of room is for copies until there is more.
 *  @throws REPOSITORY_FULL, with nothing staged */
async function assertRoomToCompact(
  repository: BackupRepository,
  staging: string,
  disks: readonly DiskWork[],
): Promise<void> {
  const { totalBytes, freeBytes } = await repository.capacity();
  const neededBytes = disks.reduce((sum, disk) => sum + workBytesOf(disk) - doneBytesOf(disk), 0);
  // Some storages behind a mount do not tell.
  if (totalBytes === 0 || neededBytes <= freeBytes) return;
  await discardStaging(repository, staging);
  throw new BackupError(
    'REPOSITORY_FULL',
    `a compact full takes ${neededBytes} bytes until the old one goes, and ${freeBytes} are free`,
  );
}
