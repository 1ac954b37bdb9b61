import type { SourceRepository } from './backup-repository.js';

/** Whether there is any file in a folder or below. Empty folders are left by readers and by file systems; nothing of them is worth keeping. */
export async function holdsFiles(repository: SourceRepository, folder: string): Promise<boolean> {
  const entries = await repository.list(folder);
  if (entries.some(({ type }) => type !== 'folder')) return true;
  for (const { path } of entries) if (await holdsFiles(repository, path)) return true;
  return false;
}
