import type { SourceCompanion, SourceDisk } from '../../domain/sources/source-workload.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
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
import { awaited, fullDisk, fullPoint, partFindings } from '../images/full-point.js';
import { furtherDisks, isOfDisk, readDisk, type FurtherDisks } from './disks.js';
import {
  holdsRun,
  isArchiveName,
  isOwnFile,
  machineOf,
  mayHoldRun,
  parseRunName,
  type RunName,
} from './names.js';
import { namedDateMs, writtenAtMs } from '../names/named-date.js';
import { broken, incomplete, type Finding, type PointFault } from '../point-fault.js';
import { settleChains, type DraftPoint } from '../images/settle-chains.js';
import { formerIds, isUnderWay } from './own-convention.js';
import { readVmx, type VmxDisk } from './vmx-file.js';
import { VSPHERE } from '../vsphere-type.js';
import { wholeImageFault } from '../images/whole-image.js';
import { folderWorkloadId } from '../names/workload-id.js';
import { lastName } from '../../repository/repository-path.js';

const NOTHING_ELSE: FurtherDisks = { disks: [], faults: [], notes: [] };
const ARCHIVE_FORMAT = 'gzip';
/** Of a run that was packed into one archive. */
const ARCHIVE_DISK = 'archive';

/** Backups of VMware machines by ghettoVCB: a folder for each machine, in it one for each run, `<machine>-<YYYY-MM-DD_HH-MM-SS>`, or `<machine>-<n>`
 *  with the newest as 0, which is renamed with each run, or `<machine>-` and what the owner of the script has put there (`20261124`, `Monday`). In it lie the machine's definition (`.vmx`), `.nvram` and for each disk a descriptor
 *  with its extents; disks of other datastores in a folder named after the datastore. A run may be packed, `<run>.gz`: then it is one file.
 *
 *  Each run is a full and a restore point. Which disks it must have, and what they are called in the machine, the definition says; `scsi0:1` is
 *  disk `scsi0-1`. It is finished when `STATUS.ok` is there, or `STATUS.warn` (independent disks are left out, as no snapshot holds them);
 *  `STATUS.error` says that it has failed. A disk that the definition names and of which there is nothing was left out as well
 *  (`VMDK_FILES_TO_BACKUP`): the point says so. A disk that the definition does not name (its descriptor was renamed) is copied, too. A packed run leaves no such mark: it is finished when its archive has its end. The date is that of the name, the host's time without a zone, taken for UTC (which is what ESXi keeps); of a numbered run
 *  the time at which its status was written, which is its id, too: so it stays the same point under whatever number.
 *  A run under way that is named after no convention of the tool is known by another one beside it that has its mark.
 *  Source: lamw/ghettoVCB ghettoVCB.sh. */
export const ghettoVcbLayout: BackupLayout = {
  name: 'ghettovcb',
  restoredWith: '`ghettoVCB-restore.sh -c machines`',
  type: VSPHERE,
  makesFullsOnly: true,
  claim,
  confirm,
  isOwn: (within) => isOwnFile(lastName(within)),
  scan,
};

/** Names alone, so a folder is one of a run only with a file that no other tool leaves in a folder of such a name. */
function claim({ folder, files, folders }: FolderNames): Claim | null {
  const run = parseRunName(folder);
  if (run !== null && (holdsRun(run, files) || mayHoldRun(run, files)))
    return { files: files.filter(isOwnFile), folders };
  const archives = files.filter((name) => isArchiveName(folder, name));
  return archives.length === 0 ? null : { files: archives };
}

async function confirm(
  facts: FolderFacts,
  { folder, files }: ClaimedFiles,
  claimed: Claim,
): Promise<Claim | null> {
  const run = parseRunName(folder);
  const names = files.map(({ name }) => name);
  if (run === null || holdsRun(run, names) || !mayHoldRun(run, names)) return claimed;
  return (await isUnderWay(facts, run, files)) ? claimed : null;
}

