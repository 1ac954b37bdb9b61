import type { ByteSource } from '../byte-source.js';
import { PLAIN_DIALECT, type ImageHead } from '../disk-image.js';
import {
  AUTOCLEAR_BITMAPS,
  COMPRESSION_TYPES,
  EXTENSION_BACKING_FORMAT,
  EXTENSION_BITMAPS,
  EXTENSION_DATA_FILE,
  EXTENSION_END,
  INCOMPATIBLE_COMPRESSION,
  INCOMPATIBLE_CORRUPT,
  INCOMPATIBLE_DIRTY,
  INCOMPATIBLE_EXTENDED_L2,
  INCOMPATIBLE_EXTERNAL_DATA,
  MAX_BACKING_NAME_BYTES,
  MAX_CLUSTER_BITS,
  MAX_L1_BYTES,
  MAX_REFCOUNT_ORDER,
  MAX_REFCOUNT_TABLE_BYTES,
  MAX_SNAPSHOTS,
  MIN_CLUSTER_BITS,
  MIN_EXTENDED_L2_CLUSTER_BITS,
  POINTER_BYTES,
  QCOW2_MAGIC,
  SECTOR_BYTES,
  V2_HEADER_BYTES,
  V3_HEADER_BYTES,
  V3_MIN_HEADER_BYTES,
  getU64,
  viewOf,
  type Qcow2Compression,
} from './numbers.js';
import { checkAligned, checkInside, corruptField, imageFault, limit } from '../image-fault.js';

export { checkInside }; // a reader of headers checks the tables it follows by the same rule

/** Cluster 0 of a qcow2 file, checked: every number is within the limits of the format, every table lies inside the file. */
export interface Qcow2Header {
  readonly version: 2 | 3;
  readonly clusterBits: number;
  readonly virtualSizeBytes: number;
  readonly l1: { readonly offset: number; readonly entries: number };
  readonly refcountTable: { readonly offset: number; readonly entries: number };
  readonly refcountBits: number;
  readonly snapshots: { readonly offset: number; readonly count: number };
  readonly extendedL2: boolean;
  readonly compressionType: Qcow2Compression;
  /** Reference counts may be stale (the writer was killed). The tables that reading needs are right nevertheless: QEMU writes
   *  them in the same order as without lazy reference counts, so such an image is read, but never written. */
  readonly isDirty: boolean;
  /** Persistent dirty bitmaps that are valid for the current content. */
  readonly hasBitmaps: boolean;
  /** As stored: data, never opened. */
  readonly backing: { readonly name: string; readonly format: string | null } | null;
}

type Extensions = { backingFormat: string | null; hasBitmaps: boolean };

/** @throws IMAGE_MAGIC_MISSING, IMAGE_VERSION_UNKNOWN, IMAGE_ENCRYPTED, IMAGE_EXTERNAL_DATA, IMAGE_CORRUPT, IMAGE_LIMIT_EXCEEDED,
 *  IMAGE_TRUNCATED. Source: QEMU 7.2 docs/interop/qcow2.txt and the checks of block/qcow2.c `qcow2_do_open`. */
export async function readQcow2Header(source: ByteSource): Promise<Qcow2Header> {
  const start = new Uint8Array(V3_HEADER_BYTES);
  await source.read(start.subarray(0, Math.min(V3_HEADER_BYTES, source.sizeBytes)), 0);
  const view = viewOf(start);
  const version = checkVersion(source, view);
  const clusterBits = view.getUint32(20);
  limit(source, 'cluster_bits', 20, clusterBits, MIN_CLUSTER_BITS, MAX_CLUSTER_BITS);
  const clusterBytes = 2 ** clusterBits;
  if (view.getUint32(32) !== 0)
    throw imageFault(
      source,
      'IMAGE_ENCRYPTED',
      `the image is encrypted (crypt_method ${view.getUint32(32)})`,
      { offset: 32, seen: view.getUint32(32) },
    );
  const features = version === 3 ? readFeatures(source, view, clusterBits) : V2_FEATURES;

  const cluster = new Uint8Array(Math.min(clusterBytes, source.sizeBytes));
  await source.read(cluster, 0);
  const extensions = readExtensions(source, cluster, features.headerBytes, getU64(view, 8));
  const backingName = readBackingName(source, cluster, clusterBytes);
  const tables = readTableRanges(source, view, clusterBytes);
  const virtualSizeBytes = readVirtualSize(source, view);
  checkL1Covers(source, virtualSizeBytes, tables.l1.entries, clusterBytes, features.extendedL2);
  return {
    version,
    clusterBits,
    virtualSizeBytes,
    ...tables,
    refcountBits: features.refcountBits,
    extendedL2: features.extendedL2,
    compressionType: features.compressionType,
    isDirty: features.isDirty,
    hasBitmaps: features.bitmapsValid && extensions.hasBitmaps,
    backing: backingName === null ? null : { name: backingName, format: extensions.backingFormat },
  };
}

