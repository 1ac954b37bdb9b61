import { BackupError } from '../../../domain/errors.js';
import type { VerifyAfterCopy } from '../../../domain/jobs/copy-job.js';
import { withRunBuffer } from '../../../image/run-buffer.js';
import type {
  ReadableFile,
  SmallFile,
  SourceRepository,
} from '../../../repository/backup-repository.js';
import { openStored } from '../../blocks/stored-bytes.js';
import { withOpenFiles } from '../../task/open-files.js';
import type { TaskControl } from '../../task/task-control.js';

/** Compares small files with what was written, when all of them have their names.
 *  @param way `direct`: as the storage holds them, whatever this machine remembers
 *  @throws BLOCK_DIGEST_MISMATCH, REPOSITORY_UNSUITED where the storage cannot be read past the cache */
export async function readBack(
  control: TaskControl,
  repository: SourceRepository,
  files: readonly SmallFile[],
  way: VerifyAfterCopy,
): Promise<void> {
  for (const { path, bytes } of files) {
    control.throwIfStopped();
    const isSame = await withOpenFiles(async (opened) => {
      const open = way === 'direct' ? openStored(repository, path) : repository.openRead(path);
      return holds(opened.add(await open), bytes);
    });
    if (!isSame)
      throw new BackupError(
        'BLOCK_DIGEST_MISMATCH',
        `${path} does not read back as it was written`,
        {
          details: { path },
        },
      );
  }
}

async function holds(file: ReadableFile, bytes: Uint8Array): Promise<boolean> {
  return withRunBuffer(async (part) => {
    for (let offset = 0; ; offset += part.length) {
      const count = await file.read(part, offset);
      if (!part.subarray(0, count).equals(bytes.subarray(offset, offset + count))) return false;
      if (count < part.length) return offset + count === bytes.length;
    }
  });
}
