import type { FormatId } from '../../domain/sources/source-workload.js';
import type { ByteSource } from '../byte-source.js';
import { headOfImage, type DiskImage } from '../disk-image.js';
import type { ImageFormat } from '../image-format.js';
import { RAW_COMPOSER } from '../raw/raw-composer.js';
import { openRawImage } from '../raw/raw-image.js';

/** A row for files that travel as they are, byte for byte, whatever is in them: archives, streams, containers. Their "disk" is the file itself, with any
 *  number of bytes: unit k of the file lies in slot k of its copy. A part of such a file means nothing by itself, so every point is a full. */
export function opaqueFormat(row: {
  readonly id: FormatId;
  /** Of file names, without the dot. */
  readonly extension: string;
  /** What a look at a source can tell of a file without reading all of it; absent: nothing.
   *  @throws IMAGE_TRUNCATED when it is still being written or was cut off, IMAGE_… when it is no such file */
  readonly assertWhole?: (source: ByteSource) => Promise<void>;
  readonly links?: ImageFormat['links'];
}): ImageFormat {
  const { id, extension, links } = row;
  const open = (source: ByteSource): DiskImage => ({
    ...openRawImage(source, source.sizeBytes),
    format: id,
  });
  return {
    id,
    extension,
    isOpaque: true,
    ...(links === undefined ? {} : { links }),
    readHead: async (source) => {
      await row.assertWhole?.(source);
      return headOfImage(open(source));
    },
    open: (source) => Promise.resolve(open(source)),
    composer: RAW_COMPOSER,
    merger: null,
  };
}
