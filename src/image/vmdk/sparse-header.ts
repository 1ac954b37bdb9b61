import type { ByteSource } from '../byte-source.js';
import { checkInside, corruptField, imageFault, limit } from '../image-fault.js';
import { getU64, SECTOR_BYTES, SPARSE_MAGIC, viewOf } from './vmdk-bytes.js';

/** Header of a hosted sparse extent: the first sector, and once more near the end of a stream. */
export interface SparseHeader {
  readonly capacityBytes: number;
  readonly grainBytes: number;
  /** Grains are zlib streams, each behind a marker with its place and length. */
  readonly isCompressed: boolean;
  /** A table entry of 1 is a grain of zeros. */
  readonly hasZeroGrains: boolean;
  /** null: the descriptor is a file of its own. */
  readonly descriptor: { readonly offset: number; readonly bytes: number } | null;
  /** null: a second header near the end of the file has it. */
  readonly directoryOffset: number | null;
  /** null: there is no second set of tables. */
  readonly spareDirectoryOffset: number | null;
}

export const FLAG_NEWLINES = 1;
export const FLAG_SPARE_TABLES = 2;
const FLAG_ZERO_GRAINS = 4;
const FLAG_COMPRESSED = 0x10000;
const FLAG_MARKERS = 0x20000;
/** Of the upper half an unknown one changes what the file means. */
const FLAGS_UNKNOWN = 0xfffc_0000;
const COMPRESSION_DEFLATE = 1;
/** Line ends that a transfer as text would change. */
export const NEWLINES = [0x0a, 0x20, 0x0d, 0x0a] as const;

export const ENTRIES_PER_TABLE = 512;
const AT_THE_END = 0xffff_ffff_ffff_ffffn;
const MAX_VERSION = 3;
const MIN_GRAIN_SECTORS = 8;
/** 1 MiB: a compressed grain is put together in memory. Every tool writes 128. */
const MAX_GRAIN_SECTORS = 2_048;
/** Of 64-bit fields: what a directory of 2^23 tables of the default grain covers, 256 TiB. */
const MAX_CAPACITY_SECTORS = 2 ** 39;
const MARKER_FOOTER = 3;

/** @throws IMAGE_MAGIC_MISSING, IMAGE_VERSION_UNKNOWN, IMAGE_CORRUPT, IMAGE_LIMIT_EXCEEDED; IMAGE_TRUNCATED also when the file is a stream
 *  that has not got its end: a second header and a last, empty sector */
export async function readSparseHeader(source: ByteSource): Promise<SparseHeader> {
  const first = new Uint8Array(SECTOR_BYTES);
  await source.read(first, 0);
  const header = parseHeader(source, first, 0);
  return header.directoryOffset === null ? readFooter(source, header) : header;
}

function parseHeader(source: ByteSource, bytes: Uint8Array, at: number): SparseHeader {
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== SPARSE_MAGIC)
    throw imageFault(source, 'IMAGE_MAGIC_MISSING', `no sparse VMDK header at byte ${at}`, {
      offset: at,
    });
  const version = view.getUint32(4, true);
  const flags = view.getUint32(8, true);
  if (version < 1 || version > MAX_VERSION)
    throw imageFault(source, 'IMAGE_VERSION_UNKNOWN', `version ${version}`, { offset: at + 4 });
  if ((flags & FLAGS_UNKNOWN) !== 0)
    throw imageFault(source, 'IMAGE_VERSION_UNKNOWN', `flags 0x${flags.toString(16)}`, {
      offset: at + 8,
    });
  const newlines = bytes.subarray(73, 77);
  if ((flags & FLAG_NEWLINES) !== 0 && NEWLINES.some((byte, index) => newlines[index] !== byte))
    throw imageFault(
      source,
      'IMAGE_CORRUPT',
      'the line ends in its header were changed: it was transferred as text',
      { offset: at + 73 },
    );
  const capacity = getU64(view, 12);
  const grain = getU64(view, 20);
  limit(source, 'capacity', at + 12, capacity, 1, MAX_CAPACITY_SECTORS);
  limit(source, 'grain size', at + 20, grain, MIN_GRAIN_SECTORS, MAX_GRAIN_SECTORS);
  if ((grain & (grain - 1)) !== 0)
    throw corruptField(source, 'grain size', at + 20, grain, 'a power of two');
  const entries = view.getUint32(44, true);
  limit(source, 'entries per table', at + 44, entries, ENTRIES_PER_TABLE, ENTRIES_PER_TABLE);
  const hasSpareTables = (flags & FLAG_SPARE_TABLES) !== 0;
  const directory = view.getBigUint64(56, true);
  return {
    capacityBytes: capacity * SECTOR_BYTES,
    grainBytes: grain * SECTOR_BYTES,
    isCompressed: isCompressed(source, flags, view.getUint16(77, true), at),
    hasZeroGrains: (flags & FLAG_ZERO_GRAINS) !== 0,
    descriptor: descriptorPlace(getU64(view, 28), getU64(view, 36)),
    directoryOffset: directory === AT_THE_END ? null : getU64(view, 56) * SECTOR_BYTES,
    spareDirectoryOffset: hasSpareTables ? getU64(view, 48) * SECTOR_BYTES : null,
  };
}

