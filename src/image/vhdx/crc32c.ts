/** CRC-32C (Castagnoli), which `node:zlib` has not. Source: RFC 3720, 12.1. */
const POLYNOMIAL = 0x82f6_3b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value;
});

export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) crc = (TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffff_ffff) >>> 0;
}

/** Offset of the checksum in every structure of a VHDX file that has one. */
export const CHECKSUM_OFFSET = 4;

/** Of a structure whose own checksum field counts as zeros. */
export function structureChecksum(bytes: Uint8Array): number {
  const zeroed = Uint8Array.from(bytes);
  zeroed.fill(0, CHECKSUM_OFFSET, CHECKSUM_OFFSET + 4);
  return crc32c(zeroed);
}
