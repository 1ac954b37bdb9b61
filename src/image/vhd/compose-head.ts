import { BackupError } from '../../domain/errors.js';
import { uuidBytes } from '../guid.js';
import type { FileParent, FileShape } from '../image-format.js';
import {
  CREATOR_VERSION,
  CREATOR_VERSION_OF_FIXED,
  FOOTER,
  FOOTER_BYTES,
  FOOTER_MAGIC,
  HEADER,
  HEADER_BYTES,
  HEADER_MAGIC,
  LOCATOR_RELATIVE,
  PARENT_NAME_BYTES,
  SECTOR_BYTES,
  type TYPE_DIFFERENCING,
  type TYPE_DYNAMIC,
  TYPE_FIXED,
  VERSION,
  setU64,
  vhdChecksum,
  viewOf,
} from './numbers.js';

const FEATURES_RESERVED = 2; // always set
const CREATOR = 'win ';
const CREATOR_HOST = 'Wi2k';
const PARENT_PATH_OFFSET = FOOTER_BYTES + HEADER_BYTES;

/** `blockBytes` and the table belong to a file with blocks. */
export interface HeaderShape extends Pick<FileShape, 'parent'> {
  readonly blockBytes: number;
  readonly entries: number;
  readonly tableOffset: number;
}

export function composedFooter(shape: {
  readonly virtualSizeBytes: number;
  readonly uuid: string;
  /** Whether it is an increment of a fixed disk. */
  readonly isOfFixed: boolean;
  readonly type: typeof TYPE_FIXED | typeof TYPE_DYNAMIC | typeof TYPE_DIFFERENCING;
}): Uint8Array {
  const footer = new Uint8Array(FOOTER_BYTES);
  const view = viewOf(footer);
  footer.set(Buffer.from(FOOTER_MAGIC, 'latin1'));
  view.setUint32(FOOTER.features, FEATURES_RESERVED);
  view.setUint32(FOOTER.version, VERSION);
  if (shape.type === TYPE_FIXED) footer.fill(0xff, FOOTER.dataOffset, FOOTER.dataOffset + 8);
  else setU64(view, FOOTER.dataOffset, FOOTER_BYTES);
  footer.set(Buffer.from(CREATOR, 'latin1'), FOOTER.creator);
  view.setUint32(
    FOOTER.creatorVersion,
    shape.isOfFixed ? CREATOR_VERSION_OF_FIXED : CREATOR_VERSION,
  );
  footer.set(Buffer.from(CREATOR_HOST, 'latin1'), FOOTER.creatorHost);
  setU64(view, FOOTER.originalSize, shape.virtualSizeBytes);
  setU64(view, FOOTER.currentSize, shape.virtualSizeBytes);
  const { cylinders, heads, sectors } = geometryOf(shape.virtualSizeBytes / SECTOR_BYTES);
  view.setUint16(FOOTER.geometry, cylinders);
  view.setUint8(FOOTER.geometry + 2, heads);
  view.setUint8(FOOTER.geometry + 3, sectors);
  view.setUint32(FOOTER.type, shape.type);
  footer.set(uuidBytes(shape.uuid), FOOTER.uuid);
  view.setUint32(FOOTER.checksum, vhdChecksum(footer, FOOTER.checksum));
  return footer;
}

/** Copy of the footer, header and the path of the parent: the start of a file with blocks.
 *  @throws IMAGE_LIMIT_EXCEEDED when the path has no room in `bytes` */
export function composedStart(footer: Uint8Array, shape: HeaderShape, bytes: number): Uint8Array {
  const start = new Uint8Array(bytes);
  start.set(footer);
  const header = start.subarray(FOOTER_BYTES, FOOTER_BYTES + HEADER_BYTES);
  const view = viewOf(header);
  header.set(Buffer.from(HEADER_MAGIC, 'latin1'));
  header.fill(0xff, HEADER.dataOffset, HEADER.dataOffset + 8);
  setU64(view, HEADER.tableOffset, shape.tableOffset);
  view.setUint32(HEADER.version, VERSION);
  view.setUint32(HEADER.maxEntries, shape.entries);
  view.setUint32(HEADER.blockBytes, shape.blockBytes);
  if (shape.parent !== null) {
    const path = parentPath(shape.parent, bytes - PARENT_PATH_OFFSET);
    setParent(header, shape.parent, path.length);
    start.set(path, PARENT_PATH_OFFSET);
  }
  view.setUint32(HEADER.checksum, vhdChecksum(header, HEADER.checksum));
  return start;
}

/** As Windows writes it: `.\name`, or `..\folder\name`, in UTF-16. */
function parentPath({ link }: FileParent, mostBytes: number): Uint8Array {
  const path = link.replaceAll('/', '\\');
  const bytes = Buffer.from(path.startsWith('.') ? path : `.\\${path}`, 'utf16le');
  if (bytes.length <= mostBytes) return bytes;
  throw new BackupError(
    'IMAGE_LIMIT_EXCEEDED',
    `the path of the parent has ${bytes.length} bytes; ${mostBytes} have room in a VHD file`,
    { details: { name: link } },
  );
}

/** The time stamp of the parent stays 0, as Windows leaves it. An absolute path would be that of this storage as Longhaul happens to see it. */
function setParent(header: Uint8Array, { link, linkId }: FileParent, pathBytes: number): void {
  if (linkId === null) throw new Error('plan: the parent has no uuid');
  const view = viewOf(header);
  header.set(uuidBytes(linkId), HEADER.parentUuid);
  const name = Buffer.from(link.split('/').at(-1) ?? '', 'utf16le').swap16();
  header.set(name.subarray(0, PARENT_NAME_BYTES - 2), HEADER.parentName);
  header.set(Buffer.from(LOCATOR_RELATIVE, 'latin1'), HEADER.locators);
  view.setUint32(HEADER.locators + 4, Math.ceil(pathBytes / SECTOR_BYTES) * SECTOR_BYTES);
  view.setUint32(HEADER.locators + 8, pathBytes);
  setU64(view, HEADER.locators + 16, PARENT_PATH_OFFSET);
}

interface Geometry {
  readonly cylinders: number;
  readonly heads: number;
  readonly sectors: number;
}

/** Source: Virtual Hard Disk Image Format Specification 1.0, Appendix: CHS calculation. */
function geometryOf(totalSectors: number): Geometry {
  const total = Math.min(totalSectors, 65_535 * 16 * 255);
  if (total >= 65_535 * 16 * 63) return geometry(total, 16, 255);
  let sectors = 17;
  let tracks = Math.floor(total / sectors);
  let heads = Math.max(4, Math.floor((tracks + 1_023) / 1_024));
  if (tracks >= heads * 1_024 || heads > 16) {
    sectors = 31;
    heads = 16;
    tracks = Math.floor(total / sectors);
  }
  if (tracks >= heads * 1_024) return geometry(total, 16, 63);
  return geometry(total, heads, sectors);
}

function geometry(total: number, heads: number, sectors: number): Geometry {
  return { cylinders: Math.floor(Math.floor(total / sectors) / heads), heads, sectors };
}
