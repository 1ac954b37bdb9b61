import { BackupError } from '../../domain/errors.js';
import type { ByteSink } from '../byte-source.js';
import { guidBytes, seededGuid } from '../guid.js';
import type { FileParent, FileShape } from '../image-format.js';
import { CHECKSUM_OFFSET, structureChecksum } from './crc32c.js';
import type { VhdxDialect } from './dialect.js';
import {
  BAT_REGION,
  FILE_MAGIC,
  FILE_PARAMETERS,
  FLAG_HAS_PARENT,
  HEADER_BYTES,
  HEADER_MAGIC,
  HEADER_OFFSETS,
  ITEM_IS_REQUIRED,
  ITEM_IS_VIRTUAL_DISK,
  LOGICAL_SECTOR_SIZE,
  METADATA_MAGIC,
  METADATA_REGION,
  MIB,
  NO_GUID,
  PAGE_83_DATA,
  PARENT_LOCATOR,
  PHYSICAL_SECTOR_SIZE,
  REGION_MAGIC,
  REGION_OFFSETS,
  TABLE_BYTES,
  VERSION,
  VHDX_LOCATOR_TYPE,
  VIRTUAL_DISK_SIZE,
  setU64,
  viewOf,
  type VhdxGeometry,
} from './numbers.js';
import type { Region } from './vhdx-file.js';

const LOG: Region = { offset: MIB, length: MIB };
const METADATA: Region = { offset: 2 * MIB, length: MIB };
/** Up to the end of the second region table. */
const HEADER_AREA_USED_BYTES = REGION_OFFSETS[1] + TABLE_BYTES;
const CREATOR = 'Longhaul';
/** Windows does not follow longer paths. */
const MAX_PARENT_PATH_CHARACTERS = 32_767 / 2;

interface HeadShape extends Pick<FileShape, 'seed' | 'parent'> {
  readonly geometry: VhdxGeometry;
  readonly dialect: VhdxDialect;
  readonly bat: Region;
  readonly dataWriteGuid: string;
}

/** Writes metadata, then the header area; each is durable before the next. */
export async function writeHead(sink: ByteSink, shape: HeadShape): Promise<void> {
  await sink.write(metadataRegion(shape), METADATA.offset);
  await sink.sync();
  await sink.write(headerArea(shape), 0);
  await sink.sync();
}

function headerArea({ seed, bat, dataWriteGuid }: HeadShape): Uint8Array {
  const area = new Uint8Array(HEADER_AREA_USED_BYTES);
  area.set(Buffer.from(FILE_MAGIC, 'latin1'));
  area.set(Buffer.from(CREATOR, 'utf16le'), FILE_MAGIC.length);
  for (const [copy, offset] of HEADER_OFFSETS.entries()) {
    const header = area.subarray(offset, offset + HEADER_BYTES);
    const view = viewOf(header);
    header.set(Buffer.from(HEADER_MAGIC, 'latin1'));
    setU64(view, 8, copy + 1);
    header.set(guidBytes(seededGuid(seed, 'file')), 16);
    header.set(guidBytes(dataWriteGuid), 32);
    header.set(guidBytes(NO_GUID), 48);
    view.setUint16(66, VERSION, true);
    view.setUint32(68, LOG.length, true);
    setU64(view, 72, LOG.offset);
    view.setUint32(CHECKSUM_OFFSET, structureChecksum(header), true);
  }
  const table = regionTable(bat);
  for (const offset of REGION_OFFSETS) area.set(table, offset);
  return area;
}

function regionTable(bat: Region): Uint8Array {
  const table = new Uint8Array(TABLE_BYTES);
  const view = viewOf(table);
  table.set(Buffer.from(REGION_MAGIC, 'latin1'));
  const regions = [
    { guid: BAT_REGION, ...bat },
    { guid: METADATA_REGION, ...METADATA },
  ];
  view.setUint32(8, regions.length, true);
  for (const [index, { guid, offset, length }] of regions.entries()) {
    const at = 16 + index * 32;
    table.set(guidBytes(guid), at);
    setU64(view, at + 16, offset);
    view.setUint32(at + 24, length, true);
    view.setUint32(at + 28, 1, true);
  }
  view.setUint32(CHECKSUM_OFFSET, structureChecksum(table), true);
  return table;
}

