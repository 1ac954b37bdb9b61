/** Numbers of the VHD format (Virtual Hard Disk Image Format Specification 1.0), all big-endian, and where its fields lie. */

export const FOOTER_MAGIC = 'conectix';
export const HEADER_MAGIC = 'cxsparse';
export const FOOTER_BYTES = 512;
/** Virtual PC before 2004 left out the last byte, which is zero. */
export const OLD_FOOTER_BYTES = 511;
export const HEADER_BYTES = 1_024;
export const VERSION = 0x0001_0000;
export const SECTOR_BYTES = 512;
export const BAT_ENTRY_BYTES = 4;
export const BAT_FREE = 0xffff_ffff;

export const TYPE_FIXED = 2;
export const TYPE_DYNAMIC = 3;
export const TYPE_DIFFERENCING = 4;

/** That of the program that wrote a file: Windows 10. */
export const CREATOR_VERSION = 0x000a_0000;
/** In an increment that Longhaul composes: the disk that it is one of is fixed, and so will be a full that takes its place. No reader looks at it. */
export const CREATOR_VERSION_OF_FIXED = 0x000a_0001;

/** Offsets in the footer. */
export const FOOTER = {
  features: 8,
  version: 12,
  dataOffset: 16,
  creator: 28,
  creatorVersion: 32,
  creatorHost: 36,
  originalSize: 40,
  currentSize: 48,
  geometry: 56,
  type: 60,
  checksum: 64,
  uuid: 68,
} as const;

/** Offsets in the header of a dynamic file. */
export const HEADER = {
  dataOffset: 8,
  tableOffset: 16,
  version: 24,
  maxEntries: 28,
  blockBytes: 32,
  checksum: 36,
  parentUuid: 40,
  parentName: 64,
  locators: 576,
} as const;

export const PARENT_NAME_BYTES = 512;
export const LOCATORS = 8;
export const LOCATOR_BYTES = 24;
/** Path from the file to its parent, and its path on the machine that made it; UTF-16, little-endian. */
export const LOCATOR_RELATIVE = 'W2ru';
export const LOCATOR_ABSOLUTE = 'W2ku';

/** What the table of blocks can address. */
export const MAX_DISK_BYTES = 2 ** 32 * SECTOR_BYTES;
/** A fixed disk has no table of blocks. Azure takes up to 32 TiB and 512 bytes. */
export const MAX_FIXED_DISK_BYTES = 64 * 2 ** 40;
/** Of those with blocks, as Windows and QEMU make them: 2040 GiB. */
export const MAX_COMPOSED_DISK_BYTES = 0xff00_0000 * SECTOR_BYTES;

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Exact up to 2^53; above it still larger than every file, which is all that a limit check needs. */
export function getU64(view: DataView, offset: number): number {
  return view.getUint32(offset) * 2 ** 32 + view.getUint32(offset + 4);
}

export function setU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, Math.floor(value / 2 ** 32));
  view.setUint32(offset + 4, value % 2 ** 32);
}

export function asciiAt(bytes: Uint8Array, offset: number, length: number): string {
  return Buffer.from(bytes.subarray(offset, offset + length)).toString('latin1');
}

/** One's complement of the sum of all bytes but those of the checksum itself. */
export function vhdChecksum(bytes: Uint8Array, checksumAt: number): number {
  let sum = 0;
  for (const [at, byte] of bytes.entries())
    if (at < checksumAt || at >= checksumAt + 4) sum += byte;
  return ~sum >>> 0;
}

/** Bytes of the bitmap before the data of a block: a bit for each sector, in whole sectors. */
export function bitmapBytes(blockBytes: number): number {
  return Math.ceil(blockBytes / SECTOR_BYTES / 8 / SECTOR_BYTES) * SECTOR_BYTES;
}
