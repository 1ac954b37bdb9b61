import { faultOfTargetFile } from '../../domain/trees/one-file-fault.js';
import type { RepositoryEntry, SourceRepository } from '../../repository/backup-repository.js';

/** The file that lies under a name of the copy; null: none, or something else lies there or on the way to it. */
export async function statTarget(
  target: SourceRepository,
  path: string,
): Promise<RepositoryEntry | null> {
  try {
    const entry = await target.stat(path);
    return entry?.type === 'file' ? entry : null;
  } catch (error) {
    if (faultOfTargetFile(error) === null) throw error;
    return null;
  }
}
