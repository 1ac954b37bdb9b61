/** What of Longhaul's own lies in a repository that is looked into for backups of others. */

import { createdAtOfPointFolder } from '../../domain/targets/path-segment.js';
import type { RepositoryEntry, SourceRepository } from '../../repository/backup-repository.js';
import { joinPath, OWN_FOLDER } from '../../repository/repository-path.js';

/** A target, wherever it is mounted, has this file; the root is the repository itself, which may be one. */
export async function isTarget(repository: SourceRepository, folder: string): Promise<boolean> {
  const marker = await repository.stat(joinPath(folder, `${OWN_FOLDER}/repository.json`));
  return marker?.type === 'file';
}

/** The target that a chain lies in: two folders up, `.` when that is not below the root. null: it lies where those of this repository lie. */
export function targetOfChain(folder: string): string | null {
  const segments = folder === '' ? [] : folder.split('/');
  if (segments.length === 2) return null;
  return segments.length < 2 ? '.' : segments.slice(0, -2).join('/');
}

/** Whether it holds a restore point of a chain of Longhaul, in the very place of one. The walk gets there only where both records of the chain are gone, and
 *  whoever looks for chains names it. */
export async function isPointOfLostChain(
  repository: SourceRepository,
  folder: string,
  files: readonly RepositoryEntry[],
): Promise<boolean> {
  const segments = folder.split('/');
  if (segments.length !== 3 || createdAtOfPointFolder(segments[2]!) === null) return false;
  return files.some(({ name }) => DIGEST_TABLE.test(name)) && (await isTarget(repository, ''));
}

const DIGEST_TABLE = /\.digests$/;
