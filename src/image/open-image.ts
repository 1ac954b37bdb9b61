import { BackupError } from '../domain/errors.js';
import type { ImageFormat } from '../domain/restore-point.js';
import type { ByteSource } from './byte-source.js';
import type { DiskImage } from './disk-image.js';
import { openQcow2Image } from './qcow2/qcow2-image.js';
import { openRawImage } from './raw/raw-image.js';

/** A format without an opener does not compile. */
const OPENERS: Readonly<Record<ImageFormat, (source: ByteSource) => Promise<DiskImage>>> = {
  qcow2: openQcow2Image,
  raw: (source) => Promise.resolve(openRawImage(source)),
};

/** Opens one image file of the format that its owner names. Formats also come from files (commit records, plans), perhaps of another
 *  release: what is not known is never read as something else.
 *  @throws IMAGE_FORMAT_UNKNOWN, and what the opener of the format throws */
export async function openImage(source: ByteSource, format: ImageFormat): Promise<DiskImage> {
  if (!Object.hasOwn(OPENERS, format))
    throw new BackupError(
      'IMAGE_FORMAT_UNKNOWN',
      `${source.label} is of the format ${JSON.stringify(format)}, which this release does not read`,
      { details: { path: source.label } },
    );
  return OPENERS[format](source);
}
