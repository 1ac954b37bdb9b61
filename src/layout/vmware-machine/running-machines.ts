import type { SourceWorkload } from '../../domain/sources/source-workload.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import { VSPHERE } from '../vsphere-type.js';
import { loneDiskIds } from './lone-disks.js';
import { machineId, machineIds } from './machine-ids.js';

const DEFINITION = /\.vmx$/i;
const DISK = /(?<!-ctk)\.vmdk$/i;

/** Machines of VMware that are on, without a restore point: their disks are no backups now, and were before, when they were off. Without these their copies
 *  would count as those of removed workloads.
 *  A disk is that of the machine whose name begins its own, else of the first.
 *  @param apart what is set apart in the folder (`set-apart.ts`) */
export function runningMachines(
  folder: string,
  apart: readonly RepositoryEntry[],
): SourceWorkload[] {
  const stems = apart
    .filter(({ name }) => DEFINITION.test(name))
    .map(({ name }) => name.replace(DEFINITION, ''));
  const longestFirst = stems.toSorted((a, b) => b.length - a.length);
  const ownerOf = ({ name }: RepositoryEntry): string | undefined =>
    longestFirst.find((stem) => name.startsWith(stem)) ?? stems[0];
  const disksOf = new Map<string | undefined, RepositoryEntry[]>();
  for (const entry of apart) {
    if (!DISK.test(entry.name)) continue;
    const owner = ownerOf(entry);
    const disks = disksOf.get(owner) ?? [];
    disksOf.set(owner, disks);
    disks.push(entry);
  }
  return stems.map((stem) => {
    const lone = loneDiskIds(folder, disksOf.get(stem) ?? []);
    const id = machineId(folder, stem);
    const others = machineIds(folder, stem).filter((one) => one !== id);
    return {
      ...{ id, otherIds: [...others, ...lone], name: stem, type: VSPHERE.id },
      ...{ folders: [folder], restorePoints: [], makesFullsOnly: true },
      isOnlySeen: true,
    };
  });
}
