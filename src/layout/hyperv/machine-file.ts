import { decodeText } from '../../domain/sources/decode-text.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import type { FolderFacts } from '../file-facts.js';
import { faultOfError, incomplete, type Finding } from '../point-fault.js';
import { parseXml, readBytes, xmlText, type XmlElement } from '../xml-file.js';
import { textsOfKeyStore } from './key-store.js';

/** What the description of a machine says. */
export interface MachineFacts {
  /** As its administrator calls it; null: it does not say. */
  readonly name: string | null;
  /** Names of the files of its disks, without the folders that they had on the host. Data, never opened. */
  readonly disks: readonly string[];
}

/** Reads a description: a key store (`.vmcx`), up to 2012 R2 XML in UTF-16. Both hold the same tree of names; an `.exp` of 2008 holds another.
 *  @returns null: it is in a form that is not read, so nothing is known of the machine */
export function readMachineFile(
  facts: FolderFacts,
  entry: RepositoryEntry,
): Promise<Finding<MachineFacts | null>> {
  if (/\.exp$/i.test(entry.name)) return Promise.resolve({ value: null });
  return facts.fact(entry, 'machine of hyper-v', async () => {
    try {
      const bytes = await readBytes(facts.repository, entry.path);
      if ('fault' in bytes) return { value: null };
      const texts = /\.xml$/i.test(entry.name)
        ? textsOfXml(bytes.value)
        : textsOfKeyStore(Buffer.from(bytes.value));
      if (texts === 'cut') return incomplete(`${entry.path} ends too soon`);
      return { value: texts === null ? null : machineIn(texts) };
    } catch (error) {
      return faultOfError(error);
    }
  });
}

/** A drive has a `type`, which is `VHD` whatever the format of its disk, and a `pathname`. */
function machineIn(texts: ReadonlyMap<string, string>): MachineFacts {
  const disks = [...texts].flatMap(([path, type]) => {
    if (!path.endsWith('/type') || type !== 'VHD') return [];
    const file = texts.get(path.replace(/type$/, 'pathname'))?.split('\\').at(-1);
    return file === undefined || file === '' ? [] : [file];
  });
  return { name: texts.get('configuration/properties/name') ?? null, disks: disks.sort() };
}

/** null: it is no XML, or not well-formed yet. */
function textsOfXml(bytes: Uint8Array): ReadonlyMap<string, string> | 'cut' | null {
  const text = decodeText(bytes);
  if (!text.includes('<configuration')) return null;
  const document = parseXml(text);
  if (document === null) return 'cut';
  const texts = new Map<string, string>();
  addTexts(texts, '', document);
  return texts;
}

function addTexts(texts: Map<string, string>, path: string, element: XmlElement): void {
  if (typeof element === 'string') texts.set(path, xmlText(element) ?? '');
  else if (typeof element === 'object' && element !== null)
    for (const [name, child] of Object.entries(element))
      if (name === '#text') texts.set(path, xmlText(child) ?? '');
      else if (!name.startsWith('@'))
        addTexts(texts, path === '' ? name : `${path}/${name}`, child);
}
