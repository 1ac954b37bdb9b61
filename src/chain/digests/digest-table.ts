import { BackupError } from '../../domain/errors.js';
import { BLOCK_BYTES, DIGEST_BYTES, type DigestAlgorithm } from '../../domain/targets/digest.js';
import { FileUnits, isPlain } from '../../domain/targets/file-units.js';
import { isZeroUnit, type UnitDigest } from './digest.js';
import type { ReadableFile } from '../../repository/backup-repository.js';

/** A digest table: one digest for each unit of a backup file, tables and header included (docs/FORMAT.md, Digest table). Each unit is
 *  digested as 64 KiB, a shorter one filled up with zeros, but for prefixes (`FileUnits.digestedBytes`); an all-zero entry means the unit reads as
 *  zeros. */

const DIGEST_TABLE_HEADER_BYTES = 64;
const MAGIC = 'LHDIGEST';
const VERSION = 1;
const ALGORITHM_NUMBERS: Record<DigestAlgorithm, number> = { sha256: 1, blake3: 2 };

/** Entry of a unit that reads as zeros. */
export const HOLE = Buffer.alloc(DIGEST_BYTES);

/** Entry of a unit: its digest, or `HOLE` itself when it reads as zeros. So who makes a table anew gets the same one. */
export function digestEntryOf(unit: Buffer, digest: UnitDigest): Buffer {
  return isZeroUnit(unit) ? HOLE : digest(unit);
}

interface DigestTableHeader {
  readonly algorithm: DigestAlgorithm;
  readonly units: FileUnits;
}

export function digestEntryOffset(unit: number): number {
  return DIGEST_TABLE_HEADER_BYTES + unit * DIGEST_BYTES;
}

export function digestTableHeader({ algorithm, units }: DigestTableHeader): Buffer {
  const bytes = Buffer.alloc(DIGEST_TABLE_HEADER_BYTES);
  bytes.write(MAGIC, 0, 'latin1');
  bytes.writeUInt32LE(VERSION, 8);
  bytes.writeUInt32LE(ALGORITHM_NUMBERS[algorithm], 12);
  bytes.writeUInt32LE(BLOCK_BYTES, 16);
  bytes.writeUInt32LE(DIGEST_BYTES, 20);
  bytes.writeBigUInt64LE(BigInt(units.fileSizeBytes), 24);
  bytes.writeBigUInt64LE(BigInt(units.count), 32);
  if (isPlain(units.slots)) return bytes;
  const { headBytes, groupSlots, prefixBytes, slotCount } = units.slots;
  bytes.writeBigUInt64LE(BigInt(slotCount), 40);
  bytes.writeUInt32LE(headBytes, 48);
  bytes.writeUInt32LE(groupSlots, 52);
  bytes.writeUInt32LE(prefixBytes, 56);
  return bytes;
}

/** A digest table that is open, and the units of its file. */
export interface OpenDigestTable {
  readonly file: ReadableFile;
  readonly units: FileUnits;
}

/** Reads the digests of the blocks that lie side by side from byte `offset` of the backup file on: as many as `entries` has room for.
 *  @returns how many bytes; less than there is room for only at the end of the table */
export function readEntriesAt(
  { file, units }: OpenDigestTable,
  offset: number,
  entries: Buffer,
): Promise<number> {
  return file.read(entries, digestEntryOffset(units.unitAt(offset)));
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
  const units = unitsOf(bytes);
  const { sizeBytes } = await file.stamp();
  if (
    !wellFormed ||
    algorithm === undefined ||
    units.slots.prefixBytes > BLOCK_BYTES || // one digest would not cover it
    Number(bytes.readBigUInt64LE(32)) !== units.count ||
    sizeBytes !== digestEntryOffset(units.count)
  )
    throw new BackupError(
      'CHAIN_RECORD_CORRUPT',
      `${file.path} is not a whole digest table of this format`,
      { details: { path: file.path } },
    );
  return { algorithm, units };
}

/** What the numbers are worth shows in the count of units and in the size of the table. */
function unitsOf(bytes: Buffer): FileUnits {
  const slots = {
    slotCount: Number(bytes.readBigUInt64LE(40)),
    headBytes: bytes.readUInt32LE(48),
    groupSlots: bytes.readUInt32LE(52),
    prefixBytes: bytes.readUInt32LE(56),
  };
  return new FileUnits(slots, Number(bytes.readBigUInt64LE(24)));
}
