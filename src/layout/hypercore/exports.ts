import type { ClaimedFile, ClaimedFiles } from '../backup-layout.js';
import type { FolderFacts } from '../file-facts.js';
import { fileNamed } from '../images/image-head.js';
import { writtenAtMs } from '../names/named-date.js';
import type { Finding } from '../point-fault.js';
import { readXml, xmlAttribute, xmlElement, xmlElements, xmlText } from '../xml-file.js';

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const IMAGE = new RegExp(`^${UUID}\\.qcow2$`, 'i');
const SOURCE = new RegExp(`^(?:.*/)?(?<uuid>${UUID})$`, 'i');
/** Kinds of a device whose medium comes and goes. */
const REMOVABLE = ['cdrom', 'floppy'];

export interface Machine {
  readonly uuid: string | null;
  readonly name: string | null;
  /** Uuids of its disks, in lower case, in the order of the document. */
  readonly disks: readonly string[];
}

export const UNKNOWN_MACHINE: Machine = { uuid: null, name: null, disks: [] };

/** One XML with what lies beside it of the machine that it describes. */
export interface MachineExport {
  readonly xml: ClaimedFile;
  /** Whether the XML is called as the folder. */
  readonly isOfFolder: boolean;
  readonly machine: Finding<Machine>;
  readonly images: readonly ClaimedFile[];
}

export function isImage(name: string): boolean {
  return IMAGE.test(name);
}

export function isUuid(text: string): boolean {
  return SOURCE.test(text);
}

export function uuidOf({ name }: ClaimedFile): string {
  return name.slice(0, -'.qcow2'.length).toLowerCase();
}

/** The exports among XML files and images of one folder. An image is of one export: of that which is called as the folder before others, then of the
 *  newest that names it. An XML that names nothing that is left is none, nor is its fault one of an export, unless images lie there that may be its own. */
export async function exportsIn(
  facts: FolderFacts,
  { folder, files }: ClaimedFiles,
): Promise<MachineExport[]> {
  let left = files.filter(({ name }) => isImage(name));
  const take = (isOwn: (image: ClaimedFile) => boolean): ClaimedFile[] => {
    const taken = left.filter(isOwn);
    left = left.filter((image) => !taken.includes(image));
    return taken;
  };
  const documents = files.filter(({ name }) => !isImage(name));
  const ofFolder = fileNamed(documents, `${folder.slice(folder.lastIndexOf('/') + 1)}.xml`);
  const newestFirst = documents
    .filter((xml) => xml !== ofFolder)
    .sort((a, b) => writtenAtMs([b]) - writtenAtMs([a]));
  const exports: (MachineExport & { images: ClaimedFile[] })[] = [];
  const unread: (typeof exports)[number][] = [];
  for (const xml of ofFolder === undefined ? newestFirst : [ofFolder, ...newestFirst]) {
    const machine = await readMachine(facts, xml);
    const named = 'value' in machine ? machine.value.disks : [];
    const images = take((image) => named.includes(uuidOf(image)));
    const found = { xml, isOfFolder: xml === ofFolder, machine, images };
    if (images.length > 0 || found.isOfFolder) exports.push(found);
    else if ('fault' in machine && machine.fault.state === 'unknown') unread.push(found);
  }
  // Of one that cannot be read nobody knows what it names.
  if (left.length > 0) for (const one of unread) exports.push({ ...one, images: take(() => true) });
  const [first] = exports;
  if (first?.isOfFolder !== true) return exports;
  first.images.push(...take(() => true));
  const isOther = first.images.length === 0 && isWithoutDisks(first.machine);
  return isOther ? exports.slice(1) : exports;
}

function isWithoutDisks(machine: Finding<Machine>): boolean {
  return 'value' in machine && machine.value.disks.length === 0;
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
