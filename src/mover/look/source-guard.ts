import { readMarker } from '../../repository/repository-marker.js';
import { BackupError, isBackupError, isStorageFault } from '../../domain/errors.js';
import type { SourceRepository } from '../../repository/backup-repository.js';

/** Whoever opens repositories. */
interface Repositories {
  source(id: string): Promise<SourceRepository>;
}

/** Refuses a source that is a configured target under another path (a bind mount, a second mount, a copy of the mount): a periodic job would
 *  copy its own copies, more in each session. A target that is named as a source by its own id is a copy of a copy, and fine. A target
 *  that is away cannot be compared.
 *  @throws SOURCE_IS_TARGET */
export async function assertIsNoTarget(
  repositories: Repositories,
  targetIds: readonly string[],
  repositoryId: string,
): Promise<void> {
  const marker = await knownMarker(repositories, repositoryId);
  if (marker === null) return;
  for (const targetId of targetIds) {
    if (targetId === repositoryId || (await knownMarker(repositories, targetId)) !== marker)
      continue;
    throw new BackupError(
      'SOURCE_IS_TARGET',
      `source ${repositoryId} is the target ${targetId} under another path, or a copy of it: both have the marker ${marker}`,
      { details: { repositoryId, targetId, marker } },
    );
  }
}

/** null: none, or it cannot be read. */
export async function knownMarker(
  repositories: Repositories,
  repositoryId: string,
): Promise<string | null> {
  try {
    return (await readMarker(await repositories.source(repositoryId)))?.id ?? null;
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    if (isStorageFault(error) || isBackupError(error, 'METADATA_CORRUPT')) return null;
    throw error;
  }
}
