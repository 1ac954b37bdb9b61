import type { ClaimedFile } from '../backup-layout.js';
import type { FolderFacts } from '../file-facts.js';
import { readXml, xmlElement, xmlText } from '../xml-file.js';
import { lastName } from '../../repository/repository-path.js';

/** What the tool saves besides disks. Source: abbbi/virtnbdbackup, virt/client.py (`getDomainInfo`), backup/metadata.py (`backupBootConfig`). */
const SAVED = ['loader', 'nvram', 'kernel', 'initrd'] as const;

/** Names of the files that a machine is started from, as its definition has them, without their folders on the host. */
export async function bootFiles(
  facts: FolderFacts,
  definition: ClaimedFile | null,
): Promise<readonly string[]> {
  if (definition === null) return [];
  const found = await facts.fact(definition, 'boot files', async () => {
    const document = await readXml(facts.repository, definition);
    if ('fault' in document) return document;
    const os = xmlElement(document.value, 'domain', 'os');
    const paths = SAVED.flatMap((name) => {
      const element = xmlElement(os, name);
      // One with attributes holds its text beside them.
      return xmlText(element) ?? xmlText(xmlElement(element, '#text')) ?? [];
    });
    return { value: paths.map((path) => lastName(path)) };
  });
  return 'fault' in found ? [] : found.value;
}
