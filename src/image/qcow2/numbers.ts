/** Numbers of the qcow2 format (QEMU docs/interop/qcow2.txt) and its big-endian 64-bit fields. */

export const QCOW2_MAGIC = 0x514649fb;
export const COMPRESSION_TYPES = ['zlib', 'zstd'] as const;
export type Qcow2Compression = (typeof COMPRESSION_TYPES)[number];

export const V2_HEADER_BYTES = 72;
export const V3_MIN_HEADER_BYTES = 104;
/** What QEMU writes, and we with it. */
export const V3_HEADER_BYTES = 112;

export const INCOMPATIBLE_DIRTY = 1n << 0n;
export const INCOMPATIBLE_CORRUPT = 1n << 1n;
export const INCOMPATIBLE_EXTERNAL_DATA = 1n << 2n;
export const INCOMPATIBLE_COMPRESSION = 1n << 3n;
export const INCOMPATIBLE_EXTENDED_L2 = 1n << 4n;
export const AUTOCLEAR_BITMAPS = 1n << 0n;

export const EXTENSION_END = 0;
export const EXTENSION_BACKING_FORMAT = 0xe2792aca;
export const EXTENSION_BITMAPS = 0x23852875;
export const EXTENSION_DATA_FILE = 0x44415441;

// Limits of QEMU 7.2 block/qcow2.h.
export const MIN_CLUSTER_BITS = 9;
export const MIN_EXTENDED_L2_CLUSTER_BITS = 14;
export const MAX_CLUSTER_BITS = 21;
export const MAX_L1_BYTES = 32 * 1024 * 1024;
export const MAX_REFCOUNT_TABLE_BYTES = 8 * 1024 * 1024;
export const MAX_REFCOUNT_ORDER = 6;
export const MAX_SNAPSHOTS = 65_536;
export const MAX_BACKING_NAME_BYTES = 1023;

export const POINTER_BYTES = 8;
export const SECTOR_BYTES = 512;

// Upper and lower 32 bits of a table entry.
export const HIGH_COPIED = 0x8000_0000; // bit 63: exactly one reference, may be overwritten in place
export const HIGH_COMPRESSED = 0x4000_0000; // bit 62
const HIGH_OFFSET = 0x00ff_ffff; // bits 32..55
const LOW_OFFSET = 0xffff_fe00; // bits 9..31
export const LOW_ZERO = 1; // bit 0: reads as zeros

const TWO_POW_32 = 2 ** 32;

/** Host offset in a table entry, without its flags. Exact: at most 47 bits are set. */
export function entryOffset(high: number, low: number): number {
  return (high & HIGH_OFFSET) * TWO_POW_32 + ((low & LOW_OFFSET) >>> 0);
}

/** Exact up to 2^53; above it still larger than every file, which is all that a limit check needs. */
export function getU64(view: DataView, offset: number): number {
  return view.getUint32(offset) * TWO_POW_32 + view.getUint32(offset + 4);
}

export function setU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, Math.floor(value / TWO_POW_32));
  view.setUint32(offset + 4, value % TWO_POW_32);
}

/** Table entry of a cluster that has exactly one reference. */
export function setCopiedEntry(view: DataView, offset: number, hostOffset: number): void {
  setU64(view, offset, hostOffset);
  view.setUint32(offset, (view.getUint32(offset) | HIGH_COPIED) >>> 0);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
