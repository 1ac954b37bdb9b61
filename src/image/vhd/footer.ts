import type { ByteSource } from '../byte-source.js';
import { uuidText } from '../guid.js';
import { imageFault, limit } from '../image-fault.js';
import {
  CREATOR_VERSION_OF_FIXED,
  FOOTER,
  FOOTER_BYTES,
  FOOTER_MAGIC,
  MAX_DISK_BYTES,
  MAX_FIXED_DISK_BYTES,
  OLD_FOOTER_BYTES,
  SECTOR_BYTES,
  TYPE_DIFFERENCING,
  TYPE_DYNAMIC,
  TYPE_FIXED,
  VERSION,
  asciiAt,
  getU64,
  vhdChecksum,
  viewOf,
} from './numbers.js';

export interface VhdFooter {
  readonly type: 'fixed' | 'dynamic' | 'differencing';
  readonly virtualSizeBytes: number;
  readonly uuid: string;
  /** Where the header of a dynamic file lies. */
  readonly dataOffset: number;
  /** Whether fulls of this disk are fixed: it is one itself, or an increment that Longhaul has made of one. */
  readonly isOfFixed: boolean;
  /** Bytes of the file before the footer. */
  readonly contentBytes: number;
}

const TYPES = new Map<number, VhdFooter['type']>([
  [TYPE_FIXED, 'fixed'],
  [TYPE_DYNAMIC, 'dynamic'],
  [TYPE_DIFFERENCING, 'differencing'],
]);

/** Programs whose disks end where their geometry does; for all others the size in the footer counts. Source: QEMU 7.2 block/vpc.c */
const SIZED_BY_GEOMETRY: readonly string[] = ['vpc ', 'qemu'];
/** What a geometry leaves out of a disk, or adds to it, is less than a cylinder of the largest one: 16 heads of 255 sectors. One that is further from the
 *  size in the footer is not that of this disk, and would cut data off: other tools leave it 0, or as it was before the disk was resized. That also
 *  holds for disks that are larger than a geometry can tell. */
const MAX_CYLINDER_SECTORS = 16 * 255;

/** @throws IMAGE_MAGIC_MISSING, IMAGE_TRUNCATED when only the start of the file is one, IMAGE_VERSION_UNKNOWN, IMAGE_CORRUPT,
 *  IMAGE_LIMIT_EXCEEDED */
export async function readFooter(source: ByteSource): Promise<VhdFooter> {
  const found = await footerAtEnd(source);
  if (found === null) return refuseWithoutFooter(source);
  const { bytes, at } = found;
  if (vhdChecksum(bytes, FOOTER.checksum) !== viewOf(bytes).getUint32(FOOTER.checksum))
    throw imageFault(source, 'IMAGE_CORRUPT', 'its footer has a wrong checksum', { offset: at });
  const footer = parseFooter(source, bytes, at);
  if (footer.type !== 'fixed') await refuseOtherCopy(source, bytes);
  return footer;
}

async function footerAtEnd(source: ByteSource): Promise<{ bytes: Uint8Array; at: number } | null> {
  for (const length of [FOOTER_BYTES, OLD_FOOTER_BYTES]) {
    const at = source.sizeBytes - length;
    if (at < 0) continue;
    const bytes = new Uint8Array(FOOTER_BYTES);
    await source.read(bytes.subarray(0, length), at);
    if (asciiAt(bytes, 0, FOOTER_MAGIC.length) === FOOTER_MAGIC) return { bytes, at };
  }
  return null;
}

/** A dynamic file begins with a copy of its footer: one that does and has none at its end was cut off, or is still being written. */
async function refuseWithoutFooter(source: ByteSource): Promise<never> {
  const start = new Uint8Array(Math.min(FOOTER_MAGIC.length, source.sizeBytes));
  await source.read(start, 0);
  if (asciiAt(start, 0, start.length) === FOOTER_MAGIC)
    throw imageFault(source, 'IMAGE_TRUNCATED', 'does not end with its footer', {
      offset: source.sizeBytes,
      sizeBytes: source.sizeBytes,
    });
  throw imageFault(
    source,
    'IMAGE_MAGIC_MISSING',
    `does not end like a VHD file, whose footer begins with "${FOOTER_MAGIC}"`,
    { offset: Math.max(0, source.sizeBytes - FOOTER_BYTES) },
  );
}

