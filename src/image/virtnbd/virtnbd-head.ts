import type { ByteSource } from '../byte-source.js';
import type { ImageHead } from '../disk-image.js';
import { readStreamMeta } from './stream-meta.js';
import { readStreamEnd } from './stream-trailer.js';

/** Reads the first frame and the last ones. A stream without its stop frame is still being written, or was cut off; that its frames are what the
 *  first one says is seen when its copy is planned.
 *  @throws IMAGE_TRUNCATED, and what `readStreamMeta` throws */
export async function readVirtnbdHead(source: ByteSource): Promise<ImageHead> {
  const meta = await readStreamMeta(source);
  await readStreamEnd(source, meta.isCompressed);
  const { virtualSizeBytes, parent, linkId, dialect } = meta;
  return { virtualSizeBytes, parent, linkId, dialect };
}
