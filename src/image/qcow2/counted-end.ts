import type { ByteSource } from '../byte-source.js';
import { lastNonZero } from '../zero-bytes.js';
import { POINTER_BYTES, entryOffset, viewOf } from './numbers.js';
import type { Qcow2Header } from './header.js';
import { checkInside } from '../image-fault.js';

/** The refcount table is looked through from its end in parts of this size. */
const PART_BYTES = 65_536;
/** Blocks that count nothing are passed over so many times. */
const MAX_EMPTY_BLOCKS = 16;

/** Checks that the last cluster which the reference counts say is in use begins inside the file: a file that was cut off, or is still being
 *  put there by something that copies it, nearly always shows it here, whatever the order in which its tables were made. Reads the end
 *  of the refcount table and one cluster of counts; a file of counts that may be stale (dirty bit) is not judged by them.
 *  @returns whether that cluster passes the end of the file: a table or compressed data may, the data of a guest cluster may not
 *  @throws IMAGE_TRUNCATED */
export async function endsInsideCluster(source: ByteSource, header: Qcow2Header): Promise<boolean> {
  if (header.isDirty) return false;
  const clusterBytes = 2 ** header.clusterBits;
  const countsPerBlock = (clusterBytes * 8) / header.refcountBits;
  const counts = new Uint8Array(clusterBytes);
  let emptyBlocks = 0;
  for await (const { index, offset } of blocksFromTheEnd(source, header)) {
    checkInside(source, 'a block of reference counts', offset, clusterBytes);
    await source.read(counts, offset);
    const last = lastCounted(counts, header.refcountBits);
    if (last >= 0) {
      const start = (index * countsPerBlock + last) * clusterBytes;
      checkInside(source, 'the last cluster that is in use', start, 1);
      return start + clusterBytes > source.sizeBytes;
    }
    emptyBlocks += 1;
    if (emptyBlocks === MAX_EMPTY_BLOCKS) break;
  }
  return false;
}

/** Entries of the refcount table that name a block, last one first. */
async function* blocksFromTheEnd(
  source: ByteSource,
  { refcountTable }: Qcow2Header,
): AsyncGenerator<{ index: number; offset: number }> {
  const part = new Uint8Array(PART_BYTES);
  const view = viewOf(part);
  const tableBytes = refcountTable.entries * POINTER_BYTES;
  for (let end = tableBytes; end > 0;) {
    const start = Math.max(0, end - PART_BYTES);
    const read = part.subarray(0, end - start);
    await source.read(read, refcountTable.offset + start);
    const last = Math.floor(lastNonZero(read) / POINTER_BYTES);
    for (let at = last * POINTER_BYTES; at >= 0; at -= POINTER_BYTES) {
      const offset = entryOffset(view.getUint32(at), view.getUint32(at + 4));
      if (offset !== 0) yield { index: (start + at) / POINTER_BYTES, offset };
    }
    end = start;
  }
}

/** Number of the last count that is not 0; -1: all are. Counts of less than 8 bits begin with the lowest bits of their byte. */
function lastCounted(counts: Uint8Array, refcountBits: number): number {
  const byte = lastNonZero(counts);
  if (byte < 0) return -1;
  const highestBit = 31 - Math.clz32(counts[byte] ?? 0);
  return Math.floor((byte * 8 + (refcountBits < 8 ? highestBit : 0)) / refcountBits);
}
