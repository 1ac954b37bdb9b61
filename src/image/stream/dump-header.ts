import type { ByteSource } from '../byte-source.js';

export const HEADER_BYTES = 1_024;
const WORD_BYTES = 4;
const TYPE_TAPE = 1;
export const TYPE_END = 5;
/** To which the words of a header add up. */
const CHECKSUM = 84_446;
/** Of UFS1 before and since 4.2BSD, and of UFS2 (FreeBSD). */
export const UFS2_MAGIC = 0x1954_0119;
const MAGICS = [60_011, 60_012, UFS2_MAGIC];
/** ufsdump above 2 TB: records of a size that the header tells. */
export const MULTI_TERABYTE_MAGIC = 60_013;
/** Linux dump with `-z`, `-j` or `-y`: what follows the first header is packed, its end too. */
export const COMPRESSED = 0x80;

/** Source: illumos head/protocols/dumprestore.h; FreeBSD include/protocols/dumprestore.h (`wide…`: 64 bits, of UFS2 alone). */
export const AT = {
  type: 0,
  date: 4,
  previousDate: 8,
  volume: 12,
  magic: 24,
  device: 760,
  host: 824,
  flags: 888,
  recordBytes: 896,
  wideDate: 896,
  widePreviousDate: 904,
} as const;

export async function headerAt(source: ByteSource, offset: number): Promise<DataView> {
  const bytes = new Uint8Array(HEADER_BYTES);
  await source.read(bytes, offset);
  return new DataView(bytes.buffer);
}

/** Byte order of the header of a volume; null: it is none. */
export function isLittleEndian(head: DataView): boolean | null {
  return [true, false].find((little) => isHeader(head, TYPE_TAPE, little)) ?? null;
}

export function isHeader(header: DataView, type: number, isLittle: boolean): boolean {
  if (header.getInt32(AT.type, isLittle) !== type) return false;
  const magic = header.getInt32(AT.magic, isLittle);
  if (magic === MULTI_TERABYTE_MAGIC) return true; // its sum goes over the whole record
  if (!MAGICS.includes(magic)) return false;
  let sum = 0;
  for (let at = 0; at < HEADER_BYTES; at += WORD_BYTES)
    sum = (sum + header.getInt32(at, isLittle)) | 0;
  return sum === CHECKSUM;
}
