import type { FormatId, SourceExtent } from '../../domain/sources/source-workload.js';
import { fileByteSource, type ByteSource } from '../../image/byte-source.js';
import type { ImageHead } from '../../image/disk-image.js';
import { imageFormat } from '../../image/formats.js';
import { extentMissing, type ImageExtents } from '../../image/image-format.js';
import type {
  SourceRepository,
  ReadableFile,
  RepositoryEntry,
} from '../../repository/backup-repository.js';
import type { FolderFacts } from '../file-facts.js';
import { fileStart } from '../file-start.js';
import { broken, faultOfError, type Finding } from '../point-fault.js';

/** Also which of the files beside the image are extents of it. */
export interface FoundHead extends ImageHead {
  readonly extents: readonly SourceExtent[];
}

/** What a layout must know of an image, read by its format: a small part of it, whatever its size.
 *  @param beside files that may be extents of the image, each under the name that stands in it; no other is opened for it */
export function readImageHead(
  facts: FolderFacts,
  entry: RepositoryEntry,
  format: FormatId,
  beside: readonly RepositoryEntry[] = [],
): Promise<Finding<FoundHead>> {
  const read = async () => {
    const head = await readHead(facts.repository, entry.path, format, beside);
    const other =
      'fault' in head && head.fault.state === 'incomplete'
        ? await otherFormatOf(facts, entry, format)
        : null;
    if (other === null) return head;
    return broken(`${entry.path} is a ${other} image, whatever its name says: call it .${other}`);
  };
  return facts.fact(entry, `head of ${format}`, read, beside);
}

/** What no guest writes at the start of a disk of another format. Sources: as those of `known-starts.ts`. */
const IMAGE_STARTS: readonly (readonly [format: string, start: string])[] = [
  ['qcow2', 'QFI\xfb'],
  ['vhdx', 'vhdxfile'],
  ['vhd', 'conectix'],
  ['vmdk', 'KDMV'],
];

/** Which format a file is by its first bytes, a character for each; null: none that they tell. */
export function formatOfStart(start: string): string | null {
  return IMAGE_STARTS.find(([, bytes]) => start.startsWith(bytes))?.[0] ?? null;
}

/** The format of an image that is under the name of another one; null: by its start it is none. */
async function otherFormatOf(
  facts: FolderFacts,
  entry: RepositoryEntry,
  named: FormatId,
): Promise<string | null> {
  if (!IMAGE_STARTS.some(([format]) => named.startsWith(format))) return null;
  const start = await fileStart(facts, entry);
  if (!('value' in start)) return null;
  const found = formatOfStart(start.value);
  return found === null || named === found || named === `${found}-stream` ? null : found;
}

async function readHead(
  repository: SourceRepository,
  path: string,
  format: FormatId,
  beside: readonly RepositoryEntry[],
): Promise<Finding<FoundHead>> {
  const opened: ReadableFile[] = [];
  try {
    const open = async (file: string): Promise<ByteSource> => {
      const readable = await repository.openRead(file);
      opened.push(readable);
      return fileByteSource(readable);
    };
    const extents = new ExtentsBeside(path, beside, open);
    const head = await imageFormat(format, path).readHead(await open(path), extents);
    return { value: { ...head, extents: extents.asked } };
  } catch (error) {
    return faultOfError(error);
  } finally {
    for (const file of opened) await file.close();
  }
}

/** What a format asks for of the files beside an image. */
class ExtentsBeside implements ImageExtents {
  readonly asked: SourceExtent[] = [];

  constructor(
    private readonly image: string,
    private readonly beside: readonly RepositoryEntry[],
    private readonly openFile: (path: string) => Promise<ByteSource>,
  ) {}

  open(name: string): Promise<ByteSource> {
    const entry = fileNamed(this.beside, name);
    if (entry === undefined) return Promise.reject(extentMissing(this.image, name));
    const { path, stamp } = entry;
    if (this.asked.every((extent) => extent.name !== name)) this.asked.push({ name, path, stamp });
    return this.openFile(path);
  }
}

/** Letters with marks have two spellings, of which a file system may keep another than the image (a Mac does); Windows made no difference between `A` and `a`
 *  when it opened the extent. Absent: there is none, or more than one but none that is spelt so. */
export function fileNamed<File extends { readonly name: string }>(
  files: readonly File[],
  name: string,
): File | undefined {
  const exact = files.find((file) => file.name === name);
  if (exact !== undefined) return exact;
  const spelling = (text: string) => text.normalize('NFC').toLowerCase();
  const alike = files.filter((file) => spelling(file.name) === spelling(name));
  return alike.length === 1 ? alike[0] : undefined;
}
