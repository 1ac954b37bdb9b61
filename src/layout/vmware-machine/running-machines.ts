import type { SourceWorkload } from '../../domain/sources/source-workload.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import { VSPHERE } from '../vsphere-type.js';
import { loneDiskIds } from './lone-disks.js';
import { machineId, machineIds } from './machine-ids.js';

const DEFINITION = /\.vmx$/i;
const DISK = /(?<!-ctk)\.vmdk$/i;

/** Machines of VMware that are on, without a restore point: their disks are no backups now, and were before, when they were off. Without these their copies
 *  would count as those of removed workloads.
 *  @param apart what is set apart in the folder (`set-apart.ts`) */
export function runningMachines(
  folder: string,
  apart: readonly RepositoryEntry[],
): SourceWorkload[] {
  const lone = loneDiskIds(
    folder,
    apart.filter(({ name }) => DISK.test(name)),
  );
  return apart
    .filter(({ name }) => DEFINITION.test(name))
    .map(({ name }) => {
      const stem = name.replace(DEFINITION, '');
      const id = machineId(folder, stem);
      const others = machineIds(folder, stem).filter((one) => one !== id);
      return {
        ...{ id, otherIds: [...others, ...lone], name: stem, type: VSPHERE.id },
        ...{ folders: [folder], restorePoints: [], makesFullsOnly: true },
      };
    });
}
