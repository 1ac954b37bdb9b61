import { BackupError } from '../../domain/errors.js';
import type { FormatId } from '../../domain/sources/source-workload.js';
import { slotOffset } from '../../domain/targets/slot-placement.js';
import type { ComposedFormat } from '../../image/formats.js';
import type { FileShape } from '../../image/image-format.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import type { ImageStack } from '../blocks/image-stack.js';

/** Said before anything of the disk is read or written. @throws DISK_TOO_LARGE; IMAGE_ENCRYPTED where the file would have no place for its keys */
export function assertCopyable(stack: ImageStack, { id, composer }: ComposedFormat): void {
  const { layers, virtualSizeBytes } = stack;
  const path = layers[0]?.path ?? '';
  assertKeepsKeys(stack, id);
  const { maxDiskBytes } = composer.traits(stack.dialectFor(id), 'full');
  if (virtualSizeBytes <= maxDiskBytes) return;
  throw new BackupError(
    'DISK_TOO_LARGE',
    `${path}: the disk has ${virtualSizeBytes} bytes, a backup file holds at most ${maxDiskBytes}`,
    { details: { path, virtualSizeBytes } },
  );
}

/** @param id of the format of the file that is to be made of the disk; `null`: of none, the bytes alone
 *  @throws IMAGE_ENCRYPTED where that has no place for the lines by which the keys are found: it would be noise for ever */
export function assertKeepsKeys(
  { dialect, layers }: Pick<ImageStack, 'dialect' | 'layers'>,
  id: FormatId | null,
): void {
  const [top] = layers;
  if (dialect['encryption'] === undefined || top?.format === id) return;
  const file = id === null ? 'a raw file' : `a file of the format ${id}`;
  throw new BackupError(
    'IMAGE_ENCRYPTED',
    `${top!.path}: the disk is encrypted, and ${file} has no place for the lines by which its keys are found`,
    { details: { path: top!.path } },
  );
}

/** Said of a plan before anything is copied: whether the format and the target hold a file with so many slots. What lies behind the slots is not counted.
 *  @throws DISK_TOO_LARGE, IMAGE_LIMIT_EXCEEDED */
export function assertFits(
  { id, limits }: Pick<BackupRepository, 'id' | 'limits'>,
  { composer }: ComposedFormat,
  file: FileShape & { readonly disk: string },
): void {
  const leastBytes = slotOffset(composer.place(file), file.slotCount);
  if (leastBytes <= limits.maxFileBytes) return;
  throw new BackupError(
    'DISK_TOO_LARGE',
    `disk ${file.disk}: its file has at least ${leastBytes} bytes, and repository ${id} takes files of at most ${limits.maxFileBytes}`,
    { details: { repositoryId: id, leastBytes } },
  );
}
