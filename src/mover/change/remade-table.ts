import { isUnreadable } from '../../domain/errors.js';
import type { Digest, DigestAlgorithm } from '../../domain/targets/digest.js';
import type { FileUnits } from '../../domain/targets/file-units.js';
import type { BackupRepository, ReadableFile } from '../../repository/backup-repository.js';
import { writeDigestTable } from '../blocks/write-digest-table.js';
import { newToken } from '../staging/copy-plan.js';
import type { MoverContext } from '../task/mover-context.js';
import { withOpenFiles } from '../task/open-files.js';

/** Writes the digest table of a backup file anew, from the file alone: what had gone bad in it gets the digest of what it is now. So it proves nothing unless
 *  its own digest is one that was known before.
 *  @param paths relative to the repository
 *  @returns SHA-256 of the table; null: not all of the file can be read, and what was written is no table of it */
export async function remakeTable(
  context: MoverContext,
  repository: BackupRepository,
  paths: { readonly image: string; readonly table: string },
  { units, algorithm }: { readonly units: FileUnits; readonly algorithm: DigestAlgorithm },
): Promise<Digest | null> {
  return withOpenFiles(async (files) => {
    const image = files.add(await repository.openRead(paths.image));
    const table = files.add(await repository.openWork(paths.table, newToken()));
    let isRead = true;
    const read: ReadableFile['read'] = (target, offset) =>
      image.read(target, offset).catch((error: unknown) => {
        if (!isUnreadable(error)) throw error;
        isRead = false;
        return 0;
      });
    const made = await writeDigestTable(context.control, {
      image: { path: image.path, read, stamp: () => image.stamp(), close: () => image.close() },
      ...{ units, algorithm, table },
      ...{ slotDigests: null, tables: null },
    });
    return isRead ? made : null;
  });
}
