import { BackupError } from '../../domain/errors.js';
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
import { parseDatedName } from '../names/dated-name.js';
import type { FolderFacts } from '../file-facts.js';
import { fullDisk, fullPoint } from '../images/full-point.js';
import { writtenAtMs } from '../names/named-date.js';
import { incomplete, type PointFault } from '../point-fault.js';
import { settleChains, type DraftPoint } from '../images/settle-chains.js';
import { loneIds } from '../images/single-file.js';
import { wholeImageFault } from '../images/whole-image.js';
import { folderWorkloadId } from '../names/workload-id.js';
import {
  exportsIn,
  isImage,
  isUuid,
  UNKNOWN_MACHINE,
  uuidOf,
  type Machine,
  type MachineExport,
} from './exports.js';

/** Exports of Scale Computing HyperCore: a folder with an XML file for each machine, and `<uuid>.qcow2` for each disk.
 *
 *  HyperCore calls the XML as the folder, unless it is given a name for it (`file_name` of `vm_export`); then it is known by a disk that it names. The XML
 *  is a domain of libvirt with elements of Scale's own (`scale:os`, a prefix that is declared nowhere). A workload is a machine, known by the
 *  UUID in its XML, or else by its place. An export is one restore point, dated by the last change of its XML; it is a full. Every disk that the XML
 *  names (`<source name="scribe/<uuid>"/>`) has to be there; an image that no XML names belongs to the one that is called as the folder.
 *  Nothing tells that an export has ended: a point is taken once nothing in it has changed for a while.
 *  Source: jpwarren/scale-tools, ScaleComputing/HyperCoreAnsibleCollection (`vm_export`, its examples); no real files could be had
 *  (docs/COMPATIBILITY.md). */
export const hypercoreLayout: BackupLayout = {
  name: 'hypercore',
  restoredWith:
    '`qemu-img amend -f qcow2 -o compat=0.10 <disk>.qcow2` (it takes no other qcow2), HyperCore: import of a machine',
  type: { id: 'scale-hypercore', title: 'Scale Computing HyperCore', rules: ALL_ALLOWED },
  makesFullsOnly: true,
  claim,
  confirm,
  scan,
};

function claim({ files }: FolderNames): Claim | null {
  const images = files.filter(isImage);
  if (images.length === 0) return null;
  const documents = files.filter((file) => /\.xml$/i.test(file));
  return documents.length === 0 ? null : { files: [...documents, ...images] };
}

/** Any tool writes XML, and many call an image by its UUID. */
async function confirm(facts: FolderFacts, claimed: ClaimedFiles): Promise<Claim | null> {
  const exports = await exportsIn(facts, claimed);
  const files = exports.flatMap(({ xml, images }) => [xml, ...images]);
  return files.length === 0 ? null : { files: [...new Set(files.map(({ name }) => name))] };
}

async function scan(facts: FolderFacts, claimed: ClaimedFiles): Promise<ClaimedWorkload[]> {
  const { folder } = claimed;
  const found = new Map<string, { name: string; otherIds: string[]; drafts: DraftPoint[] }>();
  for (const one of await exportsIn(facts, claimed)) {
    const { machine, images } = one;
    // Whose backups these are must not change with a read that fails.
    if ('fault' in machine && machine.fault.state === 'unknown')
      throw new BackupError('REPOSITORY_IO_ERROR', machine.fault.reason);
    const known = 'value' in machine ? machine.value : UNKNOWN_MACHINE;
    const id = idOf(folder, one, known);
    const workload = found.get(id) ?? { name: nameOf(known, one.xml), otherIds: [], drafts: [] };
    workload.drafts.push(await draftPoint(facts, id, one, known));
    // While there is no XML each is one of its own.
    workload.otherIds.push(...images.flatMap(({ name }) => loneIds('disk', folder, name)));
    found.set(id, workload);
  }
  return [...found].map(([id, { name, otherIds, drafts }]) => ({
    ...{ id, otherIds: [...new Set(otherIds)], name, restorePoints: settleChains(drafts) },
  }));
}

/** Without a UUID the one that is called as the folder is known by that, and every other by its own name besides. */
function idOf(folder: string, { xml, isOfFolder }: MachineExport, { uuid }: Machine): string {
  if (uuid !== null) return `scale-${uuid.toLowerCase()}`;
  const ofFolder = folderWorkloadId('scale', datedPlace(folder).place);
  return isOfFolder ? ofFolder : `${ofFolder}:${encodeURIComponent(stemOf(xml))}`;
}

async function draftPoint(
  facts: FolderFacts,
  workloadId: string,
  { xml, machine, images }: MachineExport,
  { disks }: Machine,
): Promise<DraftPoint> {
  const faults: PointFault[] = 'fault' in machine ? [machine.fault] : [];
  for (const uuid of disks)
    if (!images.some((image) => uuidOf(image) === uuid))
      faults.push(incomplete(`${uuid}.qcow2, which ${xml.path} names, is not there`).fault);
  for (const image of images) {
    const fault = await wholeImageFault(facts, image, 'qcow2');
    if (fault !== null) faults.push(fault);
  }
  const createdAtMs = writtenAtMs([xml]);
  return fullPoint({
    ...{ id: new Date(createdAtMs).toISOString(), workloadId, createdAtMs, faults },
    disks: images.map((image) => fullDisk(uuidOf(image), 'qcow2', image)),
    companions: [{ path: xml.path, as: xml.name }],
    ...{ files: [xml, ...images], closingRecord: 'silent' },
  });
}

/** The XML, or its folder, is called as the machine; what stands in it may be the UUID. */
function nameOf({ name }: Machine, xml: ClaimedFile): string {
  return name !== null && !isUuid(name) ? name : stemOf(xml);
}

/** Without a date, which changes from run to run. */
function stemOf({ name }: ClaimedFile): string {
  const called = name.slice(0, -'.xml'.length);
  const stem = parseDatedName(called)?.stem ?? '';
  return stem === '' ? called : stem;
}
