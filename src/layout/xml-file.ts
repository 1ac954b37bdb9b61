import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { decodeText } from '../domain/sources/decode-text.js';
import type { SourceRepository, RepositoryEntry } from '../repository/backup-repository.js';
import { broken, faultOfError, incomplete, type Finding } from './point-fault.js';

/** Machine descriptions are a few kilobytes; one of a machine with hundreds of devices stays far below this. */
export const MAX_TEXT_BYTES = 1024 * 1024;

/** A parsed element: its children and attributes (`@name`) by name. Read it with the functions below. */
export type XmlElement = unknown;

const OPTIONS = {
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  processEntities: false,
};
const parser = new XMLParser(OPTIONS);
const unprefixed = new XMLParser({ ...OPTIONS, removeNSPrefix: true });

/** Text of a file of at most 1 MiB, in whatever encoding it says that it has.
 *  @throws what the repository throws */
export async function readText(
  repository: SourceRepository,
  path: string,
): Promise<Finding<string>> {
  const bytes = await readBytes(repository, path);
  return 'fault' in bytes ? bytes : { value: decodeText(bytes.value) };
}

/** Bytes of a file of at most 1 MiB.
 *  @throws what the repository throws */
export async function readBytes(
  repository: SourceRepository,
  path: string,
): Promise<Finding<Uint8Array>> {
  const file = await repository.openRead(path);
  try {
    const { sizeBytes } = await file.stamp();
    if (sizeBytes > MAX_TEXT_BYTES)
      return broken(`${path} has ${sizeBytes} bytes; at most ${MAX_TEXT_BYTES} are read`);
    const bytes = new Uint8Array(sizeBytes);
    const count = await file.read(bytes, 0);
    return { value: bytes.subarray(0, count) };
  } finally {
    await file.close();
  }
}

/** The document in a file. A document with a DOCTYPE is refused, entities are not processed: no file can make the parser read another
 *  file or grow without bound. One that is not well-formed is `incomplete`: it may still be in the making. One that the parser refuses although it is
 *  well-formed (names that JavaScript gives a meaning, more elements within each other than any tool writes) is `broken`.
 *  @param prefixes `dropped`: names are without what stands before their colon, declared or not */
export async function readXml(
  repository: SourceRepository,
  entry: RepositoryEntry,
  prefixes: 'kept' | 'dropped' = 'kept',
): Promise<Finding<XmlElement>> {
  try {
    const text = await readText(repository, entry.path);
    if ('fault' in text) return text;
    if (/<!DOCTYPE/i.test(text.value))
      return broken(`${entry.path} has a DOCTYPE, which is refused`);
    const validity = XMLValidator.validate(text.value);
    if (validity !== true)
      return incomplete(
        `${entry.path} is not well-formed XML: ${validity.err.msg} (line ${validity.err.line})`,
      );
    const document = parsed(prefixes === 'kept' ? parser : unprefixed, text.value);
    return 'refusal' in document
      ? broken(`${entry.path} is XML that is not read: ${document.refusal}`)
      : document;
  } catch (error) {
    return faultOfError(error);
  }
}

/** The document in a text, as `readXml` reads one; null: it is not well-formed, has a DOCTYPE, or is one that the parser refuses. */
export function parseXml(text: string): XmlElement {
  if (/<!DOCTYPE/i.test(text) || XMLValidator.validate(text) !== true) return null;
  const document = parsed(parser, text);
  return 'value' in document ? document.value : null;
}

/** The parser throws plain errors for what its validator has let pass. */
function parsed(
  reader: XMLParser,
  text: string,
): { readonly value: XmlElement } | { readonly refusal: string } {
  try {
    const value: unknown = reader.parse(text);
    return { value };
  } catch (error) {
    return { refusal: error instanceof Error ? error.message : String(error) };
  }
}

/** The element at the end of a path of names, the first where there are several; undefined when there is none. */
export function xmlElement(from: XmlElement, ...names: string[]): XmlElement {
  return names.reduce<XmlElement>((element, name) => xmlElements(element, name)[0], from);
}

/** All children of this name, in document order. */
export function xmlElements(from: XmlElement, name: string): readonly XmlElement[] {
  const found = member(from, name);
  if (found === undefined) return [];
  return Array.isArray(found) ? found : [found];
}

/** Text of an element without attributes, the predefined entities replaced; null when it is absent or empty. */
export function xmlText(element: XmlElement): string | null {
  return typeof element === 'string' && element !== '' ? decodeEntities(element) : null;
}

export function xmlAttribute(element: XmlElement, name: string): string | null {
  const value = member(element, `@${name}`);
  return typeof value === 'string' ? decodeEntities(value) : null;
}

function member(element: XmlElement, name: string): unknown {
  if (typeof element !== 'object' || element === null || !Object.hasOwn(element, name))
    return undefined;
  return (element as Readonly<Record<string, unknown>>)[name];
}

const PREDEFINED: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
  '&amp;': '&',
};

function decodeEntities(text: string): string {
  return text.replaceAll(/&(?:lt|gt|quot|apos|amp);/g, (entity) => PREDEFINED[entity] ?? entity);
}
