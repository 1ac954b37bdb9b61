import { BackupError } from '../../domain/errors.js';
import { UNDATED_ID } from '../../domain/sources/source-identity.js';
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
import { fullPoint } from '../images/full-point.js';
import { readVmx, type VmxDisk } from '../ghettovcb/vmx-file.js';
import { writtenAtMs } from '../names/named-date.js';
import { settleChains } from '../images/settle-chains.js';
import { placeBesideRuns } from '../walk/sibling-runs.js';
import { VSPHERE } from '../vsphere-type.js';
import {
  heldDisks,
  imagesIn,
  machineDisks,
  relatives,
  type FolderImages,
} from './machine-disks.js';
import { loneDiskIds } from './lone-disks.js';
import { machineId, machineIds } from './machine-ids.js';

/** Machines of VMware (Workstation, Fusion, ESXi) whose folders were copied as they are: a definition (`.vmx`) with the disks that it names, with what their
 *  snapshots keep (`web01-000001.vmdk`, with its `-delta`, `-sesparse` or `-s001` parts), and the files of the machine (`.nvram`, `.vmsd`, `.vmsn`).
 *
 *  A workload is a definition in one folder, or in several that differ in a date alone. It has one restore point in each, a full: each disk
 *  as it is now, whatever it builds on. What snapshots keep travels as it is beside it, because their list (`.vmsd`) names it. What a disk builds on is told as by
 *  `placesOfImages`; a place on the host that a definition names says nothing. A disk of the folder that no definition has to do with is left to others, and so is
 *  a definition that names no disk of its folder, or none at all, as an encrypted one.
 *  A disk that its folder does not hold is told of as left out, and so is one that a path names, whose last part lies here: a machine may have disks in other
 *  places, and the rest is no worse for it.
 *  Nothing tells that a machine is whole: a point is taken once nothing in it has changed for a while. One that is on is not taken (`set-apart.ts`).
 *  Source: VMware, virtual machine files; real definitions and disks, no whole folder (docs/COMPATIBILITY.md). */
export const vmwareMachineLayout: BackupLayout = {
  name: 'vmware-machine',
  restoredWith: 'opening `web01.vmx`, or `vim-cmd solo/registervm web01.vmx`',
  type: VSPHERE,
  makesFullsOnly: true,
  claim,
  confirm,
  scan,
};

const DEFINITION = /\.vmx$/i;
const DISK = /(?<!-ctk)\.vmdk$/i;
const OF_MACHINE = /\.(?:vmx|vmxf|vmsd|vmsn|vmss|vmem|nvram)$/i;

function claim({ files }: FolderNames): Claim | null {
  const hasBoth = files.some((name) => DEFINITION.test(name)) && files.some(isDisk);
  return hasBoth ? { files: files.filter((name) => isDisk(name) || OF_MACHINE.test(name)) } : null;
}

function isDisk(name: string): boolean {
  return DISK.test(name);
}

interface Machine {
  readonly definition: ClaimedFile;
  /** Of the name of its definition. */
  readonly stem: string;
  readonly disks: readonly VmxDisk[];
}

/** Those machines that have a disk here, with their files. */
async function confirm(facts: FolderFacts, { files }: ClaimedFiles): Promise<Claim | null> {
  const { machines, images } = await machinesIn(facts, files);
  const own = new Set<string>();
  for (const machine of machines) {
    for (const { name } of filesOfMachine(machine, machines, files)) own.add(name);
    for (const { entry, parts } of relatives(topsOf(machine, images), images))
      for (const { name } of [entry, ...parts]) own.add(name);
  }
  const names = files.map(({ name }) => name).filter((name) => own.has(name));
  return names.length === 0 ? null : { files: names };
}

async function scan(
  facts: FolderFacts,
  { folder, files }: ClaimedFiles,
): Promise<ClaimedWorkload[]> {
  const { machines, images } = await machinesIn(facts, files);
  const found: ClaimedWorkload[] = [];
  for (const machine of machines) {
    const { definition, stem, disks: named } = machine;
    const { disks, beside, faults, files: shown, leftOut } = machineDisks(named, images);
    const companions = [...filesOfMachine(machine, machines, files), ...beside];
    const written = [...new Set([...companions, ...shown])];
    const writtenMs = writtenAtMs(written);
    const at = { folder, names: [definition.name] };
    const where = await placeBesideRuns(facts.siblings, at, datedPlace(folder), writtenMs);
    const { place, date } = where.place;
    const id = machineId(place, stem);
    const point = fullPoint({
      ...{ id: date?.date ?? UNDATED_ID, workloadId: id, disks, faults, leftOut },
      createdAtMs: date?.createdAtMs ?? writtenMs,
      companions: companions.map(({ path, within }) => ({ path, as: within })),
      ...{ files: written, closingRecord: 'silent' },
    });
    const others = where.isDoubtful ? machineIds(folder, stem).filter((one) => one !== id) : [];
    const otherIds = [...others, ...loneDiskIds(folder, shown)];
    found.push({ id, otherIds, name: stem, restorePoints: settleChains([point]) });
  }
  return found;
}

/** @throws REPOSITORY_IO_ERROR when a definition cannot be read: whose the disks are must not change with that */
async function machinesIn(
  facts: FolderFacts,
  files: readonly ClaimedFile[],
): Promise<{ readonly machines: readonly Machine[]; readonly images: FolderImages }> {
  const found: Machine[] = [];
  for (const definition of files.filter(({ name }) => DEFINITION.test(name))) {
    const vmx = await readVmx(facts, definition);
    if ('fault' in vmx) {
      if (vmx.fault.state === 'unknown')
        throw new BackupError('REPOSITORY_IO_ERROR', vmx.fault.reason);
      continue;
    }
    const stem = definition.name.replace(DEFINITION, '');
    found.push({ definition, stem, disks: vmx.value.disks });
  }
  if (found.every(({ disks }) => disks.length === 0)) return { machines: [], images: new Map() };
  const images = await imagesIn(
    facts,
    files.filter(({ name }) => isDisk(name)),
  );
  const machines = found.filter((machine) => topsOf(machine, images).length > 0);
  return { machines, images };
}

function topsOf({ disks }: Machine, images: FolderImages) {
  return heldDisks(disks, images).map(({ image }) => image);
}

/** The one machine of a folder has all of them, whatever they are called: its owner may have renamed it. */
function filesOfMachine(
  { stem, definition }: Machine,
  machines: readonly Machine[],
  files: readonly ClaimedFile[],
): ClaimedFile[] {
  const others = files.filter(({ name }) => OF_MACHINE.test(name) && !DEFINITION.test(name));
  const isOwn = ({ name }: ClaimedFile): boolean =>
    machines.length === 1 ||
    (name.startsWith(stem) && /^(?:-[^.]*)?\./.test(name.slice(stem.length)));
  return [definition, ...others.filter(isOwn)];
}
