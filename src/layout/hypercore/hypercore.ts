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
import { incomplete, type Finding, type PointFault } from '../point-fault.js';
import { settleChains } from '../images/settle-chains.js';
import { loneIds } from '../images/single-file.js';
import { fileNamed } from '../images/image-head.js';
import { wholeImageFault } from '../images/whole-image.js';
import { folderWorkloadId } from '../names/workload-id.js';
import { readXml, xmlAttribute, xmlElement, xmlElements, xmlText } from '../xml-file.js';

/** Exports of Scale Computing HyperCore: a folder with one XML file, named as the folder, and `<uuid>.qcow2` for each disk.
 *
 *  The XML is a domain of libvirt with elements of Scale's own (`scale:os`, a prefix that is declared nowhere). A workload is a machine, known by the
 *  UUID in its XML, or else by its folder. A folder is one restore point, dated by the last change of its XML; it is a full. Every disk that the XML
 *  names (`<source name="scribe/<uuid>"/>`) has to be there; an image that it does not name belongs to the export all the same.
 *  Nothing tells that an export has ended: a point is taken once nothing in it has changed for a while.
 *  Source: jpwarren/scale-tools; no real files could be had (docs/COMPATIBILITY.md). */
export const hypercoreLayout: BackupLayout = {
  name: 'hypercore',
  type: { id: 'scale-hypercore', title: 'Scale Computing HyperCore', rules: ALL_ALLOWED },
  makesFullsOnly: true,
  claim,
  scan,
};

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const IMAGE = new RegExp(`^${UUID}\\.qcow2$`, 'i');
/** Kinds of a device whose medium comes and goes. */
const REMOVABLE = ['cdrom', 'floppy'];
const SOURCE = new RegExp(`^(?:.*/)?(?<uuid>${UUID})$`, 'i');

function claim({ folder, files }: FolderNames): Claim | null {
  const name = folder.slice(folder.lastIndexOf('/') + 1);
  const images = files.filter((file) => IMAGE.test(file));
  if (images.length === 0) return null;
  const xml = fileNamed(
    files.map((file) => ({ name: file })),
    `${name}.xml`,
  )?.name;
  if (xml === undefined) return null;
  return { files: [xml, ...images] };
}

interface Machine {
  readonly uuid: string | null;
  readonly name: string | null;
  /** Uuids of its disks, in lower case, in the order of the document. */
  readonly disks: readonly string[];
}

async function scan(
  facts: FolderFacts,
  { folder, files }: ClaimedFiles,
): Promise<ClaimedWorkload[]> {
  const xml = files.find(({ name }) => !IMAGE.test(name));
  if (xml === undefined) return [];
  const images = files.filter((file) => file !== xml);
  const machine = await readMachine(facts, xml);
  // Whose backups these are must not change with a read that fails.
  if ('fault' in machine && machine.fault.state === 'unknown')
    throw new BackupError('REPOSITORY_IO_ERROR', machine.fault.reason);
  const known: Machine = 'value' in machine ? machine.value : { uuid: null, name: null, disks: [] };
  const faults: PointFault[] = 'fault' in machine ? [machine.fault] : [];
  for (const uuid of known.disks)
    if (!images.some((image) => uuidOf(image) === uuid))
      faults.push(incomplete(`${uuid}.qcow2, which ${xml.path} names, is not there`).fault);
  for (const image of images) {
    const fault = await wholeImageFault(facts, image, 'qcow2');
    if (fault !== null) faults.push(fault);
  }
  const id =
    known.uuid === null
      ? folderWorkloadId('scale', datedPlace(folder).place)
      : `scale-${known.uuid.toLowerCase()}`;
  const createdAtMs = writtenAtMs([xml]);
  const point = fullPoint({
    ...{ id: new Date(createdAtMs).toISOString(), workloadId: id, createdAtMs, faults },
    disks: images.map((image) => fullDisk(uuidOf(image), 'qcow2', image)),
    companions: [{ path: xml.path, as: xml.name }],
    ...{ files, closingRecord: 'silent' },
  });
  const name = nameOf(known, xml);
  // While there is no XML each is one of its own.
  const otherIds = images.flatMap((image) => loneIds('disk', folder, image.name));
  return [{ id, otherIds, name, restorePoints: settleChains([point]) }];
}

/** The folder and the XML are called as the machine; what stands in the XML may be its UUID. */
function nameOf({ name }: Machine, xml: ClaimedFile): string {
  if (name !== null && !SOURCE.test(name)) return name;
  const called = xml.name.slice(0, -'.xml'.length);
  const stem = parseDatedName(called)?.stem ?? '';
  return stem === '' ? called : stem;
}

function uuidOf({ name }: ClaimedFile): string {
  return name.slice(0, -'.qcow2'.length).toLowerCase();
}

function readMachine(facts: FolderFacts, entry: ClaimedFile): Promise<Finding<Machine>> {
  return facts.fact(entry, 'machine of hypercore', async () => {
    const document = await readXml(facts.repository, entry, 'dropped');
    if ('fault' in document) return document;
    const domain = xmlElement(document.value, 'domain');
    const disks = xmlElements(xmlElement(domain, 'devices'), 'disk').flatMap((disk) => {
      // What lies in a drive is exported only where it is a disk of the machine's own.
      if (REMOVABLE.includes(xmlAttribute(disk, 'device') ?? '')) return [];
      const source = xmlAttribute(xmlElement(disk, 'source'), 'name') ?? '';
      return SOURCE.exec(source)?.groups?.uuid?.toLowerCase() ?? [];
    });
    const uuid = xmlText(xmlElement(domain, 'uuid'));
    return {
      value: {
        uuid: uuid !== null && SOURCE.test(uuid) ? uuid : null,
        name: xmlText(xmlElement(domain, 'name')),
        disks: [...new Set(disks)],
      },
    };
  });
}
