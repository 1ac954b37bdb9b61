import type { ByteSource } from '../byte-source.js';
import type { ParentLink } from '../disk-image.js';
import { uuidText } from '../guid.js';
import { checkInside, imageFault, limit } from '../image-fault.js';
import {
  BAT_ENTRY_BYTES,
  HEADER,
  HEADER_BYTES,
  HEADER_MAGIC,
  LOCATORS,
  LOCATOR_ABSOLUTE,
  LOCATOR_BYTES,
  LOCATOR_RELATIVE,
  PARENT_NAME_BYTES,
  SECTOR_BYTES,
  VERSION,
  asciiAt,
  getU64,
  vhdChecksum,
  viewOf,
} from './numbers.js';
import type { VhdFooter } from './footer.js';

/** 32 MiB of the table: a disk of 2 TiB with blocks of 256 KiB. */
const MAX_ENTRIES = 8_388_608;
const MAX_BLOCK_BYTES = 256 * 1024 * 1024;
const MAX_LOCATOR_BYTES = 65_536;

/** Header of a dynamic or differencing file. */
export interface VhdHeader {
  readonly tableOffset: number;
  /** As many as the disk needs; the table may have more. */
  readonly entries: number;
  readonly blockBytes: number;
  readonly parent: ParentLink | null;
}

/** @throws IMAGE_VERSION_UNKNOWN, IMAGE_CORRUPT, IMAGE_LIMIT_EXCEEDED, IMAGE_TRUNCATED */
export async function readHeader(source: ByteSource, footer: VhdFooter): Promise<VhdHeader> {
  const at = footer.dataOffset;
  checkInside(source, 'the header', at, HEADER_BYTES);
  const bytes = new Uint8Array(HEADER_BYTES);
  await source.read(bytes, at);
  const view = viewOf(bytes);
  if (
    asciiAt(bytes, 0, HEADER_MAGIC.length) !== HEADER_MAGIC ||
    vhdChecksum(bytes, HEADER.checksum) !== view.getUint32(HEADER.checksum)
  )
    throw imageFault(
      source,
      'IMAGE_CORRUPT',
      `its header does not begin with "${HEADER_MAGIC}", or has a wrong checksum`,
      { offset: at },
    );
  if (view.getUint32(HEADER.version) !== VERSION)
    throw imageFault(
      source,
      'IMAGE_VERSION_UNKNOWN',
      `has a header of version 0x${view.getUint32(HEADER.version).toString(16)}; 0x10000 is known`,
      { offset: at + HEADER.version },
    );
  const blockBytes = view.getUint32(HEADER.blockBytes);
  limit(source, 'block size', at + HEADER.blockBytes, blockBytes, SECTOR_BYTES, MAX_BLOCK_BYTES);
  if (!Number.isInteger(Math.log2(blockBytes)))
    throw imageFault(source, 'IMAGE_CORRUPT', `block size ${blockBytes} is no power of two`, {
      offset: at + HEADER.blockBytes,
    });
  const entries = Math.ceil(footer.virtualSizeBytes / blockBytes);
  const has = view.getUint32(HEADER.maxEntries);
  limit(source, 'number of blocks of the disk', at + HEADER.maxEntries, entries, 1, MAX_ENTRIES);
  if (has < entries)
    throw imageFault(
      source,
      'IMAGE_CORRUPT',
      `its table has ${has} entries; a disk of this size needs ${entries}`,
      { offset: at + HEADER.maxEntries },
    );
  const tableOffset = getU64(view, HEADER.tableOffset);
  checkInside(source, 'the table of blocks', tableOffset, entries * BAT_ENTRY_BYTES);
  const parent = footer.type === 'differencing' ? await readParent(source, bytes) : null;
  return { tableOffset, entries, blockBytes, parent };
}

/** The path from the file, or else whatever the header says; with `/` for `\` and without a leading `./` where it is relative. */
async function readParent(source: ByteSource, header: Uint8Array): Promise<ParentLink> {
  const linkId = uuidText(header.subarray(HEADER.parentUuid, HEADER.parentUuid + 16));
  const relative = await readLocator(source, header, LOCATOR_RELATIVE);
  if (relative !== null && relative !== '')
    return { name: relative.replaceAll('\\', '/').replace(/^(\.\/)+/, ''), linkId };
  const field = header.slice(HEADER.parentName, HEADER.parentName + PARENT_NAME_BYTES);
  const name = untilNul(Buffer.from(field).swap16().toString('utf16le'));
  if (name !== '') return { name, linkId };
  return { name: (await readLocator(source, header, LOCATOR_ABSOLUTE)) ?? '', linkId };
}

async function readLocator(
  source: ByteSource,
  header: Uint8Array,
  platform: string,
): Promise<string | null> {
  const view = viewOf(header);
  for (let index = 0; index < LOCATORS; index++) {
    const at = HEADER.locators + index * LOCATOR_BYTES;
    if (asciiAt(header, at, 4) !== platform) continue;
    const length = view.getUint32(at + 8);
    limit(source, `length of the locator ${platform}`, at, length, 0, MAX_LOCATOR_BYTES);
    const offset = getU64(view, at + 16);
    checkInside(source, `the locator ${platform}`, offset, length);
    const bytes = Buffer.alloc(length);
    await source.read(bytes, offset);
    return untilNul(bytes.toString('utf16le'));
  }
  return null;
}

function untilNul(text: string): string {
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}
