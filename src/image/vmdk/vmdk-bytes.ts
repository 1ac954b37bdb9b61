/** Numbers of the VMDK formats and their little-endian 64-bit fields. Source: VMware, Virtual Disk Format 5.0. */

export const SECTOR_BYTES = 512;
/** `KDMV` */
export const SPARSE_MAGIC = 0x564d444b;

/** A grain table entry, decoded: a grain that is not stored, one of zeros, or the byte offset at which it lies. */
export const GRAIN_ABSENT = 0;
export const GRAIN_ZERO = 1;

const TWO_POW_32 = 2 ** 32;

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Exact up to 2^53; above it still larger than every file, which is all that a limit check needs. */
export function getU64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * TWO_POW_32 + view.getUint32(offset, true);
}

export function setU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value % TWO_POW_32, true);
  view.setUint32(offset + 4, Math.floor(value / TWO_POW_32), true);
}