function parseFooter(source: ByteSource, bytes: Uint8Array, at: number): VhdFooter {
  const view = viewOf(bytes);
  const version = view.getUint32(FOOTER.version);
  const type = TYPES.get(view.getUint32(FOOTER.type));
  if (version !== VERSION || type === undefined)
    throw imageFault(
      source,
      'IMAGE_VERSION_UNKNOWN',
      `is VHD version 0x${version.toString(16)} of type ${view.getUint32(FOOTER.type)}; 0x10000 of type 2, 3 and 4 are known`,
      { offset: at + FOOTER.version },
    );
  const virtualSizeBytes = diskBytes(view, asciiAt(bytes, FOOTER.creator, 4), at);
  const mostBytes = type === 'fixed' ? MAX_FIXED_DISK_BYTES : MAX_DISK_BYTES;
  limit(source, 'size of the disk', at + FOOTER.currentSize, virtualSizeBytes, 1, mostBytes);
  if (virtualSizeBytes % SECTOR_BYTES !== 0)
    throw imageFault(
      source,
      'IMAGE_CORRUPT',
      `a disk of ${virtualSizeBytes} bytes, no whole sectors`,
      { offset: at + FOOTER.currentSize },
    );
  if (type === 'fixed' && virtualSizeBytes > at)
    throw imageFault(
      source,
      'IMAGE_TRUNCATED',
      `has ${at} bytes before its footer, the disk ${virtualSizeBytes}`,
      { offset: at, sizeBytes: source.sizeBytes },
    );
  return {
    type,
    virtualSizeBytes,
    uuid: uuidText(bytes.subarray(FOOTER.uuid, FOOTER.uuid + 16)),
    dataOffset: getU64(view, FOOTER.dataOffset),
    isOfFixed:
      type === 'fixed' ||
      (type === 'differencing' &&
        view.getUint32(FOOTER.creatorVersion) === CREATOR_VERSION_OF_FIXED),
    contentBytes: at,
  };
}

/** @param contentBytes of the file: a fixed disk has no more */
function diskBytes(view: DataView, creator: string, contentBytes: number): number {
  const currentBytes = getU64(view, FOOTER.currentSize);
  if (!SIZED_BY_GEOMETRY.includes(creator)) return currentBytes;
  const sectors =
    view.getUint16(FOOTER.geometry) *
    view.getUint8(FOOTER.geometry + 2) *
    view.getUint8(FOOTER.geometry + 3);
  const bytes = sectors * SECTOR_BYTES;
  const isItsOwn =
    sectors > 0 &&
    Math.abs(bytes - currentBytes) < MAX_CYLINDER_SECTORS * SECTOR_BYTES &&
    (view.getUint32(FOOTER.type) !== TYPE_FIXED || bytes <= contentBytes);
  return isItsOwn ? bytes : currentBytes;
}

/** The copy may be older in what says nothing of the content; a broken one is what the footer at the end is there for. */
async function refuseOtherCopy(source: ByteSource, footer: Uint8Array): Promise<void> {
  const copy = new Uint8Array(FOOTER_BYTES);
  await source.read(copy, 0);
  const isWhole =
    asciiAt(copy, 0, FOOTER_MAGIC.length) === FOOTER_MAGIC &&
    vhdChecksum(copy, FOOTER.checksum) === viewOf(copy).getUint32(FOOTER.checksum);
  if (!isWhole) return;
  const fields = [
    [FOOTER.dataOffset, 8],
    [FOOTER.currentSize, 8],
    [FOOTER.type, 4],
    [FOOTER.uuid, 16],
  ] as const;
  for (const [at, length] of fields)
    if (asciiAt(copy, at, length) !== asciiAt(footer, at, length))
      throw imageFault(
        source,
        'IMAGE_CORRUPT',
        'the footer and its copy at the start differ in what they say of the disk',
        { offset: at },
      );
}
