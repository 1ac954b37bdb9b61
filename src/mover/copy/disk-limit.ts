import { BackupError } from '../../domain/errors.js';
import type { ComposedFormat } from '../../image/formats.js';
import type { ImageStack } from '../blocks/image-stack.js';

/** Said before anything of the disk is read or written. @throws DISK_TOO_LARGE */
export function assertCopyable(stack: ImageStack, { id, composer }: ComposedFormat): void {
  const { layers, virtualSizeBytes } = stack;
  const { maxDiskBytes } = composer.traits(stack.dialectFor(id), 'full');
  if (virtualSizeBytes <= maxDiskBytes) return;
  const path = layers[0]?.path ?? '';
  throw new BackupError(
    'DISK_TOO_LARGE',
    `${path}: the disk has ${virtualSizeBytes} bytes, a backup file holds at most ${maxDiskBytes}`,
    { details: { path, virtualSizeBytes } },
  );
}