function checkVersion(source: ByteSource, view: DataView): 2 | 3 {
  const magic = view.getUint32(0);
  if (magic !== QCOW2_MAGIC)
    throw imageFault(
      source,
      'IMAGE_MAGIC_MISSING',
      `starts with 0x${magic.toString(16).padStart(8, '0')}, a qcow2 file with 0x514649fb`,
      { offset: 0 },
    );
  const version = view.getUint32(4);
  if (version !== 2 && version !== 3)
    throw imageFault(
      source,
      'IMAGE_VERSION_UNKNOWN',
      `is qcow2 version ${version}; 2 and 3 are known`,
      { offset: 4, seen: version },
    );
  const needed = version === 2 ? V2_HEADER_BYTES : V3_MIN_HEADER_BYTES;
  if (source.sizeBytes < needed)
    throw imageFault(
      source,
      'IMAGE_TRUNCATED',
      `has ${source.sizeBytes} bytes; a header of version ${version} needs ${needed}`,
      { offset: 0, sizeBytes: source.sizeBytes },
    );
  return version;
}

interface Features {
  readonly headerBytes: number;
  readonly refcountBits: number;
  readonly extendedL2: boolean;
  readonly compressionType: Qcow2Compression;
  readonly isDirty: boolean;
  readonly bitmapsValid: boolean;
}

const V2_FEATURES: Features = {
  headerBytes: V2_HEADER_BYTES,
  refcountBits: 16,
  extendedL2: false,
  compressionType: 'zlib',
  isDirty: false,
  bitmapsValid: false,
};

const KNOWN_INCOMPATIBLE =
  INCOMPATIBLE_DIRTY |
  INCOMPATIBLE_CORRUPT |
  INCOMPATIBLE_EXTERNAL_DATA |
  INCOMPATIBLE_COMPRESSION |
  INCOMPATIBLE_EXTENDED_L2;

function readFeatures(source: ByteSource, view: DataView, clusterBits: number): Features {
  const incompatible = view.getBigUint64(72);
  const has = (bit: bigint): boolean => (incompatible & bit) !== 0n;
  const seen = { offset: 72, seen: `0x${incompatible.toString(16)}` };
  if ((incompatible & ~KNOWN_INCOMPATIBLE) !== 0n)
    throw imageFault(
      source,
      'IMAGE_VERSION_UNKNOWN',
      `needs features ${seen.seen}; 0x${KNOWN_INCOMPATIBLE.toString(16)} are known`,
      seen,
    );
  if (has(INCOMPATIBLE_EXTERNAL_DATA))
    throw imageFault(source, 'IMAGE_EXTERNAL_DATA', 'keeps its data in an external file', seen);
  if (has(INCOMPATIBLE_CORRUPT))
    throw imageFault(source, 'IMAGE_CORRUPT', 'was marked as corrupt by its last writer', seen);

  const headerBytes = view.getUint32(100);
  limit(source, 'header_length', 100, headerBytes, V3_MIN_HEADER_BYTES, 2 ** clusterBits);
  if (headerBytes % 8 !== 0)
    throw corruptField(source, 'header_length', 100, headerBytes, 'a multiple of 8');
  const refcountOrder = view.getUint32(96);
  limit(source, 'refcount_order', 96, refcountOrder, 0, MAX_REFCOUNT_ORDER);
  if (has(INCOMPATIBLE_EXTENDED_L2))
    limit(
      source,
      'cluster_bits with extended L2 entries',
      20,
      clusterBits,
      MIN_EXTENDED_L2_CLUSTER_BITS,
      MAX_CLUSTER_BITS,
    );
  return {
    headerBytes,
    refcountBits: 2 ** refcountOrder,
    extendedL2: has(INCOMPATIBLE_EXTENDED_L2),
    compressionType: readCompression(source, view, headerBytes, has(INCOMPATIBLE_COMPRESSION)),
    isDirty: has(INCOMPATIBLE_DIRTY),
    bitmapsValid: (view.getBigUint64(88) & AUTOCLEAR_BITMAPS) !== 0n,
  };
}

function readCompression(
  source: ByteSource,
  view: DataView,
  headerBytes: number,
  flagged: boolean,
): Qcow2Compression {
  const number = headerBytes > V3_MIN_HEADER_BYTES ? view.getUint8(104) : 0;
  const type = COMPRESSION_TYPES[number];
  if (type === undefined)
    throw imageFault(
      source,
      'IMAGE_VERSION_UNKNOWN',
      `has compression type ${number}; 0 (zlib) and 1 (zstd) are known`,
      { offset: 104, seen: number },
    );
  if (flagged !== (type !== 'zlib'))
    throw corruptField(
      source,
      'compression_type',
      104,
      number,
      flagged ? 'other than 0, because feature bit 3 is set' : '0, because feature bit 3 is clear',
    );
  return type;
}

