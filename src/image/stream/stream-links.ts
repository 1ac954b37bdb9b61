import { constants, gunzipSync } from 'node:zlib';
import type { ByteSource } from '../byte-source.js';
import { dumpLinks } from './dump-links.js';
import type { StreamLinks } from '../image-format.js';
import { zfsLinks } from './zfs-links.js';

/** Streams of `zfs send`, and dumps. null: it is neither, or says nothing of it (encrypted, another maker’s).
 *  @throws IMAGE_TRUNCATED */
export async function streamLinks(source: ByteSource): Promise<StreamLinks | null> {
  return (await zfsLinks(source)) ?? (await dumpLinks(source));
}

/** As much of a packed stream is unpacked as its first records are in. */
const PACKED_BYTES = 64 * 1024;

/** The same of a stream that was packed with gzip, as far as the start of it tells.
 *  @throws IMAGE_TRUNCATED */
export async function gzippedStreamLinks(source: ByteSource): Promise<StreamLinks | null> {
  const packed = new Uint8Array(Math.min(PACKED_BYTES, source.sizeBytes));
  await source.read(packed, 0);
  const start = unpackedStart(packed);
  return start === null ? null : streamLinks(bytesOf(start, source.label));
}

/** null: it was not packed with gzip. */
function unpackedStart(packed: Uint8Array): Uint8Array | null {
  try {
    return gunzipSync(packed, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    return null;
  }
}

function bytesOf(bytes: Uint8Array, label: string): ByteSource {
  return {
    label,
    sizeBytes: bytes.length,
    read: (target, offset) => {
      target.set(bytes.subarray(offset, offset + target.length));
      return Promise.resolve();
    },
  };
}
