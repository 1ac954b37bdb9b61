import type { ByteSource } from '../byte-source.js';
import { guidText, isGuid } from '../guid.js';
import { imageFault, limit } from '../image-fault.js';
import type { VhdxFile } from './vhdx-file.js';
import {
  FILE_PARAMETERS,
  FLAG_HAS_PARENT,
  ITEM_IS_REQUIRED,
  LOGICAL_SECTOR_SIZE,
  MAX_BLOCK_BYTES,
  MAX_DISK_BYTES,
  MAX_TABLE_ENTRIES,
  METADATA_MAGIC,
  MIB,
  MIN_BLOCK_BYTES,
  NO_GUID,
  PAGE_83_DATA,
  PARENT_LOCATOR,
  PHYSICAL_SECTOR_SIZE,
  TABLE_BYTES,
  VHDX_LOCATOR_TYPE,
  VIRTUAL_DISK_SIZE,
  asciiAt,
  getU64,
  viewOf,
  type VhdxGeometry,
} from './numbers.js';

/** Of one item; the largest there is, a parent locator, has a few kilobytes. */
const MAX_ITEM_BYTES = MIB;

export interface VhdxMetadata {
  readonly geometry: VhdxGeometry;
  readonly physicalSectorBytes: number;
  /** Id of the disk as the guest sees it. */
  readonly page83: string | null;
  readonly parent: VhdxParent | null;
}

interface VhdxParent {
  /** As stored, with `/` for `\` and without a leading `./` where it is relative: data, never opened. */
  readonly name: string;
  /** DataWriteGuid of the parent. */
  readonly linkId: string;
  readonly otherLinkId?: string;
}

interface Item {
  readonly offset: number;
  readonly length: number;
}

const KNOWN_ITEMS: readonly string[] = [
  FILE_PARAMETERS,
  VIRTUAL_DISK_SIZE,
  PAGE_83_DATA,
  LOGICAL_SECTOR_SIZE,
  PHYSICAL_SECTOR_SIZE,
  PARENT_LOCATOR,
];

/** @throws IMAGE_VERSION_UNKNOWN, IMAGE_CORRUPT, IMAGE_LIMIT_EXCEEDED, IMAGE_TRUNCATED. Source: [MS-VHDX] 2.6 */
export async function readMetadata(file: VhdxFile): Promise<VhdxMetadata> {
  const items = await readItems(file);
  const read = async (guid: string, minBytes: number): Promise<Uint8Array | null> => {
    const item = items.get(guid);
    if (item === undefined) return null;
    limit(
      file.source,
      `length of the item ${guid}`,
      item.offset,
      item.length,
      minBytes,
      MAX_ITEM_BYTES,
    );
    const bytes = new Uint8Array(item.length);
    await file.source.read(bytes, item.offset);
    return bytes;
  };
  const needed = async (guid: string, minBytes: number): Promise<DataView> => {
    const bytes = await read(guid, minBytes);
    if (bytes !== null) return viewOf(bytes);
    throw imageFault(file.source, 'IMAGE_CORRUPT', `its metadata lack the item ${guid}`, {
      offset: file.metadata.offset,
    });
  };
  const parameters = await needed(FILE_PARAMETERS, 8);
  const hasParent = (parameters.getUint32(4, true) & FLAG_HAS_PARENT) !== 0;
  const geometry = checkGeometry(file.source, file.metadata.offset, {
    blockBytes: parameters.getUint32(0, true),
    sectorBytes: (await needed(LOGICAL_SECTOR_SIZE, 4)).getUint32(0, true),
    virtualSizeBytes: getU64(await needed(VIRTUAL_DISK_SIZE, 8), 0),
    hasParent,
  });
  const physical = await read(PHYSICAL_SECTOR_SIZE, 4);
  const page83 = await read(PAGE_83_DATA, 16);
  const locator = hasParent ? await read(PARENT_LOCATOR, 20) : null;
  if (hasParent && locator === null)
    throw imageFault(file.source, 'IMAGE_CORRUPT', 'has a parent and no parent locator', {
      offset: file.metadata.offset,
    });
  return {
    geometry,
    physicalSectorBytes: physical === null ? 4_096 : viewOf(physical).getUint32(0, true),
    page83: page83 === null ? null : guidText(page83),
    parent: locator === null ? null : readParent(file.source, locator),
  };
}

