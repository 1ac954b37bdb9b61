import type { RepositoryEntry } from '../../repository/backup-repository.js';
import type { FolderFacts } from '../file-facts.js';
import { readXml, xmlAttribute, xmlElement, xmlElements, type XmlElement } from '../xml-file.js';

/** As Windows names a volume: `\\?\Volume{9b9cfbc3-369e-11e9-a17c-806e6f6e6963}\`. */
const VOLUME_NAME = /Volume\{(?<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}/i;
const VOLUME_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Ids of the volumes that a `BackupSpecs.xml` lists, in lower case, each once: the names of their disks. null: it says nothing of volumes, or cannot be read.
 *  Source: `<BackupSpecs><FileSpecs><Volume Name="…">`, Windows Server Backup. */
export async function listedVolumes(
  facts: FolderFacts,
  record: RepositoryEntry,
): Promise<readonly string[] | null> {
  const found = await facts.fact(record, 'volumes', async () => {
    const document = await readXml(facts.repository, record, 'dropped');
    return 'fault' in document ? document : { value: volumesIn(document.value) };
  });
  return 'fault' in found || found.value.length === 0 ? null : found.value;
}

function volumesIn(document: XmlElement): string[] {
  const volumes = xmlElements(xmlElement(document, 'BackupSpecs', 'FileSpecs'), 'Volume');
  const names = volumes.flatMap((volume) => xmlAttribute(volume, 'Name') ?? []);
  const ids = names.flatMap((name) => VOLUME_NAME.exec(name)?.groups?.id?.toLowerCase() ?? []);
  return [...new Set(ids)];
}

/** Which of the listed volumes has no disk, in words; null: all have. The disk of the EFI system partition is called `Esp`: a volume without a disk of its
 *  own may be one whose name is no id.
 *  @param held names of the disks, in lower case */
export function missingVolume(listed: readonly string[], held: readonly string[]): string | null {
  const without = listed.filter((id) => !held.includes(id));
  const isMetByEsp = held.some((name) => !VOLUME_ID.test(name));
  if (without.length <= (isMetByEsp ? 1 : 0)) return null;
  return isMetByEsp
    ? `of the volumes ${without.join(', ')} all but one are not there`
    : `volume ${without.join(', ')} is not there`;
}
