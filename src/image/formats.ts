import { BackupError, isBackupError } from '../domain/errors.js';
import type { FormatId, RestorePointKind } from '../domain/sources/source-workload.js';
import { BLOCK_BYTES } from '../domain/targets/digest.js';
import type { ByteSource } from './byte-source.js';
import { PLAIN_DIALECT, type Dialect, type DiskImage } from './disk-image.js';
import type { HeldDisks, ImageComposer, ImageExtents, ImageFormat } from './image-format.js';
import { BZIP2, GZIP, LZ4, LZOP, TAR, XZ, ZSTD } from './archive/archive-formats.js';
import { FILE } from './file/file-format.js';
import { OVA } from './ova/ova-format.js';
import { QCOW2 } from './qcow2/qcow2-format.js';
import { RAW } from './raw/raw-format.js';
import { AIX_BACKUP, DMG, DUMP, ZFS_STREAM } from './stream/stream-formats.js';
import { VHD } from './vhd/vhd-format.js';
import { VHDX } from './vhdx/vhdx-format.js';
import { VMDK_STREAM } from './vmdk/stream-format.js';
import { VIRTNBD } from './virtnbd/virtnbd-format.js';
import { VMA } from './vma/vma-format.js';
import { VMDK } from './vmdk/vmdk-format.js';

/** Every format of disk images that this release knows. A new one is a folder here and a row; nothing outside `src/image` and `src/layout`
 *  names one (a lint rule sees to it). */
export const IMAGE_FORMATS: readonly ImageFormat[] = [
  QCOW2,
  RAW,
  VMDK,
  VMDK_STREAM,
  VHD,
  VHDX,
  OVA,
  FILE,
  VIRTNBD,
  VMA,
  TAR,
  GZIP,
  ZSTD,
  LZOP,
  LZ4,
  XZ,
  BZIP2,
  ZFS_STREAM,
  DUMP,
  AIX_BACKUP,
  DMG,
];

/** Of a file that is kept as it is, whatever it is. */
export const WHOLE_FILE: FormatId = FILE.id;

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

/** Opens one image of the format that its owner names.
 *  @throws IMAGE_FORMAT_UNKNOWN, and what the opener of the format throws */
export async function openImage(
  source: ByteSource,
  id: FormatId,
  extents?: ImageExtents,
): Promise<DiskImage> {
  return imageFormat(id, source.label).open(source, extents);
}

/** Disks that lie in a file of this format, which is kept as it is; null: it is no such file, or none can be told of it.
 *  @throws IMAGE_FORMAT_UNKNOWN */
export function heldDisksOf(id: FormatId): HeldDisks | null {
  return imageFormat(id).heldDisks ?? null;
}

/** Whether a file of this name is opened as a VMDK, and is none: a large one is kept as qcow2 (`fullFormat`). */
export function isMisnamed(name: string, kept: FormatId): boolean {
  return kept === QCOW2.id && name.toLowerCase().endsWith(`.${VMDK.id}`);
}

export type ComposedFormat = ImageFormat & { readonly composer: ImageComposer };

/** The format in which a full of such an image is composed: its own; qcow2 where that has no files of its own, or none that hold the whole disk (2 TiB of data in a
 *  VMDK). That a disk is nearly empty today does not count: it would be in the way of its increments, and of a full made of them.
 *  @param diskBytes of the disk. Absent: of a file that is there already
 *  @throws IMAGE_FORMAT_UNKNOWN */
export function fullFormat(id: FormatId, dialect: Dialect, diskBytes = 0): ComposedFormat {
  const own = ownFormat(id, dialect, 'full');
  return own !== null && holdsWhole(own, dialect, diskBytes) ? own : QCOW2;
}

/** The format in which an increment of such an image is composed: its own, or else the first that may build on a full of it. null: points of
 *  this format, or of disks of this size, are fulls.
 *  @param diskBytes as of `fullFormat`
 *  @throws IMAGE_FORMAT_UNKNOWN */
export function incrementFormat(
  id: FormatId,
  dialect: Dialect,
  diskBytes = 0,
): ComposedFormat | null {
  const takes = (format: ComposedFormat, its: Dialect): boolean =>
    diskBytes <= format.composer.traits(its, 'increment').maxDiskBytes;
  const own = ownFormat(id, dialect, 'increment');
  if (own !== null && takes(own, dialect) && holdsWhole(own, dialect, diskBytes)) return own;
  const full = imageFormat(id).composer === null ? id : fullFormat(id, dialect, diskBytes).id;
  const mayBuildOnIt = (format: ImageFormat): format is ComposedFormat =>
    isComposed(format) &&
    format.composer.traits(PLAIN_DIALECT, 'increment').parents.includes(full) &&
    takes(format, PLAIN_DIALECT);
  return IMAGE_FORMATS.find(mayBuildOnIt) ?? null;
}

/** Whether a file has room for every block of a disk. */
function holdsWhole(
  { composer }: ComposedFormat,
  dialect: Dialect,
  virtualSizeBytes: number,
): boolean {
  const slotCount = Math.ceil(virtualSizeBytes / BLOCK_BYTES);
  const shape = { fileName: '', parent: null, seed: '', linkId: null, dialect };
  try {
    composer.place({ ...shape, virtualSizeBytes, slotCount });
    return true;
  } catch (error) {
    if (isBackupError(error, 'IMAGE_LIMIT_EXCEEDED')) return false;
    throw error;
  }
}

/** Whether such an image can be copied as an increment.
 *  @throws IMAGE_FORMAT_UNKNOWN */
export function canIncrement(id: FormatId): boolean {
  return incrementFormat(id, PLAIN_DIALECT) !== null;
}

/** What writes the files of a plan.
 *  @throws IMAGE_FORMAT_UNKNOWN */
export function composerOf(id: FormatId): ImageComposer {
  const { composer } = imageFormat(id);
  if (composer === null) throw new Error(`files of the format ${id} are not composed`);
  return composer;
}

/** null: the format writes no files of this kind. */
function ownFormat(id: FormatId, dialect: Dialect, kind: RestorePointKind): ComposedFormat | null {
  const format = imageFormat(id);
  return isComposed(format) && format.composer.traits(dialect, kind).kinds.includes(kind)
    ? format
    : null;
}

function isComposed(format: ImageFormat): format is ComposedFormat {
  return format.composer !== null;
}