async function readItems({ source, metadata }: VhdxFile): Promise<Map<string, Item>> {
  const table = new Uint8Array(TABLE_BYTES);
  await source.read(table, metadata.offset);
  const view = viewOf(table);
  if (asciiAt(table, 0, METADATA_MAGIC.length) !== METADATA_MAGIC)
    throw imageFault(source, 'IMAGE_CORRUPT', 'its metadata do not start like metadata', {
      offset: metadata.offset,
    });
  const count = view.getUint16(10, true);
  limit(source, 'number of metadata items', metadata.offset + 10, count, 0, MAX_TABLE_ENTRIES);
  const items = new Map<string, Item>();
  for (let index = 0; index < count; index++) {
    const at = 32 + index * 32;
    const guid = guidText(table.subarray(at, at + 16));
    const offset = view.getUint32(at + 16, true);
    const length = view.getUint32(at + 20, true);
    const where = { offset: metadata.offset + at };
    if (!KNOWN_ITEMS.includes(guid)) {
      if ((view.getUint32(at + 24, true) & ITEM_IS_REQUIRED) === 0) continue;
      throw imageFault(
        source,
        'IMAGE_VERSION_UNKNOWN',
        `has metadata ${guid} that a reader must know`,
        where,
      );
    }
    if (items.has(guid) || offset < TABLE_BYTES || offset + length > metadata.length)
      throw imageFault(
        source,
        'IMAGE_CORRUPT',
        `the metadata item ${guid} is there twice, or does not lie inside its region`,
        where,
      );
    items.set(guid, { offset: metadata.offset + offset, length });
  }
  return items;
}

function checkGeometry(
  source: ByteSource,
  at: number,
  seen: Omit<VhdxGeometry, 'sectorBytes'> & { readonly sectorBytes: number },
): VhdxGeometry {
  const { blockBytes, sectorBytes, virtualSizeBytes } = seen;
  limit(source, 'block size', at, blockBytes, MIN_BLOCK_BYTES, MAX_BLOCK_BYTES);
  limit(source, 'virtual disk size', at, virtualSizeBytes, 1, MAX_DISK_BYTES);
  if (!Number.isInteger(Math.log2(blockBytes)))
    throw imageFault(source, 'IMAGE_CORRUPT', `block size ${blockBytes} is no power of two`);
  if (sectorBytes !== 512 && sectorBytes !== 4_096)
    throw imageFault(
      source,
      'IMAGE_CORRUPT',
      `sectors of ${sectorBytes} bytes; 512 or 4096 is allowed`,
    );
  if (virtualSizeBytes % sectorBytes !== 0)
    throw imageFault(
      source,
      'IMAGE_CORRUPT',
      `virtual disk size ${virtualSizeBytes} is no multiple of its sectors of ${sectorBytes}`,
    );
  return { ...seen, sectorBytes };
}

/** Source: [MS-VHDX] 2.6.2.6.3: the DataWriteGuid of the parent is one of `parent_linkage` and `parent_linkage2`. The second is for a parent that was being
 *  written, and all zeros in what Hyper-V leaves. */
function readParent(source: ByteSource, locator: Uint8Array): VhdxParent {
  const type = guidText(locator);
  if (type !== VHDX_LOCATOR_TYPE)
    throw imageFault(
      source,
      'IMAGE_VERSION_UNKNOWN',
      `names its parent in an unknown way, ${type}`,
    );
  const entries = locatorEntries(source, locator);
  const linkId = entries.get('parent_linkage') ?? '';
  if (!isGuid(linkId))
    throw imageFault(
      source,
      'IMAGE_CORRUPT',
      `parent_linkage is ${JSON.stringify(linkId)}, which is no GUID`,
    );
  const relative = entries.get('relative_path');
  const name =
    relative === undefined || relative === ''
      ? (entries.get('absolute_win32_path') ?? entries.get('volume_path') ?? '')
      : relative.replaceAll('\\', '/').replace(/^(\.\/)+/, '');
  const other = plainGuid(entries.get('parent_linkage2') ?? '');
  const hasOther = isGuid(other) && other !== NO_GUID;
  return { name, linkId: plainGuid(linkId), ...(hasOther ? { otherLinkId: other } : {}) };
}

function plainGuid(text: string): string {
  return text.toLowerCase().replace(/[{}]/g, '');
}

function locatorEntries(source: ByteSource, locator: Uint8Array): Map<string, string> {
  const view = viewOf(locator);
  const count = view.getUint16(18, true);
  const entries = new Map<string, string>();
  const text = (offset: number, length: number): string => {
    if (offset + length > locator.length)
      throw imageFault(
        source,
        'IMAGE_CORRUPT',
        'an entry of its parent locator lies outside of it',
      );
    return Buffer.from(locator.subarray(offset, offset + length)).toString('utf16le');
  };
  if (20 + count * 12 > locator.length)
    throw imageFault(
      source,
      'IMAGE_CORRUPT',
      `its parent locator has no room for ${count} entries`,
    );
  for (let index = 0; index < count; index++) {
    const at = 20 + index * 12;
    const key = text(view.getUint32(at, true), view.getUint16(at + 8, true));
    entries.set(key, text(view.getUint32(at + 4, true), view.getUint16(at + 10, true)));
  }
  return entries;
}
