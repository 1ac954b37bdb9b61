import { constants, gunzipSync } from 'node:zlib';
import type { FormatId } from '../../domain/sources/source-workload.js';
import { zstdFrameHeadBytes } from '../archive/zstd-end.js';
import type { ByteSource } from '../byte-source.js';
import { zstdCodec } from '../zstd-codec.js';

/** Bytes of a packed file that its start is unpacked from: a block of zstd, of the others as far as they go. */
const PACKED_BYTES = 128 * 1024 + 64;

/** The start of what was packed: some ten kilobytes at least, where there are as many. null: it is no such archive, or of a kind that is not unpacked (with a
 *  dictionary). */
export type UnpackStart = (packed: Buffer) => Uint8Array | null | Promise<Uint8Array | null>;

export async function unpackedStart(
  source: ByteSource,
  unpack: UnpackStart,
): Promise<ByteSource | null> {
  const packed = Buffer.alloc(Math.min(PACKED_BYTES, source.sizeBytes));
  await source.read(packed, 0);
  let bytes: Uint8Array | null;
  try {
    bytes = await unpack(packed);
  } catch {
    return null; // what it is told to hold it does not
  }
  return bytes === null ? null : bytesSource(bytes, source.label);
}

function bytesSource(bytes: Uint8Array, label: string): ByteSource {
  return {
    label,
    sizeBytes: bytes.length,
    read: (target, offset) => {
      target.set(bytes.subarray(offset, offset + target.length));
      return Promise.resolve();
    },
  };
}

export const gzipStart: UnpackStart = (packed) =>
  gunzipSync(packed, { finishFlush: constants.Z_SYNC_FLUSH });

const ZSTD_MAX_BLOCK_BYTES = 128 * 1024;
const BLOCK_HEADER_BYTES = 3;
const BLOCK_RLE = 1;
/** The same magic number, nothing of its size or digest, a window of 128 KiB. */
const ZSTD_PLAIN_HEAD = Buffer.from('28b52ffd0038', 'hex');

/** The first block alone, made the last of a frame. Source: RFC 8878, 3.1.1. */
export const zstdStart: UnpackStart = async (packed) => {
  const at = zstdFrameHeadBytes(packed, 0);
  const hasDictionary = (packed[4]! & 3) !== 0;
  if (at === null || hasDictionary || packed.length < at + BLOCK_HEADER_BYTES) return null;
  const word = packed.readUIntLE(at, BLOCK_HEADER_BYTES);
  const storedBytes = ((word >> 1) & 3) === BLOCK_RLE ? 1 : word >> 3;
  const block = Buffer.from(packed.subarray(at, at + BLOCK_HEADER_BYTES + storedBytes));
  block[0]! |= 1;
  const frame = Buffer.concat([ZSTD_PLAIN_HEAD, block]);
  return (await zstdCodec()).decompress(frame, { defaultHeapSize: ZSTD_MAX_BLOCK_BYTES });
};

const LZ4_MAGIC = 0x184d_2204;
const LZ4_PLAIN_BLOCK = 0x8000_0000;
const LZ4_WANTED_BYTES = 64 * 1024;

/** The first block, as far as it is needed. Source: lz4 doc/lz4_Frame_format.md, doc/lz4_Block_format.md. */
export const lz4Start: UnpackStart = (packed) => {
  if (packed.length < 19 || packed.readUInt32LE(0) !== LZ4_MAGIC) return null;
  const flags = packed[4]!;
  if (flags >> 6 !== 1 || (flags & 1) !== 0) return null;
  const at = 7 + ((flags & 8) === 0 ? 0 : 8);
  const word = packed.readUInt32LE(at);
  const stored = packed.subarray(at + 4, at + 4 + (word % LZ4_PLAIN_BLOCK));
  return word >= LZ4_PLAIN_BLOCK ? stored : lz4BlockStart(stored);
};

/** Sequences of literals and of what was there before, until enough is there or `stored` ends. */
function lz4BlockStart(stored: Buffer): Uint8Array {
  const out = Buffer.alloc(LZ4_WANTED_BYTES);
  let at = 0;
  let filled = 0;
  const longer = (length: number): number => {
    if (length !== 15) return length;
    let sum = length;
    for (let byte = 255; byte === 255 && at < stored.length;) {
      byte = stored[at++]!;
      sum += byte;
    }
    return sum;
  };
  while (at < stored.length && filled < out.length) {
    const token = stored[at++]!;
    const literals = longer(token >> 4);
    filled += stored.copy(out, filled, at, at + literals);
    at += literals;
    if (at + 2 > stored.length) break;
    const distance = stored.readUInt16LE(at);
    at += 2;
    const end = Math.min(out.length, filled + longer(token & 15) + 4);
    if (distance === 0 || distance > filled) break;
    for (; filled < end; filled++) out[filled] = out[filled - distance]!;
  }
  return out.subarray(0, filled);
}

/** What packers write first. */
const PACKERS: readonly (readonly [start: string, format: FormatId, unpack: UnpackStart])[] = [
  ['\x1f\x8b\x08', 'gzip', gzipStart],
  ['\x28\xb5\x2f\xfd', 'zstd', zstdStart],
  ['\x04\x22\x4d\x18', 'lz4', lz4Start],
];

/** How the start of what such a file holds is had; null: it is not packed, or by what is not unpacked here (xz, bzip2).
 *  @param start of the file, a character for each byte */
export function unpackerOf(start: string): UnpackStart | null {
  return packerAt(start)?.[2] ?? null;
}

/** The format of what is packed so; null: as of `unpackerOf`. */
export function packerOf(start: string): FormatId | null {
  return packerAt(start)?.[1] ?? null;
}

function packerAt(start: string) {
  return PACKERS.find(([first]) => start.startsWith(first));
}
