import type { ByteSource } from '../byte-source.js';
import { cutBefore } from './cut-before.js';
import { COMPOUND, RECORD_BYTES, SUBSTREAM, isLittleEndian, recordAt } from './zfs-record.js';

const TYPE_END = 5;
/** Flags 3 to 15 are left to makers that tell nobody what their streams are like (Oracle Solaris); flag 0 is bit 2. */
const CLOSED_FEATURES = ((1n << 13n) - 1n) << 5n;

/** Why a stream of `zfs send` is not one to its end; null: it is, or is none that this knows (another maker's, encrypted, packed). A stream of one
 *  snapshot ends with a record of its sums. One of several (`-R`, `-I`, `-p`) ends with an empty one, which the tool writes even when it has failed, behind the
 *  end of the last stream within. Whether those before that one are whole is not told without reading all of it.
 *  Source: OpenZFS include/sys/zfs_ioctl.h, module/zfs/dmu_send.c, lib/libzfs/libzfs_sendrecv.c. */
export async function zfsStreamFault(source: ByteSource): Promise<string | null> {
  const { sizeBytes } = source;
  const begin = await recordAt(source, 0);
  if (begin.byteLength < 16) return cutBefore('a first record');
  const isLittle = isLittleEndian(begin);
  if (isLittle === null) return null;
  if (sizeBytes < 2 * RECORD_BYTES) return cutBefore('its second record');
  const version = begin.getBigUint64(16, isLittle);
  if ((version & CLOSED_FEATURES) !== 0n) return null;
  const last = await recordAt(source, sizeBytes - RECORD_BYTES);
  if ((version & 3n) === SUBSTREAM)
    return isEnd(last, isLittle) ? null : cutBefore('the record DRR_END');
  if ((version & 3n) !== COMPOUND) return null;
  if (!isConclusion(last, isLittle)) return cutBefore('the record DRR_END of all its streams');
  const beforeAt = sizeBytes - 2 * RECORD_BYTES;
  const listBytes = begin.getUint32(4, isLittle);
  const isListAlone = beforeAt <= RECORD_BYTES + listBytes;
  if (isListAlone || !isEnd(await recordAt(source, beforeAt), isLittle))
    return 'was ended by zfs send before the last stream in it was whole';
  return null;
}

/** Type, no data, the four sums (of anything, none is 0), the id of the snapshot, zeros; the last four words are a sum of the record itself in later releases. */
function isEnd(record: DataView, isLittle: boolean): boolean {
  const sums = [8, 16, 24, 32].map((at) => record.getBigUint64(at, isLittle));
  return isEndType(record, isLittle) && !sums.includes(0n) && isZero(record, 48, 280);
}

function isConclusion(record: DataView, isLittle: boolean): boolean {
  return isEndType(record, isLittle) && isZero(record, 8, RECORD_BYTES);
}

function isEndType(record: DataView, isLittle: boolean): boolean {
  return record.getUint32(0, isLittle) === TYPE_END && record.getUint32(4, isLittle) === 0;
}

function isZero(record: DataView, from: number, to: number): boolean {
  return new Uint8Array(record.buffer, from, to - from).every((byte) => byte === 0);
}
