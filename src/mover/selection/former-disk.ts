import { basename } from 'node:path/posix';
import { chainFolder } from '../../chain/chain-paths.js';
import type { ChainRecord } from '../../chain/chain-record.js';
import { readChainRecord } from '../../chain/chain-store.js';
import { isBackupError } from '../../domain/errors.js';
import type { SourceWorkload } from '../../domain/sources/source-workload.js';
import type { SourceRepository } from '../../repository/backup-repository.js';

/** Why a workload begins a chain of its own although its machine has copies, in words for people: its image was copied as a restore point of another disk, until it
 *  was made to stand for itself. Reads the records of the few disks that its name may be after. null: nothing shows that, or its record
 *  cannot be read: the copy does without a note, and that chain tells its own faults. */
export async function formerDiskText(
  target: SourceRepository,
  { jobId, sourceRepositoryId }: { readonly jobId: string; readonly sourceRepositoryId: string },
  { formerDisks = [], restorePoints }: SourceWorkload,
): Promise<string | null> {
  const names = new Set(restorePoints.flatMap(({ disks }) => disks.map((d) => basename(d.path))));
  for (const id of formerDisks) {
    const record = await recordIfReadable(target, chainFolder(jobId, id));
    const before = record?.points.findLast(
      ({ source: { repositoryId, restorePointId } }) =>
        repositoryId === sourceRepositoryId && names.has(restorePointId),
    );
    if (before === undefined) continue;
    const { restorePointId } = before.source;
    return `${restorePointId} builds on nothing any more (blockpull, qemu-img rebase), so it is a disk of its own and begins a new chain; its copies of before are restore points of ${record!.workload.name} and stay there`;
  }
  return null;
}

async function recordIfReadable(
  target: SourceRepository,
  folder: string,
): Promise<ChainRecord | null> {
  try {
    return await readChainRecord(target, folder);
  } catch (error) {
    if (isBackupError(error)) return null;
    throw error;
  }
}
