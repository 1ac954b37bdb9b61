import type { BackupRepository } from '../../repository/backup-repository.js';

/** Of a source with more of them a look tells the first ones. */
const MOST_FOLDERS = 10_000;

/** The repository, with the folders that are listed noted: whatever a look finds, it finds in one of them. */
export function notingFolders(
  repository: BackupRepository,
  folders: Set<string>,
): BackupRepository {
  const note = (folder: string): void => {
    if (folders.size < MOST_FOLDERS) folders.add(folder);
  };
  return {
    ...repository,
    list(folder) {
      note(folder);
      return repository.list(folder);
    },
    entries(folder, after) {
      note(folder);
      return repository.entries(folder, after);
    },
  };
}
