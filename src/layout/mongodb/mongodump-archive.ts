import type { ByteSource } from '../../image/byte-source.js';
import { unpackedStart, unpackerOf } from '../../image/stream/packed-start.js';
import { broken, incomplete, type PointFault } from '../point-fault.js';
import { bsonLength, readBson } from './bson.js';

/** Archives of `mongodump --archive`: a magic number, documents that tell what was dumped, then blocks of documents of one collection each. The
 *  last block closes the last collection, and the file ends with it.
 *  Source: mongodb/mongo-tools common/archive (prelude.go, multiplexer.go). */

/** 0x8199e26d, little-endian. */
const MAGIC = [0x6d, 0xe2, 0x99, 0x81];
const TERMINATOR_BYTES = 4;
/** A closing block names a database and a collection: together at most 255 bytes. */
export const ARCHIVE_TAIL_BYTES = 4096;
export const ARCHIVE_HEAD_BYTES = 4096;
export function isArchive(head: Uint8Array): boolean {
  return MAGIC.every((byte, index) => head[index] === byte);
}

export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

/** Whether an archive is packed in it. */
export async function holdsArchive(source: ByteSource): Promise<boolean> {
  const head = Buffer.alloc(Math.min(MAGIC.length, source.sizeBytes));
  await source.read(head, 0);
  const unpack = unpackerOf(head.toString('latin1'));
  const unpacked = unpack === null ? null : await unpackedStart(source, unpack);
  if (unpacked === null) return false;
  const start = Buffer.alloc(Math.min(MAGIC.length, unpacked.sizeBytes));
  await unpacked.read(start, 0);
  return isArchive(start);
}

/** Of an archive that is not compressed, what its end says. null: it is closed as the tool closes it. */
export function archiveFault(path: string, tail: Uint8Array): PointFault | null {
  const end = tail.length - TERMINATOR_BYTES;
  const isTerminated = end > 0 && tail.subarray(end).every((byte) => byte === 0xff);
  if (!isTerminated) return incomplete(`${path} does not end with the end of a block`).fault;
  for (let at = end - MIN_CLOSING_BYTES; at >= 0; at--) {
    if (bsonLength(tail, at) !== end - at) continue;
    const closing = readBson(tail, at);
    if (closing?.has('db') !== true) continue;
    return closing.get('EOF') === true
      ? null
      : incomplete(`${path} ends within the collection ${String(closing.get('collection'))}`).fault;
  }
  return broken(`${path} does not end with the block that closes a collection`).fault;
}

/** Names, types and values of its four fields, the names of database and collection being empty. */
const MIN_CLOSING_BYTES = 50;
