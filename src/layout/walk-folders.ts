import type { BackupRepository, RepositoryEntry } from '../repository/backup-repository.js';

export interface FolderFiles {
  /** Path of the folder; `''` is the root. */
  readonly folder: string;
  /** Plain files only, sorted by name: links and special files are never part of a backup. */
  readonly files: readonly RepositoryEntry[];
}

/** Folders that cannot hold a source backup: hidden ones (storage snapshots, trash, staging) and what file systems keep for themselves. */
const PASSED_OVER = /^\.|^lost\+found$|^System Volume Information$/;

/** Longhaul's own chain lies in a folder with this record or its copy: such a folder is a target, never a source of a backup tool. */
const CHAIN_RECORD = /^chain\.json(\.copy)?$/;

/** All folders of a repository that may hold backups, one at a time, sorted by path within each folder.
 *  @throws what the repository throws when a folder cannot be read */
export async function* walkFolders(repository: BackupRepository): AsyncGenerator<FolderFiles> {
  const waiting = [''];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const entries = await repository.list(folder);
    const files = entries.filter(({ type }) => type === 'file').sort(byName);
    if (files.some(({ name }) => CHAIN_RECORD.test(name))) continue;
    const folders = entries.filter(
      ({ type, name }) => type === 'folder' && !PASSED_OVER.test(name),
    );
    waiting.push(
      ...folders
        .sort(byName)
        .reverse()
        .map(({ path }) => path),
    );
    yield { folder, files };
  }
}

function byName(a: RepositoryEntry, b: RepositoryEntry): number {
  return a.name < b.name ? -1 : 1;
}
