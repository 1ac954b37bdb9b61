import type { ByteSource } from '../byte-source.js';

/** What `lzop` packs at once. */
const BLOCK_BYTES = 256 * 1024;
const WORD_BYTES = 4;
/** Sizes before and after packing, and up to two digests of each. */
const MAX_HEAD_BYTES = 6 * WORD_BYTES;
const TAIL_BYTES = BLOCK_BYTES + MAX_HEAD_BYTES + WORD_BYTES;
/** From this version on the file says which version reads it, and how hard was packed. */
const WITH_LEVEL = 0x0940;
const DIGESTS_OF_DATA = [0x001, 0x100];
const DIGESTS_OF_PACKED = [0x002, 0x200];

/** Whether an lzop file ends where it should: with a block of no bytes behind one whose sizes lead there. Zeros alone would not tell, packed zeros look
 *  like them. Reads 256 KiB. Source: lzop 1.04 src/lzop.c, src/conf.h */
export async function endsAsLzop(source: ByteSource): Promise<boolean> {
  const head = Buffer.alloc(Math.min(64, source.sizeBytes));
  const bytes = Buffer.alloc(Math.min(TAIL_BYTES, source.sizeBytes));
  await source.read(head, 0);
  await source.read(bytes, source.sizeBytes - bytes.length);
  const end = bytes.length - WORD_BYTES;
  if (end < 0 || bytes.readUInt32BE(end) !== 0) return false;
  if (head.length < 64) return true; // of next to nothing
  const flags = flagsIn(head);
  const digests = (bits: readonly number[]) =>
    bits.filter((bit) => (flags & bit) !== 0).length * WORD_BYTES;
  for (let at = 0; at + 2 * WORD_BYTES < end; at++) {
    const sizeBytes = bytes.readUInt32BE(at);
    const packedBytes = bytes.readUInt32BE(at + WORD_BYTES);
    if (sizeBytes === 0 || sizeBytes > BLOCK_BYTES || packedBytes > sizeBytes) continue;
    const ofPacked = packedBytes < sizeBytes ? digests(DIGESTS_OF_PACKED) : 0;
    const data = at + 2 * WORD_BYTES + digests(DIGESTS_OF_DATA) + ofPacked;
    if (data + packedBytes === end) return true;
  }
  return false;
}

function flagsIn(head: Buffer): number {
  const version = head.readUInt16BE(9);
  return head.readUInt32BE(version >= WITH_LEVEL ? 17 : 14);
}
