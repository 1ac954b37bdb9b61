import { crc32c } from '../../../src/image/vhdx/crc32c.js';
import { VHDX } from '../../../src/image/vhdx/vhdx-format.js';
import { blockOf, composeDisk } from './composed-disk.js';
import { fillLog, LOG_GUID, type LoggedWrite } from './vhdx-log.js';

const MIB = 1024 * 1024;
const HEADERS = [0x1_0000, 0x2_0000] as const;

/** The same disk with a log that was not written back, as it is while Windows has it open ([MS-VHDX] 2.2.2: LogGuid).
 *  @param writes of the log; absent: what it holds is what the last sector has already */
export function openedVhdx(
  closed: Uint8Array,
  writes: readonly LoggedWrite[] = [lastSector(closed)],
): Buffer {
  const bytes = Buffer.from(closed);
  for (const offset of HEADERS) {
    LOG_GUID.copy(bytes, offset + 48);
    bytes.writeUInt32LE(0, offset + 4);
    bytes.writeUInt32LE(crc32c(bytes.subarray(offset, offset + 4096)), offset + 4);
  }
  const logAt = Number(bytes.readBigUInt64LE(HEADERS[0] + 72));
  fillLog(bytes.subarray(logAt, logAt + MIB), [{ sequence: 7, at: 0, tail: 0, writes }]);
  return bytes;
}

function lastSector(file: Uint8Array): LoggedWrite {
  const offset = file.length - 4096;
  return { offset, bytes: Buffer.from(file.subarray(offset)) };
}

export async function closedVhdx(): Promise<Buffer> {
  const disk = { virtualSizeBytes: 4 * MIB, dialect: {}, blocks: new Map([[1, blockOf(1)]]) };
  return (await composeDisk(VHDX.composer, disk)).bytes;
}
