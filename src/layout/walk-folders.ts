import { isFilePassedOver, isFolderPassedOver } from '../domain/passed-over.js';
import type { BackupRepository, RepositoryEntry } from '../repository/backup-repository.js';

export interface FolderFiles {
  /** Path of the folder; `''` is the root. */
  readonly folder: string;
  /** Plain files only, sorted by name: links and special files are never part of a backup, nor is what `passed-over.ts` lists. */
  readonly files: readonly RepositoryEntry[];
  /** Paths, as they are shown, of folders and disk images whose names cannot be part of a path: whatever lies there is not seen. */
  readonly unaddressable: readonly string[];
}

/** Other files may have any name. */
const IMAGE = /\.(?:qcow2|raw)$/i;

/** Longhaul's own chain lies in a folder with this record or its copy: such a folder is a target, never a source of a backup tool. */
const CHAIN_RECORD = /^chain\.json(\.copy)?$/;

/** A folder with the folders in it that may hold backups, sorted by name. */
interface ReadFolder extends FolderFiles {
  readonly within: readonly RepositoryEntry[];
}

/** All folders of a repository that may hold backups, one at a time, sorted by path within each folder.
 *  @throws what the repository throws when a folder cannot be read */
export async function* walkFolders(repository: BackupRepository): AsyncGenerator<FolderFiles> {
  const waiting = [''];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const found = await readFolder(repository, folder);
    if (found === null) continue;
    waiting.push(...found.within.map(({ path }) => path).reverse());
    yield found;
  }
}

/** These folders alone, in their order, without those within them. One that is absent has no files.
 *  @throws what the repository throws when a folder cannot be read */
export async function* readFolders(
  repository: BackupRepository,
  folders: readonly string[],
): AsyncGenerator<FolderFiles> {
  for (const folder of folders) {
    const found = await readFolder(repository, folder);
    if (found !== null) yield found;
  }
}

/** null: a chain of Longhaul lies there. */
async function readFolder(
  repository: BackupRepository,
  folder: string,
): Promise<ReadFolder | null> {
  const entries = (await repository.list(folder)).sort(byName);
  const isChain = entries.some(({ type, name }) => type === 'file' && CHAIN_RECORD.test(name));
  if (isChain) return null;
  const files = entries.filter(({ type, name }) => type === 'file' && !isFilePassedOver(name));
  const within = entries.filter(({ type, name }) => type === 'folder' && !isFolderPassedOver(name));
  const unaddressable = entries
    .filter(({ unaddressable: type, name }) => type === 'folder' || (type && IMAGE.test(name)))
    .map(({ path }) => path);
  return { folder, files, within, unaddressable };
}

function byName(a: RepositoryEntry, b: RepositoryEntry): number {
  return a.name < b.name ? -1 : 1;
}
