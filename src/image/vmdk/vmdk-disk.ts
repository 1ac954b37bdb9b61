import { decodeText } from '../../domain/sources/decode-text.js';
import type { ByteSource } from '../byte-source.js';
import type { ImageHead } from '../disk-image.js';
import { checkInside, imageFault } from '../image-fault.js';
import { extentMissing, type ImageExtents } from '../image-format.js';
import {
  MAX_DESCRIPTOR_BYTES,
  parseDescriptor,
  type ExtentLine,
  type ExtentType,
  type VmdkDescriptor,
} from './descriptor.js';
import { readCowdDirectory, readSeSparseDirectory } from './esx-sparse.js';
import type { GrainDirectory } from './grain-tables.js';
import { readGrainDirectory } from './hosted-sparse.js';
import { SparseExtent } from './sparse-extent.js';
import { readEmbeddedText, readSparseHeader } from './sparse-header.js';
import { SECTOR_BYTES, SPARSE_MAGIC, viewOf } from './vmdk-bytes.js';
import { dialectOf } from './vmdk-dialect.js';
import { flatExtent, zeroExtent, type VmdkExtent } from './vmdk-extent.js';

/** A disk with all its parts opened. */
export interface VmdkDisk {
  readonly descriptor: VmdkDescriptor;
  /** In the order of the disk, without empty ones. */
  readonly extents: readonly VmdkExtent[];
  readonly virtualSizeBytes: number;
}

/** Opens a disk by the one file that holds it all, or by its descriptor. Names in the descriptor are data: only what `files` knows is opened.
 *  @throws IMAGE_MAGIC_MISSING, IMAGE_VERSION_UNKNOWN, IMAGE_CORRUPT, IMAGE_LIMIT_EXCEEDED, IMAGE_TRUNCATED, IMAGE_EXTERNAL_DATA,
 *  IMAGE_EXTENT_MISSING */
export async function openVmdkDisk(source: ByteSource, files?: ImageExtents): Promise<VmdkDisk> {
  if ((await magicOf(source)) === SPARSE_MAGIC) return openSingleFile(source);
  const descriptor = parseDescriptor(source, await readTextFile(source), false);
  const extents: VmdkExtent[] = [];
  const parts = new KnownParts(source);
  for (const line of descriptor.extents) {
    if (line.sectors === 0) continue;
    extents.push(await openExtent(source, line, parts, files));
  }
  return { descriptor, extents, virtualSizeBytes: sizeOf(source, descriptor) };
}

/** @throws IMAGE_ENCRYPTED */
export function headOf(source: ByteSource, { descriptor, virtualSizeBytes }: VmdkDisk): ImageHead {
  const { cid, parentCid, parentFileNameHint } = descriptor;
  return {
    virtualSizeBytes,
    parent: parentCid === null ? null : { name: parentFileNameHint ?? '', linkId: parentCid },
    linkId: cid,
    dialect: dialectOf(source, descriptor),
  };
}

async function openSingleFile(source: ByteSource): Promise<VmdkDisk> {
  const header = await readSparseHeader(source);
  if (header.descriptor === null)
    throw imageFault(
      source,
      'IMAGE_CORRUPT',
      'is a part of a disk: the descriptor that names it is a file of its own',
    );
  const text = await readEmbeddedText(source, header.descriptor, MAX_DESCRIPTOR_BYTES);
  const descriptor = parseDescriptor(source, text, true);
  const virtualSizeBytes = sizeOf(source, descriptor);
  const directory = await readGrainDirectory(source, header, virtualSizeBytes);
  return { descriptor, extents: [new SparseExtent(directory)], virtualSizeBytes };
}

function sizeOf(source: ByteSource, { extents }: VmdkDescriptor): number {
  const bytes = extents.reduce((sum, { sectors }) => sum + sectors * SECTOR_BYTES, 0);
  if (bytes === 0 || bytes > Number.MAX_SAFE_INTEGER)
    throw imageFault(source, 'IMAGE_LIMIT_EXCEEDED', `describes a disk of ${bytes} bytes`);
  return bytes;
}

