import { inflateRawSync } from 'node:zlib';
import { zstdCodec } from '../zstd-codec.js';
import { viewOf, type Qcow2Compression } from './numbers.js';

let zstd: Awaited<ReturnType<typeof zstdCodec>>;

/** Loads what decompressing needs, where it is needed. */
export async function prepareCodec(type: Qcow2Compression): Promise<void> {
  if (type === 'zstd') zstd = await zstdCodec();
}

/** Decompresses one cluster. `stored` may go on behind the compressed data (its length is kept in whole sectors only).
 *  Allocates `clusterBytes` for the output, whatever the data claim. Call `prepareCodec` before.
 *  @throws Error with a plain message when the data are no cluster of exactly `clusterBytes` */
export function decompressCluster(
  type: Qcow2Compression,
  stored: Uint8Array,
  clusterBytes: number,
): Uint8Array {
  const cluster =
    type === 'zlib'
      ? inflateRawSync(stored, { maxOutputLength: clusterBytes })
      : zstd.decompress(cutZstdFrame(stored, clusterBytes), { defaultHeapSize: clusterBytes });
  if (cluster.length !== clusterBytes)
    throw new Error(`decompresses to ${cluster.length} bytes instead of ${clusterBytes}`);
  return cluster;
}

const ZSTD_MAGIC = 0xfd2fb528;
/** zstd's own limit of a decoder that is not told otherwise (ZSTD_WINDOWLOG_LIMIT_DEFAULT). */
const ZSTD_MAX_WINDOW_LOG = 27;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const BLOCK_RLE = 1;
const BLOCK_RESERVED = 3;

/** The one frame at the start of `stored`, without the garbage behind it that decoders refuse. Source: RFC 8878, 3.1.1. */
function cutZstdFrame(stored: Uint8Array, clusterBytes: number): Uint8Array {
  const view = viewOf(stored);
  if (view.getUint32(0, true) !== ZSTD_MAGIC) throw new Error('is no zstd frame');
  const descriptor = view.getUint8(4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  let at = 5;
  if (!isSingleSegment) {
    const windowLog = 10 + (view.getUint8(at) >> 3);
    if (windowLog > ZSTD_MAX_WINDOW_LOG)
      throw new Error(`asks for a zstd window of 2^${windowLog} bytes, 2^27 is allowed`);
    at += 1;
  }
  at += DICTIONARY_ID_BYTES[(descriptor & 3) as 0 | 1 | 2 | 3];
  const declared = readContentSize(view, at, descriptor >> 6, isSingleSegment);
  if (declared.bytes !== null && declared.bytes !== BigInt(clusterBytes))
    throw new Error(`declares ${declared.bytes} bytes instead of ${clusterBytes}`);
  at += declared.fieldBytes;

  for (let isLast = false; !isLast;) {
    const block = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    const type = (block >> 1) & 3;
    if (type === BLOCK_RESERVED) throw new Error('holds a zstd block of the reserved type');
    at += 3 + (type === BLOCK_RLE ? 1 : block >> 3);
    isLast = (block & 1) !== 0;
  }
  const hasChecksum = (descriptor & 4) !== 0;
  return stored.subarray(0, at + (hasChecksum ? 4 : 0));
}

function readContentSize(
  view: DataView,
  at: number,
  flag: number,
  isSingleSegment: boolean,
): { fieldBytes: number; bytes: bigint | null } {
  if (flag === 0)
    return isSingleSegment
      ? { fieldBytes: 1, bytes: BigInt(view.getUint8(at)) }
      : { fieldBytes: 0, bytes: null };
  if (flag === 1) return { fieldBytes: 2, bytes: BigInt(view.getUint16(at, true)) + 256n };
  if (flag === 2) return { fieldBytes: 4, bytes: BigInt(view.getUint32(at, true)) };
  return { fieldBytes: 8, bytes: view.getBigUint64(at, true) };
}