function readExtensions(
  source: ByteSource,
  cluster: Uint8Array,
  start: number,
  backingOffset: number,
): Extensions {
  const view = viewOf(cluster);
  const end = backingOffset === 0 ? cluster.length : Math.min(backingOffset, cluster.length);
  const found: Extensions = { backingFormat: null, hasBitmaps: false };
  let offset = start;
  while (offset < end) {
    const room = end - offset - 8;
    const type = room < 0 ? EXTENSION_END : view.getUint32(offset);
    const bytes = room < 0 ? 0 : view.getUint32(offset + 4);
    if (bytes > room)
      throw corruptField(source, 'length of a header extension', offset + 4, bytes, `0..${room}`);
    if (type === EXTENSION_END) break;
    if (type === EXTENSION_DATA_FILE)
      throw imageFault(source, 'IMAGE_EXTERNAL_DATA', 'names an external data file', { offset });
    if (type === EXTENSION_BITMAPS) found.hasBitmaps = true;
    if (type === EXTENSION_BACKING_FORMAT)
      found.backingFormat = text(cluster.subarray(offset + 8, offset + 8 + bytes));
    offset += 8 + Math.ceil(bytes / 8) * 8;
  }
  return found;
}

function readBackingName(
  source: ByteSource,
  cluster: Uint8Array,
  clusterBytes: number,
): string | null {
  const view = viewOf(cluster);
  const offset = getU64(view, 8);
  if (offset === 0) return null;
  const bytes = view.getUint32(16);
  limit(source, 'backing_file_offset', 8, offset, V2_HEADER_BYTES, clusterBytes);
  const room = Math.min(MAX_BACKING_NAME_BYTES, clusterBytes - offset);
  limit(source, 'backing_file_size', 16, bytes, 0, room);
  checkInside(source, 'the backing file name', offset, bytes);
  return bytes === 0 ? null : text(cluster.subarray(offset, offset + bytes));
}

function readTableRanges(
  source: ByteSource,
  view: DataView,
  clusterBytes: number,
): Pick<Qcow2Header, 'l1' | 'refcountTable' | 'snapshots'> {
  const l1 = { offset: getU64(view, 40), entries: view.getUint32(36) };
  limit(source, 'l1_size', 36, l1.entries, 0, MAX_L1_BYTES / POINTER_BYTES);
  checkAligned(source, 'l1_table_offset', 40, l1.offset, clusterBytes);
  checkInside(source, 'the L1 table', l1.offset, l1.entries * POINTER_BYTES);

  const clusters = view.getUint32(56);
  limit(
    source,
    'refcount_table_clusters',
    56,
    clusters,
    1,
    MAX_REFCOUNT_TABLE_BYTES / clusterBytes,
  );
  const refcountTable = {
    offset: getU64(view, 48),
    entries: (clusters * clusterBytes) / POINTER_BYTES,
  };
  checkAligned(source, 'refcount_table_offset', 48, refcountTable.offset, clusterBytes);
  checkInside(source, 'the refcount table', refcountTable.offset, clusters * clusterBytes);

  const snapshots = { offset: getU64(view, 64), count: view.getUint32(60) };
  limit(source, 'nb_snapshots', 60, snapshots.count, 0, MAX_SNAPSHOTS);
  if (snapshots.count > 0) {
    checkAligned(source, 'snapshots_offset', 64, snapshots.offset, clusterBytes);
    checkInside(source, 'the snapshot table', snapshots.offset, snapshots.count * 40);
  }
  return { l1, refcountTable, snapshots };
}

function readVirtualSize(source: ByteSource, view: DataView): number {
  const bytes = getU64(view, 24);
  limit(source, 'size', 24, bytes, 0, Number.MAX_SAFE_INTEGER);
  if (bytes % SECTOR_BYTES !== 0)
    throw corruptField(source, 'size', 24, bytes, 'a multiple of 512');
  return bytes;
}

function checkL1Covers(
  source: ByteSource,
  virtualSizeBytes: number,
  l1Entries: number,
  clusterBytes: number,
  extendedL2: boolean,
): void {
  const bytesPerTable = clusterBytes * (clusterBytes / (extendedL2 ? 16 : 8));
  const needed = Math.ceil(virtualSizeBytes / bytesPerTable);
  if (l1Entries < needed)
    throw corruptField(
      source,
      'l1_size',
      36,
      l1Entries,
      `at least ${needed} for a disk of ${virtualSizeBytes} bytes`,
    );
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

const READ_FORMATS: readonly string[] = ['qcow2', 'raw'];

/** Names alone link qcow2 files, and nothing in them tells their content. */
export function headOf({ virtualSizeBytes, backing }: Qcow2Header): ImageHead {
  // Of a file that says nothing the start would have to be believed, and a guest may have written that.
  const isOnRaw = backing?.format === 'raw';
  const isUnsaid = backing?.format === null;
  const format = backing?.format ?? 'qcow2';
  return {
    virtualSizeBytes,
    parent: backing && {
      ...{ name: backing.name, linkId: null },
      ...(isOnRaw ? { format: 'raw' } : {}),
      ...(isUnsaid ? { isFormatUnsaid: true } : {}),
      ...(READ_FORMATS.includes(format) ? {} : { unreadFormat: format }),
    },
    linkId: null,
    dialect: PLAIN_DIALECT,
  };
}