async function openExtent(
  descriptor: ByteSource,
  line: ExtentLine,
  parts: KnownParts,
  files: ImageExtents | undefined,
): Promise<VmdkExtent> {
  const { fileName, type, startSector } = line;
  const sizeBytes = line.sectors * SECTOR_BYTES;
  if (fileName === null) return zeroExtent(descriptor, sizeBytes);
  if (files === undefined) throw extentMissing(descriptor.label, fileName);
  const source = await files.open(fileName);
  if (type === 'FLAT' || type === 'VMFS') {
    const start = startSector * SECTOR_BYTES;
    checkInside(source, `the extent that ${descriptor.label} describes`, start, sizeBytes);
    parts.add(fileName, start, sizeBytes);
    return flatExtent(source, start, sizeBytes);
  }
  parts.add(fileName, 0, source.sizeBytes);
  const directory = await readDirectory(source, type, sizeBytes);
  parts.addTables(directory.tables.length);
  return new SparseExtent(directory);
}

async function readDirectory(
  source: ByteSource,
  type: ExtentType,
  sizeBytes: number,
): Promise<GrainDirectory> {
  if (type === 'VMFSSPARSE') return readCowdDirectory(source, sizeBytes);
  if (type === 'SESPARSE') return readSeSparseDirectory(source, sizeBytes);
  return readGrainDirectory(source, await readSparseHeader(source), sizeBytes);
}

/** 8 bytes each, as many as a disk of one part may have. */
const MAX_TABLES = 2 ** 23;

/** What the parts of a disk that are open take together. */
class KnownParts {
  readonly #used = new Map<string, { readonly start: number; readonly end: number }[]>();
  #tables = 0;

  constructor(private readonly descriptor: ByteSource) {}

  /** Files with holes have directories for nothing. @throws IMAGE_LIMIT_EXCEEDED */
  addTables(count: number): void {
    this.#tables += count;
    if (this.#tables > MAX_TABLES)
      throw imageFault(
        this.descriptor,
        'IMAGE_LIMIT_EXCEEDED',
        `its parts have more than ${MAX_TABLES} grain tables together; so many are not read`,
        { max: MAX_TABLES },
      );
  }

  /** No byte of a file may belong to two parts of a disk. @throws IMAGE_CORRUPT */
  add(fileName: string, start: number, bytes: number): void {
    const known = this.#used.get(fileName) ?? [];
    const end = start + bytes;
    if (known.some((range) => start < range.end && range.start < end))
      throw imageFault(
        this.descriptor,
        'IMAGE_CORRUPT',
        `two parts of the disk lie in the same bytes of ${JSON.stringify(fileName)}`,
        { name: fileName },
      );
    this.#used.set(fileName, [...known, { start, end }]);
  }
}

async function magicOf(source: ByteSource): Promise<number> {
  const bytes = new Uint8Array(Math.min(4, source.sizeBytes));
  await source.read(bytes, 0);
  return bytes.length < 4 ? 0 : viewOf(bytes).getUint32(0, true);
}

/** @throws IMAGE_MAGIC_MISSING when it cannot be a descriptor */
async function readTextFile(source: ByteSource): Promise<string> {
  const { sizeBytes } = source;
  if (sizeBytes <= MAX_DESCRIPTOR_BYTES) {
    const bytes = new Uint8Array(sizeBytes);
    await source.read(bytes, 0);
    const end = bytes.indexOf(0); // padding, or the header of something else
    const text = decodeText(end === -1 ? bytes : bytes.subarray(0, end));
    if (/^[ \t]*(?:version|createType)[ \t]*=/m.test(text)) return text;
  }
  throw imageFault(source, 'IMAGE_MAGIC_MISSING', 'is neither a VMDK disk nor a descriptor', {
    offset: 0,
  });
}
