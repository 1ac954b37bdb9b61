import { BackupError, isBackupError } from '../domain/errors.js';
import type { BackupRepository, ReadableFile } from './backup-repository.js';
import { folderSegments, parentFolder, quoted } from './repository-path.js';

/** Replaces a small file so that after a crash or power cut at any moment the old content or the new one is there, whole; when it
 *  returns, the new one is durable. Safe to run again. The folder must exist and its own name be durable (`makeFolderDurable`).
 *
 *  The unfinished file has a fixed name, so that crashes leave at most one behind. Two writers of one path at once are
 *  not allowed then: the lock on the chain keeps them apart.
 *  @param unfinished a name for this writer alone, where nothing keeps them apart
 *  @throws what the repository throws; the old content is untouched then */
export async function replaceFile(
  repository: BackupRepository,
  path: string,
  bytes: Uint8Array,
  unfinished = `${path}.partial`,
): Promise<void> {
  const file = await repository.openWrite(unfinished, 'open-or-new');
  try {
    await file.truncate(0);
    await file.write(bytes, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await repository.rename(unfinished, path);
  await repository.syncFolder(parentFolder(path));
}

/** Makes durable what is in a file, whoever wrote it. Its name is durable when its folder is.
 *  @throws FILE_MISSING */
export async function makeFileDurable(repository: BackupRepository, path: string): Promise<void> {
  const file = await repository.openWrite(path, 'existing');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Whole content of a small file; null: certainly absent.
 *  @throws FILE_TOO_LARGE when it has more than `maxBytes` */
export async function readWholeFile(
  repository: BackupRepository,
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

/** Makes a folder with its parents, and makes all their names durable. Safe to run again: a folder that is
 *  there already may still await its first sync. */
export async function makeFolderDurable(
  repository: BackupRepository,
  folder: string,
): Promise<void> {
  await repository.makeFolder(folder);
  const segments = folderSegments(folder);
  for (let depth = 0; depth < segments.length; depth += 1) {
    await repository.syncFolder(segments.slice(0, depth).join('/'));
  }
}

async function openIfThere(
  repository: BackupRepository,
  path: string,
): Promise<ReadableFile | null> {
  try {
    return await repository.openRead(path);
  } catch (error) {
    if (isBackupError(error, 'FILE_MISSING')) return null;
    throw error;
  }
}
