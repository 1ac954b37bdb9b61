import type { ByteSource } from '../byte-source.js';

const MAX_BLOCK_BYTES = 128 * 1024;
const BLOCK_HEADER_BYTES = 3;
const DIGEST_BYTES = 4;
/** Of blocks before the last one, that must lie end to end. */
const FURTHER_BLOCKS = 2;
/** Of places at which a block may end; noise has a handful, only what somebody made to look like blocks has more. */
const MAX_LOOKS = 256;
/** Without data, at the end. */
const MAX_SKIPPED_FRAMES = 16;
const TAIL_BYTES = (FURTHER_BLOCKS + 2) * (MAX_BLOCK_BYTES + 64);
const FRAME_MAGIC = 0xfd2f_b528;
/** Of a frame that holds no data; any of sixteen. */
const SKIPPABLE_MAGIC = 0x184d_2a50;
/** Last word of a table of frames (seekable format), which is such a frame, of any size. */
const SEEK_TABLE_MAGIC = 0x8f92_eab1;

/** Whether a zstd file ends where a frame does. Told backwards: before the end, or before a digest of 4 bytes, lies a block that says that it is the last
 *  one, before it two more, or the head of the frame. Each block has a head of 3 bytes with its size; that three of noise fit is one of 10^5. A small
 *  file is followed from its start. Reads 512 KiB. Source: RFC 8878, 3.1. */
export async function endsAsZstd(source: ByteSource): Promise<boolean> {
  let end = source.sizeBytes;
  for (let frames = 0; frames <= MAX_SKIPPED_FRAMES; frames++) {
    const bytes = Buffer.alloc(Math.min(end, TAIL_BYTES));
    await source.read(bytes, end - bytes.length);
    if (bytes.length === end) return isWholeFrames(bytes);
    if (bytes.readUInt32LE(bytes.length - 4) === SEEK_TABLE_MAGIC) return true;
    const skippable = skippableAtEnd(bytes);
    if (skippable === null) {
      const looks = { left: MAX_LOOKS };
      return [0, DIGEST_BYTES].some((digest) =>
        isBlockBefore(bytes, bytes.length - digest, true, FURTHER_BLOCKS, looks),
      );
    }
    end -= bytes.length - skippable;
  }
  return true; // nothing says that it was cut off
}

/** Frame after frame, all of them. */
function isWholeFrames(bytes: Buffer): boolean {
  let at = 0;
  while (at + 8 <= bytes.length) {
    if (isSkippable(bytes, at)) {
      at += 8 + bytes.readUInt32LE(at + 4);
      continue;
    }
    const head = zstdFrameHeadBytes(bytes, at);
    if (head === null) return false;
    const hasDigest = (bytes[at + 4]! & 4) !== 0;
    at += head;
    for (let isLast = false; !isLast;) {
      if (at + BLOCK_HEADER_BYTES > bytes.length) return false;
      const block = blockAt(bytes, at);
      if (block === null) return false;
      isLast = block.isLast;
      at += BLOCK_HEADER_BYTES + block.storedBytes;
    }
    if (hasDigest) at += DIGEST_BYTES;
  }
  return at === bytes.length;
}

/** Whether a block ends at `end`, and so many more before it, or the frame begins there. */
function isBlockBefore(
  bytes: Buffer,
  end: number,
  isLast: boolean,
  further: number,
  looks: { left: number },
): boolean {
  if (looks.left-- <= 0) return false;
  for (let at = end - BLOCK_HEADER_BYTES; at >= end - BLOCK_HEADER_BYTES - MAX_BLOCK_BYTES; at--) {
    if (at < 0) return false;
    const block = blockAt(bytes, at);
    if (block?.isLast !== isLast || at + BLOCK_HEADER_BYTES + block.storedBytes !== end) continue;
    if (further === 0 || isFrameHeadBefore(bytes, at)) return true;
    if (isBlockBefore(bytes, at, false, further - 1, looks)) return true;
  }
  return false;
}

/** null: no block has such a head. */
function blockAt(
  bytes: Buffer,
  at: number,
): { readonly isLast: boolean; readonly storedBytes: number } | null {
  const head = bytes.readUIntLE(at, BLOCK_HEADER_BYTES);
  const kind = (head >> 1) & 3;
  const sizeBytes = head >> 3;
  if (kind === 3 || sizeBytes > MAX_BLOCK_BYTES) return null;
  // Of one byte that is repeated, the size is that of what it unpacks to.
  return { isLast: (head & 1) === 1, storedBytes: kind === 1 ? 1 : sizeBytes };
}

const MIN_HEAD_BYTES = 6;
const MAX_HEAD_BYTES = 18;

function isFrameHeadBefore(bytes: Buffer, end: number): boolean {
  for (let length = MIN_HEAD_BYTES; length <= MAX_HEAD_BYTES && length <= end; length++)
    if (zstdFrameHeadBytes(bytes, end - length) === length) return true;
  return false;
}

/** Magic number and what follows up to the first block; null: no frame begins at `at`. */
export function zstdFrameHeadBytes(bytes: Buffer, at: number): number | null {
  if (at + 5 > bytes.length || bytes.readUInt32LE(at) !== FRAME_MAGIC) return null;
  const flags = bytes[at + 4]!;
  const isSingle = (flags & 32) !== 0;
  const sizeField = [isSingle ? 1 : 0, 2, 4, 8][flags >> 6]!;
  return 5 + (isSingle ? 0 : 1) + [0, 1, 2, 4][flags & 3]! + sizeField;
}

function isSkippable(bytes: Buffer, at: number): boolean {
  return (bytes.readUInt32LE(at) & ~15) >>> 0 === SKIPPABLE_MAGIC;
}

/** Where a frame without data begins that ends with the bytes; null: there is none. */
function skippableAtEnd(bytes: Buffer): number | null {
  for (let at = bytes.indexOf(MAGIC_TAIL); at > 0; at = bytes.indexOf(MAGIC_TAIL, at + 1)) {
    const start = at - 1;
    const fits = start + 8 <= bytes.length && isSkippable(bytes, start);
    if (fits && start + 8 + bytes.readUInt32LE(start + 4) === bytes.length) return start;
  }
  return null;
}

/** Bytes of the magic number that are the same in all sixteen. */
const MAGIC_TAIL = Buffer.from('2a4d18', 'hex');
