import { BackupError, isBackupError } from '../domain/errors.js';
import type { SourceRepository, ReadableFile } from './backup-repository.js';
import { quoted } from './repository-path.js';

/** Storage that keeps one version of a file asks for the new one when it is replaced while it is read; nothing is replaced so often. */
const MAX_VERSIONS = 16;

/** Whole content of one version of a small file; null: certainly absent.
 *  @throws FILE_TOO_LARGE when it has more than `maxBytes` */
export async function readWholeFile(
  repository: SourceRepository,
  path: string,
  maxBytes: number,
): Promise<Buffer | null> {
  for (let version = 1; ; version++)
    try {
      return await readOneVersion(repository, path, maxBytes);
    } catch (error) {
      const isGone = isBackupError(error, 'SOURCE_CHANGED') || isBackupError(error, 'FILE_MISSING');
      if (!isGone || version === MAX_VERSIONS) throw error;
    }
}

async function readOneVersion(
  repository: SourceRepository,
  path: string,
  maxBytes: number,
): Promise<Buffer | null> {
  const file = await openIfThere(repository, path);
  if (file === null) return null;
  try {
    const { sizeBytes } = await file.stamp();
    if (sizeBytes > maxBytes) {
      throw new BackupError(
        'FILE_TOO_LARGE',
        `Repository ${quoted(repository.id)}: ${quoted(path)} has ${sizeBytes} bytes; at most ${maxBytes} are expected.`,
        { details: { repositoryId: repository.id, path, sizeBytes, maxBytes } },
      );
    }
    const content = Buffer.alloc(sizeBytes);
    return content.subarray(0, await file.read(content, 0));
  } finally {
    await file.close();
  }
}

/** What is read whole is never written larger than it is read: it would be lost.
 *  @throws RECORD_TOO_LARGE */
export function assertReadable(path: string, bytes: Uint8Array, maxBytes: number): void {
  const { length: sizeBytes } = bytes;
  if (sizeBytes <= maxBytes) return;
  throw new BackupError(
    'RECORD_TOO_LARGE',
    `${quoted(path)} would have ${sizeBytes} bytes, and at most ${maxBytes} are read of it; nothing was written`,
    { details: { path, sizeBytes, maxBytes } },
  );
}

async function openIfThere(
  repository: SourceRepository,
  path: string,
): Promise<ReadableFile | null> {
  try {
    return await repository.openRead(path);
  } catch (error) {
    if (isBackupError(error, 'FILE_MISSING')) return null;
    throw error;
  }
}