function descriptorPlace(sector: number, sectors: number): SparseHeader['descriptor'] {
  if (sector === 0 || sectors === 0) return null;
  return { offset: sector * SECTOR_BYTES, bytes: sectors * SECTOR_BYTES };
}

function isCompressed(source: ByteSource, flags: number, method: number, at: number): boolean {
  const compressed = (flags & FLAG_COMPRESSED) !== 0;
  const hasMarkers = (flags & FLAG_MARKERS) !== 0;
  if (compressed !== hasMarkers || (compressed && method !== COMPRESSION_DEFLATE))
    throw imageFault(
      source,
      'IMAGE_VERSION_UNKNOWN',
      `compression ${method} with flags 0x${flags.toString(16)}`,
      { offset: at + 77 },
    );
  return compressed;
}

/** The last three sectors of a stream: the footer's marker, the footer, the marker of the end, which is empty. */
async function readFooter(source: ByteSource, front: SparseHeader): Promise<SparseHeader> {
  const start = source.sizeBytes - 3 * SECTOR_BYTES;
  const unfinished = (): Error =>
    imageFault(source, 'IMAGE_TRUNCATED', 'a stream without its end: footer and last marker', {
      sizeBytes: source.sizeBytes,
    });
  if (start < SECTOR_BYTES || source.sizeBytes % SECTOR_BYTES !== 0) throw unfinished();
  const bytes = new Uint8Array(3 * SECTOR_BYTES);
  await source.read(bytes, start);
  const view = viewOf(bytes);
  const end = 2 * SECTOR_BYTES;
  if (view.getUint32(8, true) !== 0 || view.getUint32(12, true) !== MARKER_FOOTER)
    throw unfinished();
  if (getU64(view, end) !== 0 || getU64(view, end + 8) !== 0) throw unfinished();
  const at = start + SECTOR_BYTES;
  const footer = parseHeader(source, bytes.subarray(SECTOR_BYTES, end), at);
  const { directoryOffset, spareDirectoryOffset } = footer;
  if (directoryOffset === null)
    throw imageFault(source, 'IMAGE_CORRUPT', 'the footer names no grain directory', {
      offset: at + 56,
    });
  const same = ['capacityBytes', 'grainBytes', 'isCompressed', 'hasZeroGrains'] as const;
  const differs = same.find((field) => footer[field] !== front[field]);
  if (differs !== undefined)
    throw imageFault(source, 'IMAGE_CORRUPT', `footer and header differ in ${differs}`, {
      offset: at,
    });
  return { ...front, directoryOffset, spareDirectoryOffset };
}

/** @throws IMAGE_TRUNCATED, IMAGE_LIMIT_EXCEEDED */
export async function readEmbeddedText(
  source: ByteSource,
  { offset, bytes }: NonNullable<SparseHeader['descriptor']>,
  maxBytes: number,
): Promise<string> {
  limit(source, 'size of the descriptor', 36, bytes, SECTOR_BYTES, maxBytes);
  checkInside(source, 'the descriptor', offset, bytes);
  const text = new Uint8Array(bytes);
  await source.read(text, offset);
  return new TextDecoder().decode(text);
}
