import type { ByteSource } from '../byte-source.js';
import { cutBefore } from './cut-before.js';

const HEADER_BYTES = 1_024;
const WORD_BYTES = 4;
const TYPE_TAPE = 1;
const TYPE_END = 5;
/** To which the words of a header add up. */
const CHECKSUM = 84_446;
/** Of UFS1 before and since 4.2BSD, and of UFS2 (FreeBSD). */
const MAGICS = [60_011, 60_012, 0x1954_0119];
/** ufsdump above 2 TB: records of a size that the header tells. */
const MULTI_TERABYTE_MAGIC = 60_013;
const MAX_RECORD_BYTES = 65_536;
/** Linux dump with `-z`, `-j` or `-y`: what follows the first header is packed, its end too. */
const COMPRESSED = 0x80;

const AT = { type: 0, volume: 12, magic: 24, flags: 888, recordBytes: 896 } as const;

/** Why a dump (ufsdump, and dump of the BSDs and of Linux) is not one to its end; null: it is, or is none that this knows. As many end headers are written
 *  as a tape block has records, and only whole tape blocks, so the last record of the file is one. A dump over several volumes has its end in the
 *  last one, and each is worth something only with the others.
 *  Source: illumos head/protocols/dumprestore.h, cmd/backup/dump/dumpmain.c and dumptape.c; files of Linux dump 0.4b47. */
export async function dumpFault(source: ByteSource): Promise<string | null> {
  if (source.sizeBytes < HEADER_BYTES) return cutBefore('the end of its first header');
  const head = await headerAt(source, 0);
  const isLittle = [true, false].find((little) => isHeader(head, TYPE_TAPE, little));
  if (isLittle === undefined || (head.getInt32(AT.flags, isLittle) & COMPRESSED) !== 0) return null;
  const volume = head.getInt32(AT.volume, isLittle);
  if (volume > 1) return `is volume ${volume} of a dump whose first volumes lie elsewhere`;
  const magic = head.getInt32(AT.magic, isLittle);
  const recordBytes =
    magic === MULTI_TERABYTE_MAGIC ? head.getInt32(AT.recordBytes, isLittle) : HEADER_BYTES;
  if (recordBytes < HEADER_BYTES || recordBytes > MAX_RECORD_BYTES) return null;
  const endAt = source.sizeBytes - recordBytes;
  const isWhole =
    source.sizeBytes % recordBytes === 0 &&
    isHeader(await headerAt(source, endAt), TYPE_END, isLittle);
  return isWhole ? null : `${cutBefore('a header TS_END')}, or goes on in another volume`;
}

async function headerAt(source: ByteSource, offset: number): Promise<DataView> {
  const bytes = new Uint8Array(HEADER_BYTES);
  await source.read(bytes, offset);
  return new DataView(bytes.buffer);
}

function isHeader(header: DataView, type: number, isLittle: boolean): boolean {
  if (header.getInt32(AT.type, isLittle) !== type) return false;
  const magic = header.getInt32(AT.magic, isLittle);
  if (magic === MULTI_TERABYTE_MAGIC) return true; // its sum goes over the whole record
  if (!MAGICS.includes(magic)) return false;
  let sum = 0;
  for (let at = 0; at < HEADER_BYTES; at += WORD_BYTES)
    sum = (sum + header.getInt32(at, isLittle)) | 0;
  return sum === CHECKSUM;
}