function metadataRegion({ geometry, dialect, parent }: HeadShape): Uint8Array {
  const isOfDisk = ITEM_IS_VIRTUAL_DISK | ITEM_IS_REQUIRED;
  const parameters = new Uint8Array(8);
  viewOf(parameters).setUint32(0, geometry.blockBytes, true);
  viewOf(parameters).setUint32(4, parent === null ? 0 : FLAG_HAS_PARENT, true);
  const size = new Uint8Array(8);
  setU64(viewOf(size), 0, geometry.virtualSizeBytes);
  const items = [
    { guid: FILE_PARAMETERS, flags: ITEM_IS_REQUIRED, bytes: parameters },
    { guid: VIRTUAL_DISK_SIZE, flags: isOfDisk, bytes: size },
    { guid: PAGE_83_DATA, flags: isOfDisk, bytes: guidBytes(dialect.page83) },
    { guid: LOGICAL_SECTOR_SIZE, flags: isOfDisk, bytes: u32(dialect.sectorBytes) },
    { guid: PHYSICAL_SECTOR_SIZE, flags: isOfDisk, bytes: u32(dialect.physicalSectorBytes) },
  ];
  if (parent !== null)
    items.push({ guid: PARENT_LOCATOR, flags: ITEM_IS_REQUIRED, bytes: parentLocator(parent) });
  const region = new Uint8Array(METADATA.length);
  const view = viewOf(region);
  region.set(Buffer.from(METADATA_MAGIC, 'latin1'));
  view.setUint16(10, items.length, true);
  let offset = TABLE_BYTES;
  for (const [index, { guid, flags, bytes }] of items.entries()) {
    const at = 32 + index * 32;
    region.set(guidBytes(guid), at);
    view.setUint32(at + 16, offset, true);
    view.setUint32(at + 20, bytes.length, true);
    view.setUint32(at + 24, flags, true);
    region.set(bytes, offset);
    offset += bytes.length;
  }
  return region;
}

/** Only the relative path: an absolute one would be that of the source, or of this storage as Longhaul happens to see it. */
function parentLocator({ link, linkId }: FileParent): Uint8Array {
  if (linkId === null) throw new Error('plan: the parent has no DataWriteGuid');
  const path = relativePath(link);
  const pairs = [
    ['parent_linkage', `{${linkId}}`],
    ['parent_linkage2', `{${NO_GUID}}`],
    ['relative_path', path],
  ] as const;
  const texts = pairs.map(([key, value]) => ({
    key: Buffer.from(key, 'utf16le'),
    value: Buffer.from(value, 'utf16le'),
  }));
  const headBytes = 20 + pairs.length * 12;
  const head = new Uint8Array(headBytes);
  const view = viewOf(head);
  head.set(guidBytes(VHDX_LOCATOR_TYPE));
  view.setUint16(18, pairs.length, true);
  let offset = headBytes;
  for (const [index, { key, value }] of texts.entries()) {
    const at = 20 + index * 12;
    view.setUint32(at, offset, true);
    view.setUint32(at + 4, offset + key.length, true);
    view.setUint16(at + 8, key.length, true);
    view.setUint16(at + 10, value.length, true);
    offset += key.length + value.length;
  }
  return Buffer.concat([head, ...texts.flatMap(({ key, value }) => [key, value])]);
}

/** As Windows writes it: `.\name`, or `..\folder\name`.
 *  @throws IMAGE_LIMIT_EXCEEDED */
function relativePath(link: string): string {
  const path = link.replaceAll('/', '\\');
  if (path.length > MAX_PARENT_PATH_CHARACTERS)
    throw new BackupError(
      'IMAGE_LIMIT_EXCEEDED',
      `the name of the parent has ${path.length} characters; a VHDX file takes ${MAX_PARENT_PATH_CHARACTERS}`,
      { details: { name: link } },
    );
  return path.startsWith('.') ? path : `.\\${path}`;
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, true);
  return bytes;
}
