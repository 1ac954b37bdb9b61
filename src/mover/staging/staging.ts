import { STAGING_FOLDER } from '../../chain/chain-paths.js';
import { isBackupError } from '../../domain/errors.js';
import { isFullStagingId, isVerifyStagingId } from '../../domain/staging-id.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import { makeFolderDurable } from '../../repository/replace-file.js';
import { stagedPath } from './copy-plan.js';

/** An empty staging folder for a copy. */
export async function makeStaging(repository: BackupRepository, staging: string): Promise<void> {
  await repository.makeFolder(stagedPath.workFolder(staging));
  // Their names lie in one folder: what makes the one durable does so for the other.
  await makeFolderDurable(repository, stagedPath.pointFolder(staging));
}

/** Empties a staging folder so that a stop at any place leaves nothing that could be taken for a plan: what others depend on goes first. */
export async function discardStaging(repository: BackupRepository, staging: string): Promise<void> {
  if ((await repository.stat(staging)) === null) return;
  for (const path of [
    stagedPath.composed(staging),
    stagedPath.plan(staging),
    stagedPath.scan(staging),
  ])
    await removeIfPresent(repository, path);
  await repository.syncFolder(staging);
  await removeTree(repository, staging);
}

/** Removes the staging folders of a chain in which nothing is under way: what was planned and then given up, because its source went away or
 *  a newer point was taken. Those of a verification stay, and so do fulls that are to replace the files of
 *  a point: a task that goes on in a new run takes them up, and they go with their point. Only the owner of the chain may call it.
 *  @returns their names */
export async function discardAbandonedStaging(
  repository: BackupRepository,
  chain: string,
): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await repository.list(`${chain}/${STAGING_FOLDER}`)) {
    const stays = isVerifyStagingId(entry.name) || isFullStagingId(entry.name);
    if (entry.type !== 'folder' || stays) continue;
    await discardStaging(repository, entry.path);
    names.push(entry.name);
  }
  return names;
}

/** Removes a folder and what is in it. A symbolic link in it is refused by the repository, not followed. */
export async function removeTree(repository: BackupRepository, folder: string): Promise<void> {
  for (const entry of await repository.list(folder)) {
    if (entry.type === 'folder') await removeTree(repository, entry.path);
    else await removeIfPresent(repository, entry.path);
  }
  if ((await repository.stat(folder)) !== null) await repository.removeFolder(folder);
}

export async function removeIfPresent(repository: BackupRepository, path: string): Promise<void> {
  try {
    await repository.remove(path);
  } catch (error) {
    if (!isBackupError(error, 'FILE_MISSING')) throw error;
  }
}
