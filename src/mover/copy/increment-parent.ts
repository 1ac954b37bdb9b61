import type { FormatId } from '../../domain/sources/source-workload.js';
import type { TargetDisk } from '../../domain/targets/target-point.js';
import { PLAIN_DIALECT, type Dialect } from '../../image/disk-image.js';
import { imageFormat, incrementFormat, type ComposedFormat } from '../../image/formats.js';

/** A disk of a source, as the image that shows it says. */
export interface CopiedDisk {
  readonly format: FormatId;
  readonly dialect: Dialect;
  readonly virtualSizeBytes: number;
}

/** The file of the same disk in the copy before it. */
export type ParentFile = Pick<TargetDisk, 'format' | 'virtualSizeBytes'>;

/** The format of an increment of a disk on that file; null: no increment can name it, for its format or its size, and the disk begins anew as a full. */
export function formatOnParent(disk: CopiedDisk, parent: ParentFile): ComposedFormat | null {
  const { dialect, virtualSizeBytes } = disk;
  const increment = incrementFormat(disk.format, dialect, virtualSizeBytes);
  if (increment === null) return null;
  const { parents, parentSize } = increment.composer.traits(
    increment.id === disk.format ? dialect : PLAIN_DIALECT,
    'increment',
  );
  const hasRightSize = parentSize === 'any' || parent.virtualSizeBytes === virtualSizeBytes;
  return parents.includes(parent.format) && hasRightSize ? increment : null;
}

/** Whether the size of such a disk says whether it can be an increment, in any dialect of its format.
 *  @throws IMAGE_FORMAT_UNKNOWN */
export function growsBySize(format: FormatId): boolean {
  const composer = imageFormat(format).composer ?? incrementFormat(format, PLAIN_DIALECT)?.composer;
  return composer?.traits(PLAIN_DIALECT, 'increment').parentSize === 'same';
}
