import { crc32c } from '../../../src/image/vhdx/crc32c.js';

const SECTOR_BYTES = 4096;
export const LOG_GUID = Buffer.from('00112233445566778899aabbccddeeff', 'hex');

export interface LoggedWrite {
  readonly offset: number;
  /** A sector of 4 KiB, or a number of zeros. */
  readonly bytes: Buffer | number;
}

export interface LoggedEntry {
  readonly sequence: number | bigint;
  /** In the log. */
  readonly at: number;
  readonly tail: number;
  readonly writes: readonly LoggedWrite[];
  readonly flushedBytes?: number;
  /** Changes what was made, before its checksum is taken. */
  readonly spoil?: (entry: Buffer) => void;
}

/** Source: [MS-VHDX] 2.3.1 */
export function logEntry({ sequence, tail, writes, flushedBytes = 0, spoil }: LoggedEntry): Buffer {
  const number = BigInt(sequence);
  const sectors = writes.filter(({ bytes }) => typeof bytes !== 'number').length;
  const headSectors = Math.ceil((64 + writes.length * 32) / SECTOR_BYTES);
  const entry = Buffer.alloc(SECTOR_BYTES * (headSectors + sectors));
  entry.write('loge', 0);
  entry.writeUInt32LE(entry.length, 8);
  entry.writeUInt32LE(tail, 12);
  entry.writeBigUInt64LE(number, 16);
  entry.writeUInt32LE(writes.length, 24);
  LOG_GUID.copy(entry, 32);
  entry.writeBigUInt64LE(BigInt(flushedBytes), 48);
  let sectorAt = headSectors * SECTOR_BYTES;
  for (const [index, { offset, bytes }] of writes.entries()) {
    const at = 64 + index * 32;
    entry.writeBigUInt64LE(BigInt(offset), at + 16);
    entry.writeBigUInt64LE(number, at + 24);
    if (typeof bytes === 'number') {
      entry.write('zero', at);
      entry.writeBigUInt64LE(BigInt(bytes), at + 8);
      continue;
    }
    entry.write('desc', at);
    bytes.copy(entry, at + 4, 4092, 4096);
    bytes.copy(entry, at + 8, 0, 8);
    bytes.copy(entry, sectorAt);
    entry.write('data', sectorAt);
    entry.writeUInt32LE(Number(number >> 32n), sectorAt + 4);
    entry.writeUInt32LE(Number(number & 0xffff_ffffn), sectorAt + 4092);
    sectorAt += SECTOR_BYTES;
  }
  spoil?.(entry);
  entry.writeUInt32LE(crc32c(entry), 4);
  return entry;
}

/** Puts entries into a log, also around its end. */
export function fillLog(log: Buffer, entries: readonly LoggedEntry[]): void {
  for (const entry of entries) {
    const logged = logEntry(entry);
    const head = Math.min(logged.length, log.length - entry.at);
    logged.copy(log, entry.at, 0, head);
    logged.copy(log, 0, head);
  }
}
