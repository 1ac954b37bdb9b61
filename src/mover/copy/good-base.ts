import type { ChainRecord } from '../../chain/chain-record.js';
import { writeChainRecord } from '../../chain/chain-store.js';
import { BackupError, isBackupError, isStorageFault, isUnreadable } from '../../domain/errors.js';
import { withCorrupt } from '../../domain/targets/damage.js';
import type { TargetDisk, TargetRestorePoint } from '../../domain/targets/target-point.js';
import { withVerifier } from '../blocks/verify-units.js';
import type { MoverContext } from '../task/mover-context.js';

const HINT =
  'See whether all of the target is mounted, then run `longhaul restore-point verify <repository>`: it heals the point or sets it aside, and the next session goes on from what is good.';

/** Looks at the files that an increment is to be built on, before it is planned: that each is a file of the size that the record lists, and
 *  that its first and its last unit, header and reference counts, have their digests. Cheap, and so no proof that all is well: a file that was
 *  cut, exchanged or taken away shows. A file that is there and has gone bad waits for no health check: its point is marked corrupt, and whoever plans
 *  again begins a new chain. What is gone or cut may be a mount that lacks files, and is left alone.
 *  @param base the newest point
 *  @throws RESTORE_POINT_BROKEN; STAGING_INVALID when the point is marked */
export async function assertGoodBase(
  context: MoverContext,
  place: { readonly targetRepositoryId: string; readonly chain: string },
  record: ChainRecord,
  base: TargetRestorePoint,
): Promise<void> {
  // What the record says of the files of a change that is under way may be out of date (docs/FORMAT.md, Pending changes).
  if (record.pending !== null) return;
  for (const disk of base.disks) {
    const fault = await faultOfBase(context, place, disk);
    if (fault === null) continue;
    const { code, words } = fault;
    const details = { restorePointId: base.id, path: `${place.chain}/${disk.path}` };
    const message = `nothing is built on restore point ${base.id}: ${details.path} ${words}`;
    if (code === 'RESTORE_POINT_BROKEN')
      throw new BackupError(code, message, { details, hint: HINT });
    await markCorrupt(context, place, record, base);
    throw new BackupError('STAGING_INVALID', `${message}; it is marked corrupt`, { details });
  }
}

async function markCorrupt(
  context: MoverContext,
  { targetRepositoryId, chain }: { targetRepositoryId: string; chain: string },
  record: ChainRecord,
  { id }: TargetRestorePoint,
): Promise<void> {
  const points = withCorrupt(record.points, new Set([id]));
  const repository = await context.repository(targetRepositoryId);
  await writeChainRecord(repository, chain, { ...record, points });
}

/** A file of which a sector cannot be read, on storage that answers, waits for its repair, not for another try. */
async function faultOfBase(
  context: MoverContext,
  place: { readonly targetRepositoryId: string; readonly chain: string },
  disk: TargetDisk,
): Promise<FileFault | null> {
  try {
    return await fileFault(context, place, disk);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    const repository = await context.source(place.targetRepositoryId);
    if ((await repository.stat(`${place.chain}/${disk.path}`)) === null) throw error;
    return { code: 'BLOCK_DIGEST_MISMATCH', words: `cannot be read: ${error.message}` };
  }
}

interface FileFault {
  readonly code: 'RESTORE_POINT_BROKEN' | 'BLOCK_DIGEST_MISMATCH';
  readonly words: string;
}

/** What shows that the backup file of a disk is not the one that `disk` describes: its kind, its size, its first and its last unit. null: nothing
 *  does.
 *  @throws errors of kind `unavailable` and the like, which say nothing about the file */
export async function fileFault(
  context: MoverContext,
  { targetRepositoryId: repositoryId, chain }: { targetRepositoryId: string; chain: string },
  disk: TargetDisk,
): Promise<FileFault | null> {
  const repository = await context.source(repositoryId);
  const broken = (words: string) => ({ code: 'RESTORE_POINT_BROKEN', words }) as const;
  try {
    const entry = await repository.stat(`${chain}/${disk.path}`);
    if (entry === null) return broken('is missing');
    if (entry.type !== 'file') return broken('is not a file');
    const { sizeBytes } = entry.stamp;
    if (sizeBytes !== disk.sizeBytes)
      return broken(`has ${sizeBytes} bytes instead of ${disk.sizeBytes}`);
    const isGood = await withVerifier(
      context,
      { repositoryId, chain },
      disk,
      async (verifier) =>
        (await verifier.badUnits(0, 1)).length === 0 &&
        (await verifier.badUnits(verifier.units.count - 1, 1)).length === 0,
    );
    if (isGood) return null;
    return { code: 'BLOCK_DIGEST_MISMATCH', words: 'does not begin or end as it was written' };
  } catch (error) {
    if (!isBackupError(error) || isStorageFault(error)) throw error;
    if (error.code === 'CHAIN_RECORD_CORRUPT')
      return { code: 'BLOCK_DIGEST_MISMATCH', words: `cannot be checked: ${error.message}` };
    return broken(`cannot be checked: ${error.message}`);
  }
}
