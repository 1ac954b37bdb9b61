import { FileUnits, NO_SLOTS } from '../../../domain/targets/file-units.js';
import { BLOCK_BYTES } from '../../../domain/targets/digest.js';
import { isBackupError } from '../../../domain/errors.js';
import type { BackupRepository, SourceRepository } from '../../../repository/backup-repository.js';
import type { FileEntry } from '../../../tree/file-index.js';
import { hashFile } from '../../blocks/file-digest.js';
import { writeDigestTable } from '../../blocks/write-digest-table.js';
import type { TaskControl } from '../../task/task-control.js';
import { withOpenFiles } from '../../task/open-files.js';

export interface FilePlace {
  readonly repository: SourceRepository;
  readonly path: string;
}

/** Whether a file is there and has that SHA-256. */
export async function hasDigest(
  control: TaskControl,
  { repository, path }: FilePlace,
  digest: string,
): Promise<boolean> {
  try {
    return await withOpenFiles(async (files) => {
      const file = files.add(await repository.openRead(path));
      return (await hashFile(file, control)) === digest;
    });
  } catch (error) {
    if (isBackupError(error, 'FILE_MISSING')) return false;
    throw error;
  }
}

/** Makes the table of a large file anew from a file. What has the digest that the index knows proves the file, too: it is the one that was copied.
 *  @returns whether it is that table */
export async function remakeTable(
  control: TaskControl,
  { stamp, digest }: FileEntry,
  from: FilePlace,
  to: FilePlace & { readonly repository: BackupRepository; readonly token: string },
): Promise<boolean> {
  const { sizeBytes } = stamp;
  return withOpenFiles(async (files) => {
    const image = files.add(await from.repository.openRead(from.path));
    if ((await image.stamp()).sizeBytes !== sizeBytes) return false;
    const table = files.add(await to.repository.openWork(to.path, to.token));
    const slotCount = Math.floor(sizeBytes / BLOCK_BYTES);
    const made = await writeDigestTable(control, {
      ...{ image, table, tables: null, algorithm: 'sha256', slotDigests: null },
      units: new FileUnits({ ...NO_SLOTS, slotCount }, sizeBytes),
    });
    return made === digest;
  });
}