async function scan(
  facts: FolderFacts,
  { folder, files }: ClaimedFiles,
): Promise<ClaimedWorkload[]> {
  const run = parseRunName(folder);
  const own = files.flatMap(({ name, within }) => (name === within ? [name] : []));
  if (run !== null && (holdsRun(run, own) || mayHoldRun(run, own)))
    return [workload(run, [await readRun(facts, run, files)])];
  const packed = files.flatMap((file) => {
    const name = parseRunName(file.path.replace(/\.gz$/, ''));
    return name === null ? [] : [{ name, file }];
  });
  // Archives are claimed in the folder of their machine alone.
  const machine = packed[0]?.name;
  if (machine === undefined) return [];
  const runs: DraftPoint[] = [];
  for (const { name, file } of packed) runs.push(await packedRun(facts, name, file));
  return [workload(machine, runs)];
}

function workload(run: RunName, drafts: readonly DraftPoint[]): ClaimedWorkload {
  const otherIds = run.isOfOwnConvention ? formerIds(run, drafts) : [];
  return {
    id: workloadId(run),
    ...(otherIds.length === 0 ? {} : { otherIds }),
    name: machineOf(run),
    restorePoints: settleChains(drafts),
  };
}

/** The folder of the machine is called as the machine is, which may be after a date. */
function workloadId(run: RunName): string {
  const above = run.machinePath.slice(0, -machineOf(run).length - 1);
  const { place } = datedPlace(above);
  const path = place === '' ? machineOf(run) : `${place}/${machineOf(run)}`;
  return folderWorkloadId('ghettovcb', path);
}

/** One run: everything in its folder. */
async function readRun(
  facts: FolderFacts,
  run: RunName,
  files: readonly ClaimedFile[],
): Promise<DraftPoint> {
  const status = statusOf(files);
  const machine = await readMachine(facts, run, files);
  const { disks, companions, faults, leftOut } = machine;
  const written = files.filter((file) => file !== status.record);
  const stamped = status.record ?? null;
  const point = fullPoint({
    id: runId(run, stamped ?? undefined),
    workloadId: workloadId(run),
    createdAtMs: runDateMs(run, stamped === null ? written : [stamped]),
    disks,
    companions: stamped === null ? companions : [...companions, companion(stamped)],
    faults: [...status.faults, ...faults],
    leftOut: status.isFinished ? leftOut : undefined,
    files: written,
    closingRecord: status.isFinished ? stamped : null,
  });
  // The mark may have come here before a disk that nothing says was left out.
  return machine.lacksDisk === true && !status.isWarned ? awaited(point) : point;
}

/** Only its end tells that all of it is there. */
async function packedRun(facts: FolderFacts, run: RunName, file: ClaimedFile): Promise<DraftPoint> {
  const fault = await wholeImageFault(facts, file, ARCHIVE_FORMAT);
  return fullPoint({
    id: runId(run, file),
    workloadId: workloadId(run),
    createdAtMs: runDateMs(run, [file]),
    disks: [{ ...fullDisk(ARCHIVE_DISK, ARCHIVE_FORMAT, file), as: file.name }],
    companions: [],
    faults: fault === null ? [] : [fault],
    files: [file],
    closingRecord: 'silent',
  });
}

/** A number is no name: the next run shifts it. Whole seconds outlive a move to any storage. */
function runId({ date, name }: RunName, closing: RepositoryEntry | undefined): string {
  if (date !== null) return date.text;
  return closing === undefined
    ? `${name}-unfinished`
    : `run-${Math.floor(writtenAtMs([closing]) / 1000)}`;
}

function runDateMs({ date }: RunName, files: readonly RepositoryEntry[]): number {
  return (date === null ? null : namedDateMs(date.parts)) ?? writtenAtMs(files);
}

