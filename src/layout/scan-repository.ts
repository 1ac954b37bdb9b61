import type { SourceRestorePoint, SourceWorkload } from '../domain/restore-point.js';
import type { BackupRepository } from '../repository/backup-repository.js';
import type { BackupLayout } from './backup-layout.js';
import { libvirtPushLayout } from './libvirt-push.js';
import { ovirtLayout } from './ovirt.js';
import { byAge } from './settle-chains.js';
import { readFolders, walkFolders, type FolderFiles } from './walk-folders.js';

/** Every layout that Longhaul looks for. Workload ids start with the name of the platform, so no two layouts claim the same one. */
export const BACKUP_LAYOUTS: readonly BackupLayout[] = [libvirtPushLayout, ovirtLayout];

/** All workloads that backup tools left in a repository, sorted by id; their restore points oldest first. Ids are unique.
 *  A workload may lie in several folders (a folder for each chain, a backup that was copied by hand): it is listed once, and a restore
 *  point that is there more than once is listed as its first complete copy.
 *  @throws what the repository throws when a folder cannot be read: the list is whole or there is none */
export async function scanRepository(repository: BackupRepository): Promise<SourceWorkload[]> {
  const workloads = await workloadsIn(repository, walkFolders(repository));
  return [...workloads.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** One workload as `scanRepository` shows it, at the price of its own folders; null when none of them holds it (any more).
 *  What lies elsewhere is not seen: a restore point in a folder that appeared since is found by the next whole scan, which means by the
 *  next session. No point that is found lacks anything for it, because the link of a point never leaves its folder.
 *  @param folders `SourceWorkload.folders` of an earlier scan, in that order; one that is gone holds nothing
 *  @throws what the repository throws when a folder cannot be read */
export async function scanWorkload(
  repository: BackupRepository,
  workloadId: string,
  folders: readonly string[],
): Promise<SourceWorkload | null> {
  const workloads = await workloadsIn(repository, readFolders(repository, folders));
  return workloads.get(workloadId) ?? null;
}

/** By id. */
async function workloadsIn(
  repository: BackupRepository,
  folders: AsyncIterable<FolderFiles>,
): Promise<Map<string, SourceWorkload>> {
  const workloads = new Map<string, SourceWorkload>();
  for await (const folder of folders)
    for (const layout of BACKUP_LAYOUTS)
      for (const found of await layout.scanFolder(repository, folder)) {
        const known = workloads.get(found.id);
        workloads.set(found.id, known === undefined ? found : joinWorkloads(known, found));
      }
  return workloads;
}

function joinWorkloads(first: SourceWorkload, second: SourceWorkload): SourceWorkload {
  const points = new Map<string, SourceRestorePoint>();
  for (const point of [...first.restorePoints, ...second.restorePoints]) {
    const known = points.get(point.id);
    if (known === undefined || (known.state !== 'complete' && point.state === 'complete'))
      points.set(point.id, point);
  }
  return {
    ...first,
    folders: [...new Set([...first.folders, ...second.folders])],
    restorePoints: [...points.values()].sort(byAge),
  };
}
