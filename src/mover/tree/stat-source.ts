import { faultOfSourceFile } from '../../domain/trees/one-file-fault.js';
import type { RepositoryEntry, SourceRepository } from '../../repository/backup-repository.js';

/** What the source has there, or what becomes of a file that it cannot be asked for. */
export async function statSource(
  source: SourceRepository,
  path: string,
): Promise<RepositoryEntry | 'gone' | 'unreadable' | 'denied'> {
  try {
    return (await source.stat(path)) ?? 'gone';
  } catch (error) {
    const outcome = faultOfSourceFile(error);
    if (outcome === null) throw error;
    return outcome;
  }
}
