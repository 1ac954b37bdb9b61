import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ByteSource } from '../../../src/image/byte-source.js';
import { imageFormat } from '../../../src/image/formats.js';
import { crc32c } from '../../../src/image/vhdx/crc32c.js';
import { logEntry, LOG_GUID, type LoggedWrite } from '../../support/image/vhdx-log.js';
import type { Largest } from './largest-disks.js';

const MIB = 1024 * 1024;
const SECTOR = 4_096;
/** The most that the format has, in blocks as Windows makes them. */
const DISK_BYTES = 64 * 2 ** 40;
const PAYLOAD_BYTES = 32 * MIB;
/** Between two entries of sector bitmaps: [MS-VHDX] 2.5, 2^23 sectors of 512 bytes. */
const CHUNK_PAYLOADS = (2 ** 23 * 512) / PAYLOAD_BYTES;
const LOGGED_BYTES = 2 ** 40;
const HEADERS = [0x1_0000, 0x2_0000];
const LOG_BYTES = 32 * MIB;
const FULL = 6;
/** Windows marks fixed files so: [MS-VHDX] 2.6.2.1, LeaveBlocksAllocated. */
const LEAVE_BLOCKS_ALLOCATED = 1;

/** What qemu-img makes of such a disk without data: all up to its first payload block. */
function emptyVhdx(diskBytes: number): { bytes: Buffer; batAt: number } {
  const folder = mkdtempSync(join(tmpdir(), 'longhaul-largest-'));
  try {
    const path = join(folder, 'disk.vhdx');
    const options = `block_size=${PAYLOAD_BYTES / MIB}M`;
    execFileSync('qemu-img', [
      ...['create', '-q', '-f', 'vhdx', '-o', options, path],
      String(diskBytes),
    ]);
    const bytes = readFileSync(path);
    const entry = bytes.indexOf(Buffer.from('6677c22d23f600429d64115e9bfd4a08', 'hex'));
    return { bytes, batAt: Number(bytes.readBigUInt64LE(entry + 16)) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function byteOf(payload: number): number {
  return (payload % 250) + 1;
}

function dataOf(payloads: readonly number[]): Largest['data'] {
  return payloads.map((payload) => [payload * PAYLOAD_BYTES, byteOf(payload)]);
}

function lookedAt(diskBytes: number): number[] {
  const count = diskBytes / PAYLOAD_BYTES;
  return [0, 1, Math.floor(count / 2), count - 2, count - 1];
}

/** Every block is there, one behind the other. */
export function largestFixedVhdx(): Largest {
  const { bytes: head, batAt } = emptyVhdx(DISK_BYTES);
  const parameters = head.indexOf(Buffer.from('3767a1ca36fa434db3b633f0aa44e76b', 'hex'));
  const metadataAt = head.indexOf('metadata');
  const item = metadataAt + head.readUInt32LE(parameters + 16);
  head.writeUInt32LE(head.readUInt32LE(item + 4) | LEAVE_BLOCKS_ALLOCATED, item + 4);
  const dataAt = Math.ceil(head.length / MIB) * MIB;
  for (let payload = 0; payload < DISK_BYTES / PAYLOAD_BYTES; payload++) {
    const entry = payload + Math.floor(payload / CHUNK_PAYLOADS);
    const offset = dataAt + payload * PAYLOAD_BYTES;
    head.writeUInt32LE((offset % 2 ** 32) + FULL, batAt + entry * 8);
    head.writeUInt32LE(Math.floor(offset / 2 ** 32), batAt + entry * 8 + 4);
  }
  const read: ByteSource['read'] = (target, offset) => {
    if (offset < head.length) head.copy(target, 0, offset);
    if (offset >= dataAt) target.fill(byteOf(Math.floor((offset - dataAt) / PAYLOAD_BYTES)));
    return Promise.resolve();
  };
  return {
    reader: imageFormat('vhdx'),
    file: { label: 'largest.vhdx', sizeBytes: dataAt + DISK_BYTES, read },
    ...{ sizeBytes: DISK_BYTES, data: dataOf(lookedAt(DISK_BYTES)) },
  };
}

/** Some blocks, of which the file itself has other bytes: their sectors, and entries of the table, lie in a log that is as long as any that is read. Of a smaller disk: its
 *  table is not what takes the memory. */
export function largestLoggedVhdx(): Largest {
  const { bytes: head, batAt } = emptyVhdx(LOGGED_BYTES);
  const looked = lookedAt(LOGGED_BYTES);
  const dataAt = Math.ceil(head.length / MIB) * MIB;
  const logAt = dataAt + looked.length * PAYLOAD_BYTES;
  const writes = new Map<number, Buffer>();
  const sectorAt = (offset: number): Buffer => {
    const at = offset - (offset % SECTOR);
    const known = writes.get(at) ?? Buffer.from(head.subarray(at, at + SECTOR));
    writes.set(at, known);
    return known;
  };
  for (const [place, payload] of looked.entries()) {
    const entry = batAt + (payload + Math.floor(payload / CHUNK_PAYLOADS)) * 8;
    const offset = dataAt + place * PAYLOAD_BYTES;
    sectorAt(entry).writeBigUInt64LE(BigInt(offset) | BigInt(FULL), entry % SECTOR);
    for (let at = 0; at < 400 * SECTOR; at += SECTOR)
      writes.set(offset + at, Buffer.alloc(SECTOR, byteOf(payload)));
  }
  const logged = [...writes].map(([offset, bytes]): LoggedWrite => ({ offset, bytes }));
  const entry = logEntry({ sequence: 7, at: 0, tail: 0, writes: logged });
  for (const [number, at] of HEADERS.entries()) {
    LOG_GUID.copy(head, at + 48);
    head.writeBigUInt64LE(BigInt(number + 1), at + 8);
    head.writeUInt32LE(LOG_BYTES, at + 68);
    head.writeBigUInt64LE(BigInt(logAt), at + 72);
    head.writeUInt32LE(0, at + 4);
    head.writeUInt32LE(crc32c(head.subarray(at, at + SECTOR)), at + 4);
  }
  const read: ByteSource['read'] = (target, offset) => {
    target.fill(0);
    if (offset < head.length) head.copy(target, 0, offset);
    if (offset >= logAt) entry.copy(target, 0, offset - logAt);
    return Promise.resolve();
  };
  return {
    reader: imageFormat('vhdx'),
    file: { label: 'largest.vhdx', sizeBytes: logAt + LOG_BYTES, read },
    ...{ sizeBytes: LOGGED_BYTES, data: dataOf(looked) },
  };
}
