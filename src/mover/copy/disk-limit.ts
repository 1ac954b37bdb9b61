import { BackupError } from '../../domain/errors.js';
import { MAX_COMPOSED_DISK_BYTES } from '../../image/qcow2/compose.js';
import type { ImageStack } from '../blocks/image-stack.js';

/** Said before anything of the disk is read or written. @throws DISK_TOO_LARGE */
export function assertCopyable({ layers, virtualSizeBytes }: ImageStack): void {
  if (virtualSizeBytes <= MAX_COMPOSED_DISK_BYTES) return;
  const path = layers[0]?.path ?? '';
  throw new BackupError(
    'DISK_TOO_LARGE',
    `${path}: the disk has ${virtualSizeBytes} bytes, a backup file holds at most ${MAX_COMPOSED_DISK_BYTES}`,
    { details: { path, virtualSizeBytes } },
  );
}
