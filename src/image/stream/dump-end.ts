import type { ByteSource } from '../byte-source.js';
import { cutBefore } from './cut-before.js';
import {
  AT,
  COMPRESSED,
  HEADER_BYTES,
  MULTI_TERABYTE_MAGIC,
  TYPE_END,
  headerAt,
  isHeader,
  isLittleEndian,
} from './dump-header.js';

const MAX_RECORD_BYTES = 65_536;

/** Why a dump (ufsdump, and dump of the BSDs and of Linux) is not one to its end; null: it is, or is none that this knows. As many end headers are written
 *  as a tape block has records, and only whole tape blocks, so the last record of the file is one. A dump over several volumes has its end in the
 *  last one, and each is worth something only with the others.
 *  Source: illumos head/protocols/dumprestore.h, cmd/backup/dump/dumpmain.c and dumptape.c; files of Linux dump 0.4b47. */
export async function dumpFault(source: ByteSource): Promise<string | null> {
  if (source.sizeBytes < HEADER_BYTES) return cutBefore('the end of its first header');
  const head = await headerAt(source, 0);
  const isLittle = isLittleEndian(head);
  if (isLittle === null || (head.getInt32(AT.flags, isLittle) & COMPRESSED) !== 0) return null;
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
