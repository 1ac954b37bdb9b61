/** Numbers of the VHDX format ([MS-VHDX]), all little-endian, and where its fields lie. */

export const MIB = 1024 * 1024;

export const FILE_MAGIC = 'vhdxfile';
export const HEADER_MAGIC = 'head';
export const REGION_MAGIC = 'regi';
export const METADATA_MAGIC = 'metadata';
export const LOG_MAGIC = 'loge';
export const LOG_DATA_DESCRIPTOR = 'desc';
export const LOG_ZERO_DESCRIPTOR = 'zero';
export const LOG_DATA_SECTOR = 'data';

/** Both copies of each. */
export const HEADER_OFFSETS = [0x1_0000, 0x2_0000] as const;
export const HEADER_BYTES = 4_096;
export const REGION_OFFSETS = [0x3_0000, 0x4_0000] as const;
export const TABLE_BYTES = 65_536;
/** What lies before every region. */
export const HEADER_AREA_BYTES = MIB;
export const VERSION = 1;
/** Of a region table and of a metadata table. */
export const MAX_TABLE_ENTRIES = 2_047;

export const BAT_REGION = '2dc27766-f623-4200-9d64-115e9bfd4a08';
export const METADATA_REGION = '8b7ca206-4790-4b9a-b8fe-575f050f886e';

export const FILE_PARAMETERS = 'caa16737-fa36-4d43-b3b6-33f0aa44e76b';
export const VIRTUAL_DISK_SIZE = '2fa54224-cd1b-4876-b211-5dbed83bf4b8';
export const PAGE_83_DATA = 'beca12ab-b2e6-4523-93ef-c309e000c746';
export const LOGICAL_SECTOR_SIZE = '8141bf1d-a96f-4709-ba47-f233a8faab5f';
export const PHYSICAL_SECTOR_SIZE = 'cda348c7-445d-4471-9cc9-e9885251c556';
export const PARENT_LOCATOR = 'a8d35f2d-b30b-454d-abf7-d3d84834ab0c';
export const VHDX_LOCATOR_TYPE = 'b04aefb7-d19e-4a81-b789-25b8e9445913';

export const NO_GUID = '00000000-0000-0000-0000-000000000000';

/** Of the file parameters. */
export const FLAG_HAS_PARENT = 2;
/** Of a metadata entry. */
export const ITEM_IS_VIRTUAL_DISK = 2;
export const ITEM_IS_REQUIRED = 4;

export const MIN_BLOCK_BYTES = MIB;
export const MAX_BLOCK_BYTES = 256 * MIB;
/** 64 TiB. */
export const MAX_DISK_BYTES = 64 * 1024 * 1024 * MIB;
/** Sectors that one sector bitmap block of 1 MiB tells of. */
const SECTORS_PER_BITMAP = 2 ** 23;
export const BITMAP_BYTES = MIB;

export const BAT_ENTRY_BYTES = 8;
export const STATE_NOT_PRESENT = 0;
export const STATE_UNDEFINED = 1;
export const STATE_ZERO = 2;
export const STATE_UNMAPPED = 3;
/** As drafts of the format had it; QEMU reads it, too. */
export const STATE_UNMAPPED_DRAFT = 5;
export const STATE_FULL = 6;
export const STATE_PARTIAL = 7;
/** Bits 0..2; the upper 44 bits are the file offset in MiB. */
export const STATE_MASK = 7;

const TWO_POW_32 = 2 ** 32;

/** Exact up to 2^53; above it still larger than every file, which is all that a limit check needs. */
export function getU64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * TWO_POW_32 + view.getUint32(offset, true);
}

export function setU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value % TWO_POW_32, true);
  view.setUint32(offset + 4, Math.floor(value / TWO_POW_32), true);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function asciiAt(bytes: Uint8Array, offset: number, length: number): string {
  return Buffer.from(bytes.subarray(offset, offset + length)).toString('latin1');
}

/** How the disk is cut: payload blocks, and chunks of them that share a sector bitmap. */
export interface VhdxGeometry {
  readonly virtualSizeBytes: number;
  readonly blockBytes: number;
  readonly sectorBytes: 512 | 4096;
  readonly hasParent: boolean;
}

/** Payload blocks between two entries of sector bitmaps. */
export function chunkBlocks({ blockBytes, sectorBytes }: VhdxGeometry): number {
  return (SECTORS_PER_BITMAP * sectorBytes) / blockBytes;
}

export function payloadBlocks({ virtualSizeBytes, blockBytes }: VhdxGeometry): number {
  return Math.ceil(virtualSizeBytes / blockBytes);
}

/** Entries of the block allocation table: of a differencing file up to the bitmap of the last chunk, of any other up to the last payload block. */
export function batEntries(geometry: VhdxGeometry): number {
  const blocks = payloadBlocks(geometry);
  const ratio = chunkBlocks(geometry);
  if (geometry.hasParent) return Math.ceil(blocks / ratio) * (ratio + 1);
  return blocks + Math.floor((blocks - 1) / ratio);
}
