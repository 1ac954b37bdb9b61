import { BackupError } from '../domain/errors.js';
import type { ByteSink, ByteSource } from '../image/byte-source.js';
import type { ReadableFile, WritableFile } from '../repository/backup-repository.js';
import type { TaskControl } from './task-control.js';

/** A repository file as an image reader sees it. Its size is fixed when it is opened. */
export async function fileByteSource(file: ReadableFile): Promise<ByteSource> {
  const { sizeBytes } = await file.stamp();
  return {
    label: file.path,
    sizeBytes,
    async read(target, offset) {
      const count = await file.read(target, offset);
      if (count < target.length)
        throw new BackupError(
          'IMAGE_TRUNCATED',
          `${file.path} ends at byte ${offset + count}, where ${target.length - count} more were expected`,
          { details: { path: file.path, offset: offset + count } },
        );
    },
  };
}

/** A repository file as an image composer writes it: each write is fenced. */
export function fencedByteSink(file: WritableFile, control: TaskControl): ByteSink & ByteSource {
  return {
    label: file.path,
    sizeBytes: Number.MAX_SAFE_INTEGER,
    async read(target, offset) {
      const count = await file.read(target, offset);
      target.fill(0, count);
    },
    async write(source, offset) {
      control.assertMayWrite();
      await file.write(source, offset);
    },
    async truncate(sizeBytes) {
      control.assertMayWrite();
      await file.truncate(sizeBytes);
    },
    async sync() {
      await file.sync();
    },
  };
}
