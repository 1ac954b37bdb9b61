import { ALL_ALLOWED } from '../../domain/sources/workload-rules.js';
import type {
  BackupLayout,
  Claim,
  ClaimedFile,
  ClaimedFiles,
  FolderNames,
  ClaimedWorkload,
} from '../backup-layout.js';
import { datedPlace } from '../names/dated-folders.js';
import type { FolderFacts } from '../file-facts.js';
import { fullPoint, partFindings } from '../images/full-point.js';
import { exportedDisks } from './disks.js';
import { readMachineFile, type MachineFacts } from './machine-file.js';
import {
  diskFormat,
  exportedFolders,
  isChangeTracking,
  isImportConfig,
  machineOf,
  sameName,
} from './names.js';
import { writtenAtMs } from '../names/named-date.js';
import { incomplete, type PointFault } from '../point-fault.js';
import { settleChains } from '../images/settle-chains.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';

/** Exports of Hyper-V (`Export-VM`): the folder of a machine with `Virtual Machines/<GUID>.vmcx` (up to 2012 R2 `.xml`, in exports of 2008 and 2008 R2 `.exp`), `Virtual Hard Disks/*.vhdx`,
 *  and `Snapshots/`, each where the administrator told the tool to put it.
 *
 *  A workload is a machine, known by the GUID that names its description, which says its name and which disks it has: an export without one of
 *  these is not all there. Where the description is in a form that is not read the folder gives the name. An export is one restore point, dated by
 *  the last change of the description, and a full: disks with checkpoints (`<disk>_<guid>.avhdx`) have their parents beside them. These travel as
 *  they are besides, because the descriptions of the checkpoints name them. Which file a disk
 *  builds on follows from the link inside (DataWriteGuid; of VHD uuid and name), never from the path there; a VHD that was written to after what builds on it leaves a doubt. Change tracking (`.rct`, `.mrt`) is of use to the host
 *  that made it alone and does not travel; everything else does, under its place in the tree.
 *  Nothing tells that an export has ended: a point is taken once nothing in it has changed for a while. A VHDX file whose log was not written back
 *  is open.
 *  Source: descriptions of such trees; real `.vmcx`, `.vmrs`, `.xml`, VHDX and AVHDX files, no whole tree (docs/COMPATIBILITY.md). */
export const hypervLayout: BackupLayout = {
  name: 'hyperv',
  restoredWith: "`Import-VM -Path 'Virtual Machines\\<id>.vmcx' -Copy`",
  type: { id: 'hyper-v', title: 'Microsoft Hyper-V', rules: ALL_ALLOWED },
  makesFullsOnly: true,
  claim,
  scan,
};

/** Disks beside the folders of the export are the machine's, too, and so is what its import reads. */
function claim(names: FolderNames): Claim | null {
  const folders = exportedFolders(names);
  if (folders.length === 0) return null;
  const isOwn = (name: string): boolean => diskFormat(name) !== null || isImportConfig(name);
  return { files: names.files.filter(isOwn), folders };
}

async function scan(
  facts: FolderFacts,
  { folder, files }: ClaimedFiles,
): Promise<ClaimedWorkload[]> {
  const travelling = files.filter(({ name }) => !isChangeTracking(name));
  const machines = [...new Set(travelling.flatMap((file) => machineOf(file) ?? []))];
  if (travelling.length === 0) return [];
  const isDisk = ({ name }: ClaimedFile): boolean => diskFormat(name) !== null;
  const exported = await exportedDisks(facts, travelling.filter(isDisk));
  const { disks, doubt } = exported;
  const below = new Set(disks.flatMap((disk) => disk.below?.map(({ path }) => path) ?? []));
  const descriptions = travelling.filter((file) => machineOf(file) !== null);
  const faults: PointFault[] = [...exported.faults];
  if (machines.length === 0)
    faults.push(incomplete(`the description of a machine is not there yet`).fault);
  const described = await readMachines(facts, descriptions);
  faults.push(...described.faults, ...missingDisks(described.machines, travelling));
  const id = idOf(machines, folder);
  const createdAtMs = writtenAtMs(descriptions.length > 0 ? descriptions : travelling);
  const point = fullPoint({
    ...{ id: new Date(createdAtMs).toISOString(), workloadId: id, createdAtMs, faults, disks },
    leftOut: doubt ?? undefined,
    companions: travelling
      .filter((file) => !isDisk(file) || below.has(file.path))
      .map(({ path, within }) => ({ path, as: within })),
    ...{ files: travelling, closingRecord: 'silent' },
  });
  const [machine] = machines.length === 1 ? described.machines : [];
  const name = machine?.name ?? folderName('hyperv', folder);
  const drafts = [doubt === null ? point : { ...point, isOnLater: true as const }];
  return [{ id, name, restorePoints: settleChains(drafts) }];
}

async function readMachines(
  facts: FolderFacts,
  descriptions: readonly ClaimedFile[],
): Promise<{ readonly machines: readonly MachineFacts[]; readonly faults: readonly PointFault[] }> {
  const found = [];
  for (const description of descriptions) found.push(await readMachineFile(facts, description));
  const { values, faults } = partFindings(found);
  return { machines: values.filter((machine) => machine !== null), faults };
}

/** A file of that name in any folder of the export: where it lay on the host says nothing. */
function missingDisks(
  machines: readonly MachineFacts[],
  files: readonly ClaimedFile[],
): PointFault[] {
  const names = machines.flatMap(({ disks }) => disks.filter((name) => diskFormat(name) !== null));
  return names
    .filter((name) => !files.some((file) => sameName(file.name, name)))
    .map(
      (name) => incomplete(`the disk ${JSON.stringify(name)} of the machine is not there`).fault,
    );
}

/** Several machines in one folder share its disks: they are one workload. */
function idOf(machines: readonly string[], folder: string): string {
  const [guid] = machines;
  return machines.length === 1 && guid !== undefined
    ? `hyperv-${guid}`
    : folderWorkloadId('hyperv', datedPlace(folder).place);
}
