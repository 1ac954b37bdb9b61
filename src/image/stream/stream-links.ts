import type { ByteSource } from '../byte-source.js';
import { dumpLinks } from './dump-links.js';
import type { StreamLinks } from '../image-format.js';
import { unpackedStart, type UnpackStart } from './packed-start.js';
import { zfsLinks } from './zfs-links.js';

/** Streams of `zfs send`, and dumps. null: it is neither, or says nothing of it (encrypted, another maker’s).
 *  @throws IMAGE_TRUNCATED */
export async function streamLinks(source: ByteSource): Promise<StreamLinks | null> {
  return (await zfsLinks(source)) ?? (await dumpLinks(source));
}

/** The same of a stream that was packed, as far as the start of it tells.
 *  @throws IMAGE_TRUNCATED */
export function packedStreamLinks(
  unpack: UnpackStart,
): (source: ByteSource) => Promise<StreamLinks | null> {
  return async (source) => {
    const start = await unpackedStart(source, unpack);
    return start === null ? null : streamLinks(start);
  };
}
