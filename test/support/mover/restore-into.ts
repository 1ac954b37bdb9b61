import type { PointRestore } from '../../../src/mover/restore/point-restore.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { InProcessMover } from './in-process-mover.js';

/** Restores a point as the workflow does, in this process.
 *  @param folder the destination, under the id that `folderRepositoryId` gives its path
 *  @returns the files, as they are told to the operator */
export async function restoreInto(
  folder: BackupRepository,
  from: BackupRepository,
  order: Pick<PointRestore, 'chain' | 'pointId' | 'format'> & Partial<PointRestore>,
): Promise<string[]> {
  const mover = new InProcessMover(from, folder);
  const input = {
    ...{ repositoryId: from.id, destinationPath: folder.id.slice(folder.id.indexOf('/')) },
    ...{ disks: null, intoExisting: false, leaseId: 'lease', nowMs: Date.UTC(2026, 11, 1) },
    ...order,
  };
  const { reference, disks } = await mover.run('prepareRestore', input);
  const staging = `.longhaul-restore-${order.pointId}`;
  const work = { targetRepositoryId: folder.id, staging, reference };
  const isRaw = order.format === 'raw';
  for (const { disk, windowCount } of disks)
    await mover.runWindows(isRaw ? 'restoreRaw' : 'copyBlocks', { ...work, disk }, [
      { first: 0, count: windowCount },
    ]);
  if (!isRaw) await mover.run('composeTargetFile', work);
  return (await mover.run('finishRestore', { ...input, reference })).files;
}
