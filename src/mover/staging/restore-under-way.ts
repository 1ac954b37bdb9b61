import { type RestoreReader, readStagedJson, stagedPath } from './copy-plan.js';
import { isLeaseHeld } from '../../chain/leases.js';
import { BackupError, isBackupError } from '../../domain/errors.js';
import { restoreStaging } from '../../domain/targets/staging-id.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import type { MoverContext } from '../task/mover-context.js';

/** What one restore has written another one of that point would discard, or take for its own.
 *  @throws RESTORE_DESTINATION_INVALID when another restore into the folder holds its lease */
export async function assertNoneUnderWay(
  context: MoverContext,
  target: BackupRepository,
  input: RestoreReader & {
    readonly pointId: string;
    readonly destinationPath: string;
    readonly nowMs: number;
  },
): Promise<void> {
  const { pointId, destinationPath } = input;
  const path = stagedPath.plan(restoreStaging(pointId));
  const left = await readStagedJson<{ token: string; of?: RestoreReader }>(target, path);
  const of = left?.of;
  if (of === undefined || of.leaseId === input.leaseId) return;
  if (!(await isReading(context, of, input))) return;
  throw new BackupError(
    'RESTORE_DESTINATION_INVALID',
    `a restore of ${pointId} is under way in ${destinationPath}`,
    {
      details: { path, leaseId: of.leaseId },
      hint: 'Wait until it has ended, or name another folder. One that was killed counts as ended 15 minutes later; ordered again then, it goes on where it was stopped.',
    },
  );
}

/** What this worker does not know, no restore of it goes on here; nor, as far as can be told, from another target that is away: where it has died the point
 *  is restored from this one. */
async function isReading(
  context: MoverContext,
  of: RestoreReader,
  { repositoryId, nowMs }: { readonly repositoryId: string; readonly nowMs: number },
): Promise<boolean> {
  try {
    return await isLeaseHeld(await context.source(of.repositoryId), of.chain, of.leaseId, nowMs);
  } catch (error) {
    if (isBackupError(error, 'REPOSITORY_MISSING')) return false;
    const isAway = isBackupError(error) && error.kind === 'unavailable';
    if (isAway && of.repositoryId !== repositoryId) return false;
    throw error;
  }
}