/** Which of the marks is there; the worse one counts. */
function statusOf(files: readonly ClaimedFile[]): {
  readonly record: ClaimedFile | undefined;
  readonly isFinished: boolean;
  /** It says itself that not all was backed up. */
  readonly isWarned: boolean;
  readonly faults: readonly PointFault[];
} {
  const named = (name: string) => files.find(({ within }) => within.toLowerCase() === name);
  const [error, warn, ok] = ['status.error', 'status.warn', 'status.ok'].map(named);
  const record = error ?? warn ?? ok;
  const fault =
    error !== undefined
      ? broken(`ghettoVCB says that this run has failed (${error.path})`)
      : record === undefined
        ? incomplete('STATUS.ok is not there yet')
        : null;
  return {
    ...{ record, isFinished: fault === null, isWarned: warn !== undefined },
    faults: fault === null ? [] : [fault.fault],
  };
}

async function readMachine(
  facts: FolderFacts,
  run: RunName,
  files: readonly ClaimedFile[],
): Promise<{
  readonly disks: readonly SourceDisk[];
  readonly companions: readonly SourceCompanion[];
  readonly faults: readonly PointFault[];
  readonly leftOut?: string;
  /** Disks of the definition that are not here, and that a snapshot does not leave out. */
  readonly lacksDisk?: boolean;
}> {
  const definitions = files.filter(({ within }) => /^[^/]*\.vmx$/i.test(within));
  const companions = files
    .filter(({ name }) => /\.(?:vmx|vmxf|vmsd|nvram)$/i.test(name))
    .map(companion);
  const [definition, second] = definitions;
  const none = { disks: [], companions };
  if (definition === undefined)
    return { ...none, faults: [incomplete(`${run.path} holds no .vmx`).fault] };
  if (second !== undefined)
    return { ...none, faults: [broken(`${run.path} holds two .vmx files`).fault] };
  const vmx = await readVmx(facts, definition);
  if ('fault' in vmx) return { ...none, faults: [vmx.fault] };
  if (vmx.value.isEncrypted)
    return {
      ...none,
      faults: [broken(`${definition.path} is encrypted: its disks are not known`).fault],
    };
  const held = vmx.value.disks.filter((disk) => files.some((file) => isOfDisk(file, disk)));
  const found: Finding<SourceDisk>[] = [];
  for (const disk of held) found.push(await readDisk(facts, definition, disk, files));
  const { values: named, faults } = partFindings(found);
  // What one disk lacks may be what else is there.
  const further =
    faults.length > 0 ? NOTHING_ELSE : await furtherDisks(facts, definition, named, files);
  const disks = [...named, ...further.disks];
  const descriptors = disks
    .filter(({ extents }) => extents !== undefined)
    .map((disk) => descriptorOf(disk, files));
  const absent = vmx.value.disks.filter((disk) => !held.includes(disk));
  const leftOut = absent.map(leftOutText);
  const notes = [
    ...(leftOut.length === 0 ? [] : [`ghettoVCB has left out ${leftOut.join(', ')}`]),
    ...further.notes,
  ];
  return {
    ...{ disks, companions: [...companions, ...descriptors] },
    faults: [...faults, ...further.faults],
    lacksDisk: absent.some(({ isIndependent }) => !isIndependent),
    ...(notes.length === 0 ? {} : { leftOut: notes.join('; ') }),
  };
}

/** Beside a flat disk it is what makes one of it; beside one file that was made of several it says no more than what these were. */
function descriptorOf(
  { path, asFormat }: SourceDisk,
  files: readonly ClaimedFile[],
): SourceCompanion {
  const { within } = files.find((file) => file.path === path)!;
  return { path, as: asFormat === undefined ? `${within}.descriptor` : within };
}

/** What a snapshot leaves out, ghettoVCB does not back up. */
function leftOutText({ node, fileName, isIndependent }: VmxDisk): string {
  const name = `the disk ${JSON.stringify(fileName)} (${node})`;
  return isIndependent ? `${name}, which is independent of snapshots` : name;
}

function companion({ path, within }: ClaimedFile): SourceCompanion {
  return { path, as: within };
}
