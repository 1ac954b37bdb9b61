import { ALL_ALLOWED } from '../../domain/workload-rules.js';
import type {
  BackupLayout,
  Claim,
  ClaimedFile,
  ClaimedFiles,
  FolderNames,
  FoundWorkload,
} from '../backup-layout.js';
import type { FolderFacts } from '../file-facts.js';
import { fullPoint } from '../full-point.js';
import { exportedDisks } from './disks.js';
import { diskFormat, exportedFolders, isChangeTracking, machineOf } from './names.js';
import { writtenAtMs } from '../named-date.js';
import { incomplete, type PointFault } from '../point-fault.js';
import { settleChains } from '../settle-chains.js';
import { folderName, folderWorkloadId } from '../workload-id.js';

/** Exports of Hyper-V (`Export-VM`): the folder of a machine with `Virtual Machines/<GUID>.vmcx` (up to 2012 R2 `.xml`), `Virtual Hard Disks/*.vhdx`,
 *  and `Snapshots/`, each where the administrator told the tool to put it.
 *
 *  A workload is a machine, known by the GUID that names its description; the folder gives it its name. An export is one restore point, dated by
 *  the last change of the description, and a full: disks with checkpoints (`<disk>_<guid>.avhdx`) have their parents beside them. These travel as
 *  they are besides, because the descriptions of the checkpoints name them. Which file a disk
 *  builds on follows from the link inside (DataWriteGuid, uuid), never from the path there. Change tracking (`.rct`, `.mrt`) is of use to the host
 *  that made it alone and does not travel; everything else does, under its place in the tree.
 *  Nothing tells that an export has ended: a point is taken once nothing in it has changed for a while. A VHDX file whose log was not written back
 *  is open.
 *  Source: descriptions of such trees; real `.vmcx`, `.vmrs`, `.xml`, VHDX and AVHDX files, no whole tree (docs/COMPATIBILITY.md). */
export const hypervLayout: BackupLayout = {
  name: 'hyperv',
  type: { id: 'hyper-v', title: 'Microsoft Hyper-V', rules: ALL_ALLOWED },
  makesFullsOnly: true,
  claim,
  scan,
};

/** Disks beside the folders of the export are the machine's, too. */
function claim(names: FolderNames): Claim | null {
  const folders = exportedFolders(names);
  if (folders.length === 0) return null;
  return { files: names.files.filter((name) => diskFormat(name) !== null), folders };
}

async function scan(facts: FolderFacts, { folder, files }: ClaimedFiles): Promise<FoundWorkload[]> {
  const travelling = files.filter(({ name }) => !isChangeTracking(name));
  const machines = [...new Set(travelling.flatMap((file) => machineOf(file) ?? []))];
  if (travelling.length === 0) return [];
  const isDisk = ({ name }: ClaimedFile): boolean => diskFormat(name) !== null;
  const { disks, faults: diskFaults } = await exportedDisks(facts, travelling.filter(isDisk));
  const below = new Set(disks.flatMap((disk) => disk.below?.map(({ path }) => path) ?? []));
  const descriptions = travelling.filter((file) => machineOf(file) !== null);
  const faults: PointFault[] = [...diskFaults];
  if (machines.length === 0)
    faults.push(incomplete(`the description of a machine is not there yet`).fault);
  const id = idOf(machines, folder);
  const createdAtMs = writtenAtMs(descriptions.length > 0 ? descriptions : travelling);
  const point = fullPoint({
    ...{ id: new Date(createdAtMs).toISOString(), workloadId: id, createdAtMs, faults, disks },
    companions: travelling
      .filter((file) => !isDisk(file) || below.has(file.path))
      .map(({ path, within }) => ({ path, as: within })),
    ...{ files: travelling, closingRecord: 'silent' },
  });
  return [{ id, name: folderName('hyperv', folder), restorePoints: settleChains([point]) }];
}

/** Several machines in one folder share its disks, and only their descriptions, which are not read, tell whose they are: they are one workload. */
function idOf(machines: readonly string[], folder: string): string {
  const [guid] = machines;
  return machines.length === 1 && guid !== undefined
    ? `hyperv-${guid}`
    : folderWorkloadId('hyperv', folder);
}
