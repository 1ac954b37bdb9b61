/** CRC-32C (Castagnoli), which `node:zlib` has not. Source: RFC 3720, 12.1. */
const POLYNOMIAL = 0x82f6_3b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value;
});

export function crc32c(bytes: Uint8Array): number {
  return ended(goneOn(BEGUN, bytes));
}

const BEGUN = 0xffff_ffff;

function goneOn(crc: number, bytes: Uint8Array): number {
  let value = crc;
  for (const byte of bytes) value = (TABLE[(value ^ byte) & 0xff] ?? 0) ^ (value >>> 8);
  return value;
}

function ended(crc: number): number {
  return (crc ^ 0xffff_ffff) >>> 0;
}

/** Offset of the checksum in every structure of a VHDX file that has one. */
export const CHECKSUM_OFFSET = 4;

const CHECKSUM_BYTES = 4;
const ZEROS = new Uint8Array(CHECKSUM_BYTES);

/** Of a structure whose own checksum field counts as zeros.
 *  @param rest of it, where it lies in two pieces */
export function structureChecksum(bytes: Uint8Array, rest: Uint8Array = new Uint8Array(0)): number {
  const before = goneOn(BEGUN, bytes.subarray(0, CHECKSUM_OFFSET));
  const behind = goneOn(goneOn(before, ZEROS), bytes.subarray(CHECKSUM_OFFSET + CHECKSUM_BYTES));
  return ended(goneOn(behind, rest));
}
