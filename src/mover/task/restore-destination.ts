import { BackupError } from '../../domain/errors.js';
import { restoreStaging } from '../../domain/targets/staging-id.js';
import type { SourceRepository } from '../../repository/backup-repository.js';

export interface RestoreDestination {
  readonly pointId: string;
  readonly destinationPath: string;
  /** Whether the folder may hold other files; none of them is ever overwritten. */
  readonly intoExisting: boolean;
}

/** @throws RESTORE_DESTINATION_INVALID when the folder holds something else than a restore of the point that was stopped */
export async function assertRoom(
  target: SourceRepository,
  { pointId, destinationPath, intoExisting }: RestoreDestination,
): Promise<void> {
  const others = (await target.list(''))
    .map(({ name }) => name)
    .filter((name) => name !== restoreStaging(pointId))
    .sort();
  if (!intoExisting && others.length > 0)
    throw new BackupError(
      'RESTORE_DESTINATION_INVALID',
      `${destinationPath} is not empty: it holds ${JSON.stringify(others[0])}${others.length === 1 ? '' : ` and ${others.length - 1} more`}`,
      {
        details: { path: others[0] ?? '' },
        hint: 'Name an empty or new folder, or allow other files beside the restored ones (`--into-existing`); none is overwritten.',
      },
    );
}

export function nameTaken(destinationPath: string, name: string): BackupError {
  return new BackupError(
    'RESTORE_DESTINATION_INVALID',
    `${destinationPath} holds ${JSON.stringify(name)} already`,
    { details: { path: name } },
  );
}

/** What may be written there; null: it is not known to store bytes as they are. */
export async function roomOf(
  target: SourceRepository,
): Promise<{ readonly bytes: number; readonly freeBytes: number } | null> {
  const { totalBytes, freeBytes, isPlain = false } = await target.capacity();
  return isPlain ? { bytes: freeBytes + totalBytes * KEPT_FOR_ROOT, freeBytes } : null;
}

/** What ext4 keeps back for root, who may restore: 5 % (mke2fs(8), -m). */
const KEPT_FOR_ROOT = 0.05;

/** Before anything is written. The copies that it is made from are not what takes the room.
 *  @param what of which point: `the disks of …` */
export function lacksRoom(
  target: SourceRepository,
  what: string,
  { bytes, freeBytes }: { readonly bytes: number; readonly freeBytes: number },
): BackupError {
  return new BackupError(
    'REPOSITORY_FULL',
    `${what} take ${bytes} bytes at least, and ${freeBytes} are free: nothing was written`,
    {
      details: { repositoryId: target.id, path: '' },
      hint: 'Restore into a folder with more room, or make room in this one.',
    },
  );
}
