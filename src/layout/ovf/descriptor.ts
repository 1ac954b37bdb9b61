import type { RepositoryEntry } from '../../repository/backup-repository.js';
import type { FolderFacts } from '../file-facts.js';
import type { Finding } from '../point-fault.js';
import {
  readXml,
  xmlAttribute,
  xmlElement,
  xmlElements,
  xmlText,
  type XmlElement,
} from '../xml-file.js';

/** What an OVF descriptor says of the files of its package. Source: DSP0243 (OVF 2.1), 7 and 8; of OVF 0.9, as VirtualCenter 2.5 and VirtualBox write it on demand:
 *  VirtualBox, ApplianceImplExport.cpp (`buildXML`). */
export interface OvfDescriptor {
  /** Of the machine, or of the first of several. */
  readonly name: string | null;
  /** In their order; each href once. */
  readonly files: readonly OvfFile[];
}

export interface OvfFile {
  /** As it stands there: data, whatever it is. */
  readonly href: string;
  /** null: it says nothing, or no number. */
  readonly sizeBytes: number | null;
  /** Of the whole file, as the descriptor names it: `gzip`. null: none. */
  readonly compression: string | null;
  /** It lies in parts, `<href>.000000000` and on. */
  readonly isChunked: boolean;
  /** A disk refers to it. */
  readonly isDisk: boolean;
  /** A disk that builds on another one of the package. */
  readonly isDelta: boolean;
}

export function readOvf(
  facts: FolderFacts,
  entry: RepositoryEntry,
): Promise<Finding<OvfDescriptor>> {
  return facts.fact(entry, 'ovf', async () => {
    const document = await readXml(facts.repository, entry, 'dropped');
    if ('fault' in document) return document;
    return { value: descriptorIn(xmlElement(document.value, 'Envelope')) };
  });
}

function descriptorIn(envelope: XmlElement): OvfDescriptor {
  const elements = ofType(envelope, 'Section', 'DiskSection').flatMap((section) =>
    xmlElements(section, 'Disk'),
  );
  const fileRef = (disk: XmlElement): string | null => xmlAttribute(disk, 'fileRef');
  const disks = elements.map(fileRef);
  const deltas = elements.filter((disk) => xmlAttribute(disk, 'parentRef')).map(fileRef);
  const files = new Map<string, OvfFile>();
  for (const file of xmlElements(xmlElement(envelope, 'References'), 'File')) {
    const href = xmlAttribute(file, 'href') ?? '';
    const size = xmlAttribute(file, 'size') ?? '';
    const id = xmlAttribute(file, 'id');
    const known = files.get(href);
    files.set(href, {
      href,
      sizeBytes: /^\d{1,15}$/.test(size) ? Number(size) : null,
      compression: compressionOf(xmlAttribute(file, 'compression')),
      isChunked: xmlAttribute(file, 'chunkSize') !== null,
      isDisk: disks.includes(id) || known?.isDisk === true,
      isDelta: deltas.includes(id) || known?.isDelta === true,
    });
  }
  const [collection] = ofType(envelope, 'Content', 'VirtualSystemCollection');
  const [system = collection] = ofType(envelope, 'Content', 'VirtualSystem');
  return { name: xmlText(xmlElement(system, 'Name')), files: [...files.values()] };
}

/** OVF 0.9 has one element for all of a kind, and what each is in `xsi:type`: `<Section xsi:type="ovf:DiskSection_Type">` is `<DiskSection>` since. */
function ofType(envelope: XmlElement, general: string, name: string): readonly XmlElement[] {
  const type = new RegExp(`^(?:[^:]*:)?${name}_Type$`);
  const ofEarlier = xmlElements(envelope, general).filter((element) =>
    type.test(xmlAttribute(element, 'type') ?? ''),
  );
  return [...xmlElements(envelope, name), ...ofEarlier];
}

function compressionOf(stated: string | null): string | null {
  return stated === null || ['', 'identity'].includes(stated) ? null : stated;
}
