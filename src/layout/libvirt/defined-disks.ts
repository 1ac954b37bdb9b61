import type { RepositoryEntry } from '../../repository/backup-repository.js';
import type { FolderFacts } from '../file-facts.js';
import { readXml, xmlAttribute, xmlElement, xmlElements } from '../xml-file.js';

/** A disk of the machine, as its definition has it. */
export interface DefinedDisk {
  /** `<target dev>`. */
  readonly disk: string;
  /** virtnbdbackup copies such disks as they are, under a name that tells nothing. What a guest has written to one may look like a stream. */
  readonly isRaw: boolean;
}

/** A disk or a drive of the machine. */
export interface DefinedDevice extends DefinedDisk {
  /** Its media come and go, and no backup takes them. */
  readonly isDrive: boolean;
}

/** Without drives. None where there is no definition that can be read.
 *  @param definition output of `virsh dumpxml`, or of `virsh checkpoint-dumpxml`, which holds the machine as it was then */
export async function definedDisks(
  facts: FolderFacts,
  definition: RepositoryEntry | null,
): Promise<readonly DefinedDisk[]> {
  const devices = await definedDevices(facts, definition);
  return devices.filter(({ isDrive }) => !isDrive);
}

/** `definedDisks`, and drives. */
export async function definedDevices(
  facts: FolderFacts,
  definition: RepositoryEntry | null,
): Promise<readonly DefinedDevice[]> {
  if (definition === null) return [];
  const found = await facts.fact(definition, 'disks and drives of the machine', async () => {
    const document = await readXml(facts.repository, definition);
    if ('fault' in document) return document;
    const machine = xmlElement(document.value, 'domaincheckpoint') ?? document.value;
    const devices = xmlElement(machine, 'domain', 'devices');
    const value = xmlElements(devices, 'disk').flatMap((element): DefinedDevice[] => {
      const disk = xmlAttribute(xmlElement(element, 'target'), 'dev');
      if (disk === null) return [];
      const isRaw = xmlAttribute(xmlElement(element, 'driver'), 'type') === 'raw';
      return [{ disk, isRaw, isDrive: DRIVES.includes(xmlAttribute(element, 'device') ?? '') }];
    });
    return { value };
  });
  return 'fault' in found ? [] : found.value;
}

const DRIVES = ['cdrom', 'floppy'];
