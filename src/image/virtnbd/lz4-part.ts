import type { ByteSource } from '../byte-source.js';
import { imageFault } from '../image-fault.js';

/** One compressed piece of a stream is one frame of LZ4 (several blocks with checksums). The tool compresses what it asked for at once: 32 MiB
 *  at most, unless the NBD server allows more.
 *  Source: lz4 doc/lz4_Frame_format.md 1.6.2 */
const MAGIC = 0x184d_2204;
/** Magic, FLG, BD, content size, checksum of these. */
export const LZ4_HEADER_BYTES = 15;
const HAS_DICTIONARY = 1;
const HAS_CONTENT_CHECKSUM = 4;
const HAS_CONTENT_SIZE = 8;
const HAS_BLOCK_CHECKSUMS = 16;
const PLAIN_BLOCK = 0x8000_0000;

export const MAX_PART_BYTES = 64 * 1024 * 1024;

interface Lz4Part {
  readonly offset: number;
  readonly storedBytes: number;
  readonly bytes: number;
}

/** Bytes that the frame at `offset` unpacks to, as its header says; null: it does not.
 *  @param header at most its first `LZ4_HEADER_BYTES`
 *  @throws IMAGE_CORRUPT when it is no frame of LZ4 */
export function lz4ContentBytes(source: ByteSource, header: Buffer, offset: number): number | null {
  const flags = header.length < LZ4_HEADER_BYTES ? 0 : header[4]!;
  const isKnown =
    flags >> 6 === 1 && (flags & HAS_DICTIONARY) === 0 && header.readUInt32LE(0) === MAGIC;
  if (!isKnown) throw lz4Fault(source, offset, 'is no frame of LZ4 without a dictionary');
  if ((flags & HAS_CONTENT_SIZE) === 0) return null;
  const bytes = header.readBigUInt64LE(6);
  if (bytes > BigInt(MAX_PART_BYTES)) throw partLimit(source, offset, Number(bytes));
  return Number(bytes);
}

export function partLimit(source: ByteSource, offset: number, bytes: number) {
  return imageFault(
    source,
    'IMAGE_LIMIT_EXCEEDED',
    `the compressed data at byte ${offset} unpack to ${bytes} bytes; at most ${MAX_PART_BYTES} are unpacked at once`,
    { offset, seen: bytes, max: MAX_PART_BYTES },
  );
}

/** Unpacks one part. Its blocks are counted first, so that no more memory is taken than what it must unpack to, whatever it holds.
 *  @throws IMAGE_CORRUPT */
export async function readLz4Part(source: ByteSource, part: Lz4Part): Promise<Buffer> {
  const stored = Buffer.alloc(part.storedBytes);
  await source.read(stored, part.offset);
  checkBlocks(source, stored, part);
  const bytes = await unpack(source, stored, part);
  if (bytes.length === part.bytes) return bytes;
  const words = `unpack to ${bytes.length} bytes, where ${part.bytes} were expected`;
  throw lz4Fault(source, part.offset, words);
}

function checkBlocks(source: ByteSource, stored: Buffer, { offset, bytes }: Lz4Part): void {
  const flags = stored[4]!;
  const size = (stored[5]! >> 4) & 7;
  if (size < 4) throw lz4Fault(source, offset, 'have blocks of an unknown size');
  const blockBytes = 2 ** (8 + 2 * size);
  let left = Math.ceil(bytes / blockBytes);
  let at = (flags & HAS_CONTENT_SIZE) === 0 ? LZ4_HEADER_BYTES - 8 : LZ4_HEADER_BYTES;
  for (;;) {
    if (at + 4 > stored.length) throw lz4Fault(source, offset, 'have no end');
    const word = stored.readUInt32LE(at);
    at += 4;
    if (word === 0) break;
    left--;
    if (left < 0 || word % PLAIN_BLOCK > blockBytes)
      throw lz4Fault(source, offset, 'have more blocks than they may');
    at += (word % PLAIN_BLOCK) + ((flags & HAS_BLOCK_CHECKSUMS) === 0 ? 0 : 4);
  }
  at += (flags & HAS_CONTENT_CHECKSUM) === 0 ? 0 : 4;
  if (at !== stored.length) throw lz4Fault(source, offset, 'end elsewhere than the trailer says');
}

async function unpack(source: ByteSource, stored: Buffer, { offset }: Lz4Part): Promise<Buffer> {
  // Loaded where it is needed: it takes each process 8 MiB.
  const { decompressFrameSync } = await import('lz4-napi');
  try {
    return decompressFrameSync(stored);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw lz4Fault(source, offset, `cannot be unpacked: ${reason}`, error);
  }
}

function lz4Fault(source: ByteSource, offset: number, words: string, cause?: unknown) {
  const message = `the compressed data at byte ${offset} ${words}`;
  return imageFault(source, 'IMAGE_CORRUPT', message, { offset }, cause);
}
