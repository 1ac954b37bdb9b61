import { constants, gunzipSync } from 'node:zlib';

/** What the first bytes of a file hold that gzip has packed; nothing where they cannot be unpacked.
 *  @param head a few kilobytes */
export function unzippedHead(head: Uint8Array): Buffer {
  try {
    const finishFlush = constants.Z_SYNC_FLUSH;
    return gunzipSync(head, { finishFlush, maxOutputLength: MAX_BYTES });
  } catch {
    return Buffer.alloc(0);
  }
}

/** More than so few bytes can hold. */
const MAX_BYTES = 64 * 1024 * 1024;
