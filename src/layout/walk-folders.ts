import { isFilePassedOver, isFolderPassedOver } from '../domain/passed-over.js';
import type { UnseenPart } from '../domain/unseen-part.js';
import type { BackupRepository, RepositoryEntry } from '../repository/backup-repository.js';
import { OWN_FOLDER } from '../repository/repository-path.js';

export interface FolderFiles {
  /** Path of the folder; `''` is the root. */
  readonly folder: string;
  /** Plain files only, sorted by name: links and special files are never part of a backup, nor is what `passed-over.ts` lists. */
  readonly files: readonly RepositoryEntry[];
  /** Folders and disk images whose names cannot be part of a path, and targets of Longhaul. */
  readonly unseen: readonly UnseenPart[];
}

/** Other files may have any name. */
const IMAGE = /\.(?:qcow2|raw)$/i;

/** Longhaul's own chain lies in a folder with this record or its copy: such a folder is a target, never a source of a backup tool. */
const CHAIN_RECORD = /^chain\.json(\.copy)?$/;

/** A folder with the folders in it that may hold backups, sorted by name. */
interface ReadFolder extends FolderFiles {
  readonly within: readonly RepositoryEntry[];
  /** Longhaul keeps something of its own there, as in the root of a target. */
  readonly hasOwnFolder: boolean;
}

/** All folders of a repository that may hold backups, one at a time, sorted by path within each folder. A target of Longhaul that lies in
 *  one is not looked into, and is named: it comes as a folder without files.
 *  @throws what the repository throws when a folder cannot be read */
export async function* walkFolders(repository: BackupRepository): AsyncGenerator<FolderFiles> {
  const waiting = [''];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const found = await readFolder(repository, folder);
    if (found === null) {
      const path = targetOfChain(folder);
      if (path !== null) yield emptyFolder(folder, path);
      continue;
    }
    if (folder !== '' && found.hasOwnFolder && (await isTarget(repository, folder))) {
      yield emptyFolder(folder, folder);
      continue;
    }
    waiting.push(...found.within.map(({ path }) => path).reverse());
    yield found;
  }
}

/** A target, wherever it is mounted, has this file; the root is the repository itself, which may be one. */
async function isTarget(repository: BackupRepository, folder: string): Promise<boolean> {
  const marker = await repository.stat(`${folder}/${OWN_FOLDER}/repository.json`);
  return marker?.type === 'file';
}

/** The target that a chain lies in: two folders up, `.` when that is not below the root. null: it lies where those of this repository lie. */
function targetOfChain(folder: string): string | null {
  const segments = folder === '' ? [] : folder.split('/');
  if (segments.length === 2) return null;
  return segments.length < 2 ? '.' : segments.slice(0, -2).join('/');
}

function emptyFolder(folder: string, target: string): FolderFiles {
  return { folder, files: [], unseen: [{ path: target, code: 'SOURCE_HOLDS_TARGET' }] };
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
  const unseen = entries
    .filter(({ unaddressable: type, name }) => type === 'folder' || (type && IMAGE.test(name)))
    .map(({ path }) => ({ path, code: 'NAME_UNSUPPORTED' }) as const);
  const hasOwnFolder = entries.some(({ type, name }) => type === 'folder' && name === OWN_FOLDER);
  return { folder, files, within, unseen, hasOwnFolder };
}

function byName(a: RepositoryEntry, b: RepositoryEntry): number {
  return a.name < b.name ? -1 : 1;
}
