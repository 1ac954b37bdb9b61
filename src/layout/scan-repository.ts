import type { SourceRestorePoint, SourceWorkload } from '../domain/restore-point.js';
import type { BackupRepository } from '../repository/backup-repository.js';
import type { BackupLayout } from './backup-layout.js';
import { libvirtPushLayout } from './libvirt-push.js';
import { ovirtLayout } from './ovirt.js';
import { byAge } from './settle-chains.js';

/** Every layout that Longhaul looks for. Workload ids start with the name of the platform, so no two layouts claim the same one. */
export const BACKUP_LAYOUTS: readonly BackupLayout[] = [libvirtPushLayout, ovirtLayout];

/** All workloads that backup tools left in a repository, sorted by id; their restore points oldest first. Ids are unique.
 *  A workload may lie in several folders (a folder for each chain, a backup that was copied by hand): it is listed once, and a restore
 *  point that is there more than once is listed as its first complete copy.
 *  @throws what the repository throws when a folder cannot be read: the list is whole or there is none */
export async function scanRepository(repository: BackupRepository): Promise<SourceWorkload[]> {
  const workloads = new Map<string, SourceWorkload>();
  for (const layout of BACKUP_LAYOUTS)
    for (const found of await layout.scan(repository)) {
      const known = workloads.get(found.id);
      workloads.set(found.id, known === undefined ? found : joinWorkloads(known, found));
    }
  return [...workloads.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function joinWorkloads(first: SourceWorkload, second: SourceWorkload): SourceWorkload {
  const points = new Map<string, SourceRestorePoint>();
  for (const point of [...first.restorePoints, ...second.restorePoints]) {
    const known = points.get(point.id);
    if (known === undefined || (known.state !== 'complete' && point.state === 'complete'))
      points.set(point.id, point);
  }
  return { ...first, restorePoints: [...points.values()].sort(byAge) };
}
