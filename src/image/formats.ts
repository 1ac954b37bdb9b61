import { BackupError } from '../domain/errors.js';
import type { FormatId, RestorePointKind } from '../domain/restore-point.js';
import type { ByteSource } from './byte-source.js';
import type { DiskImage } from './disk-image.js';
import type { ImageComposer, ImageFormat } from './image-format.js';
import { FILE } from './file/file-format.js';
import { QCOW2 } from './qcow2/qcow2-format.js';
import { RAW } from './raw/raw-format.js';

/** Every format of disk images that this release knows. A new one is a folder here and a row; nothing outside `src/image` and `src/layout`
 *  names one (a lint rule sees to it). */
export const IMAGE_FORMATS: readonly ImageFormat[] = [QCOW2, RAW, FILE];

/** Formats also come from files (commit records, plans), perhaps of another release: what is not known is never read as something else.
 *  @throws IMAGE_FORMAT_UNKNOWN */
export function imageFormat(id: FormatId, path = 'the file'): ImageFormat {
  const format = IMAGE_FORMATS.find((row) => row.id === id);
  if (format !== undefined) return format;
  throw new BackupError(
    'IMAGE_FORMAT_UNKNOWN',
    `${path} is of the format ${JSON.stringify(id)}, which this release does not read`,
    { details: { path } },
  );
}

/** Opens one image file of the format that its owner names.
 *  @throws IMAGE_FORMAT_UNKNOWN, and what the opener of the format throws */
export async function openImage(source: ByteSource, id: FormatId): Promise<DiskImage> {
  return imageFormat(id, source.label).open(source);
}

export type ComposedFormat = ImageFormat & { readonly composer: ImageComposer };

/** The format in which a copy of such a file is composed: its own; where that has no files of this kind, qcow2, which may build on it.
 *  @throws IMAGE_FORMAT_UNKNOWN */
export function composedFormat(id: FormatId, kind: RestorePointKind): ComposedFormat {
  const format = imageFormat(id);
  return isComposed(format) && format.composer.kinds.includes(kind) ? format : QCOW2;
}

/** Whether such an image can be copied as an increment.
 *  @throws IMAGE_FORMAT_UNKNOWN */
export function canIncrement(id: FormatId): boolean {
  const { composer } = imageFormat(id);
  return (
    composer?.kinds.includes('increment') === true ||
    IMAGE_FORMATS.some((format) => format.composer?.parents.includes(id) === true)
  );
}

/** What writes the files of a plan.
 *  @throws IMAGE_FORMAT_UNKNOWN */
export function composerOf(id: FormatId): ImageComposer {
  const { composer } = imageFormat(id);
  if (composer === null) throw new Error(`files of the format ${id} are not composed`);
  return composer;
}

function isComposed(format: ImageFormat): format is ComposedFormat {
  return format.composer !== null;
}
