import { BackupError } from '../../domain/errors.js';
import type { SourceRepository, RepositoryEntry } from '../../repository/backup-repository.js';
import type { FolderFacts } from '../file-facts.js';
import { broken, type Finding, type PointFault } from '../point-fault.js';
import {
  readXml,
  xmlAttribute,
  xmlElement,
  xmlElements,
  xmlText,
  type XmlElement,
} from '../xml-file.js';

/** What `virsh checkpoint-dumpxml` says about one checkpoint. Source: libvirt formatcheckpoint.html. */
export interface LibvirtCheckpoint {
  readonly name: string;
  readonly parentName: string | null;
  readonly createdAtMs: number;
  /** Disks (`<target dev>`) whose changes are tracked from this checkpoint on. */
  readonly disks: readonly string[];
  /** Disks and drives whose changes are not (`checkpoint='no'`). */
  readonly untracked: readonly string[];
  readonly domain: LibvirtDomain | null;
}

export interface LibvirtDomain {
  readonly uuid: string;
  readonly name: string;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function readCheckpoint(
  facts: FolderFacts,
  entry: RepositoryEntry,
  expectedName: string,
): Promise<Finding<LibvirtCheckpoint>> {
  const read = () => checkpointIn(facts.repository, entry, expectedName);
  return facts.fact(entry, `checkpoint ${expectedName} and what it leaves out`, read);
}

async function checkpointIn(
  repository: SourceRepository,
  entry: RepositoryEntry,
  expectedName: string,
): Promise<Finding<LibvirtCheckpoint>> {
  const document = await readXml(repository, entry);
  if ('fault' in document) return document;
  const root = xmlElement(document.value, 'domaincheckpoint');
  const name = xmlText(xmlElement(root, 'name'));
  if (name?.toLowerCase() !== expectedName.toLowerCase())
    return broken(
      `${entry.path} describes checkpoint ${name ?? 'without a name'}, not ${expectedName}`,
    );
  const seconds = xmlText(xmlElement(root, 'creationTime')) ?? '';
  if (!/^\d{1,11}$/.test(seconds)) return broken(`${entry.path} has no valid creationTime`);
  return {
    value: {
      name,
      parentName: xmlText(xmlElement(root, 'parent', 'name')),
      createdAtMs: Number(seconds) * 1000,
      disks: disksOf(root, 'bitmap'),
      untracked: disksOf(root, 'no'),
      domain: domainIn(root),
    },
  };
}

function disksOf(checkpoint: XmlElement, tracking: 'bitmap' | 'no'): string[] {
  return xmlElements(xmlElement(checkpoint, 'disks'), 'disk')
    .filter((disk) => xmlAttribute(disk, 'checkpoint') === tracking)
    .map((disk) => xmlAttribute(disk, 'name'))
    .filter((disk) => disk !== null);
}

/** What a restore point tells of its domain. */
interface DomainShown {
  readonly domain: LibvirtDomain | null;
  readonly faults: readonly PointFault[];
}

/** Identity of the domain in the output of `virsh dumpxml`; null when the file does not show one. Only a file that cannot be read just now is a
 *  fault: the definition is no part of the disks. */
export async function readDomain(facts: FolderFacts, entry: RepositoryEntry): Promise<DomainShown> {
  const found = await facts.fact(entry, 'domain', async () => {
    const document = await readXml(facts.repository, entry);
    return 'fault' in document ? document : { value: domainIn(document.value) };
  });
  if (!('fault' in found)) return { domain: found.value, faults: [] };
  return { domain: null, faults: found.fault.state === 'unknown' ? [found.fault] : [] };
}

/** The domain of the first of these points that shows one; null when none does.
 *  @throws REPOSITORY_IO_ERROR when none does and something could not be read: whose backups these are must not change with that */
export function firstDomain(points: readonly DomainShown[]): LibvirtDomain | null {
  const domain = points.find((point) => point.domain !== null)?.domain ?? null;
  const unread = points.flatMap(({ faults }) => faults).find(({ state }) => state === 'unknown');
  if (domain === null && unread !== undefined)
    throw new BackupError('REPOSITORY_IO_ERROR', unread.reason);
  return domain;
}

function domainIn(parent: XmlElement): LibvirtDomain | null {
  const uuid = xmlText(xmlElement(parent, 'domain', 'uuid'))?.toLowerCase() ?? '';
  const name = xmlText(xmlElement(parent, 'domain', 'name'));
  return UUID.test(uuid) ? { uuid, name: name ?? uuid } : null;
}
