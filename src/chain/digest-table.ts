import { BackupError } from '../domain/errors.js';
import { BLOCK_BYTES, DIGEST_BYTES, type DigestAlgorithm } from '../domain/digest.js';
import { isZeroUnit, type UnitDigest } from './digest.js';
import type { ReadableFile, WritableFile } from '../repository/backup-repository.js';

/** A digest table: one digest for each 64 KiB unit of a backup file, tables and header included (docs/FORMAT.md, Digest table).
 *  Entry i covers file bytes [i × 65536, (i + 1) × 65536), the last unit padded with zeros; an all-zero entry means the unit reads
 *  as zeros. While a file is staged only the entries count; the header is written when the file is composed. */

export const DIGEST_TABLE_HEADER_BYTES = 64;
const MAGIC = 'LHDIGEST';
const VERSION = 1;
const ALGORITHM_NUMBERS: Record<DigestAlgorithm, number> = { sha256: 1, blake3: 2 };

/** Entry of a unit that reads as zeros. */
export const HOLE = Buffer.alloc(DIGEST_BYTES);

/** Entry of a unit: its digest, or `HOLE` itself when it reads as zeros. So who makes a table anew gets the same one. */
export function digestEntryOf(unit: Buffer, digest: UnitDigest): Buffer {
  return isZeroUnit(unit) ? HOLE : digest(unit);
}

export interface DigestTableHeader {
  readonly algorithm: DigestAlgorithm;
  readonly fileSizeBytes: number;
  readonly unitCount: number;
}

export function digestEntryOffset(unit: number): number {
  return DIGEST_TABLE_HEADER_BYTES + unit * DIGEST_BYTES;
}

export function unitCountOf(fileSizeBytes: number): number {
  return Math.ceil(fileSizeBytes / BLOCK_BYTES);
}

export async function writeDigestTableHeader(
  file: WritableFile,
  header: DigestTableHeader,
): Promise<void> {
  const bytes = Buffer.alloc(DIGEST_TABLE_HEADER_BYTES);
  bytes.write(MAGIC, 0, 'latin1');
  bytes.writeUInt32LE(VERSION, 8);
  bytes.writeUInt32LE(ALGORITHM_NUMBERS[header.algorithm], 12);
  bytes.writeUInt32LE(BLOCK_BYTES, 16);
  bytes.writeUInt32LE(DIGEST_BYTES, 20);
  bytes.writeBigUInt64LE(BigInt(header.fileSizeBytes), 24);
  bytes.writeBigUInt64LE(BigInt(header.unitCount), 32);
  await file.write(bytes, 0);
}

/** @throws CHAIN_RECORD_CORRUPT when the file is not a whole digest table */
export async function readDigestTableHeader(file: ReadableFile): Promise<DigestTableHeader> {
  const bytes = Buffer.alloc(DIGEST_TABLE_HEADER_BYTES);
  const count = await file.read(bytes, 0);
  const algorithm = (Object.keys(ALGORITHM_NUMBERS) as DigestAlgorithm[]).find(
    (name) => ALGORITHM_NUMBERS[name] === bytes.readUInt32LE(12),
  );
  const wellFormed =
    count === DIGEST_TABLE_HEADER_BYTES &&
    bytes.toString('latin1', 0, 8) === MAGIC &&
    bytes.readUInt32LE(8) === VERSION &&
    bytes.readUInt32LE(16) === BLOCK_BYTES &&
    bytes.readUInt32LE(20) === DIGEST_BYTES;
  const fileSizeBytes = Number(bytes.readBigUInt64LE(24));
  const unitCount = Number(bytes.readBigUInt64LE(32));
  const { sizeBytes } = await file.stamp();
  if (
    !wellFormed ||
    algorithm === undefined ||
    unitCount !== unitCountOf(fileSizeBytes) ||
    sizeBytes !== digestEntryOffset(unitCount)
  )
    throw new BackupError(
      'CHAIN_RECORD_CORRUPT',
      `${file.path} is not a whole digest table of this format`,
      { details: { path: file.path } },
    );
  return { algorithm, fileSizeBytes, unitCount };
}
