import type { FormatId } from '../domain/restore-point.js';
import { fileByteSource } from '../image/byte-source.js';
import { imageFormat } from '../image/formats.js';
import type { ImageHead } from '../image/disk-image.js';
import type { BackupRepository, RepositoryEntry } from '../repository/backup-repository.js';
import type { FolderFacts } from './file-facts.js';
import { faultOfError, type Finding } from './point-fault.js';

/** What a layout must know of an image file, read by its format: a small part of it, whatever its size. */
export function readImageHead(
  facts: FolderFacts,
  entry: RepositoryEntry,
  format: FormatId,
): Promise<Finding<ImageHead>> {
  const read = () => readHead(facts.repository, entry.path, format);
  return facts.fact(entry, `head of ${format}`, read);
}

async function readHead(
  repository: BackupRepository,
  path: string,
  format: FormatId,
): Promise<Finding<ImageHead>> {
  try {
    const file = await repository.openRead(path);
    try {
      const value = await imageFormat(format, path).readHead(await fileByteSource(file));
      return { value };
    } finally {
      await file.close();
    }
  } catch (error) {
    return faultOfError(error);
  }
}
