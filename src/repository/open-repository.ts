import { BackupError, isBackupError } from '../domain/errors.js';
import type { BackupRepository } from './backup-repository.js';
import { openDirectoryRepository } from './directory/directory-repository.js';
import { kindOf } from './kinds.js';
import type { KeepingRepository, OpenedRepository, StorageSettings } from './repository-kind.js';

/** What it takes to open a repository: plain data, so that every thread can open its own. */
export interface RepositoryLocation {
  readonly id: string;
  readonly storage: StorageSettings;
  readonly isReadOnly: boolean;
  /** `RepositoryCapabilities.isOpaque`. */
  readonly isOpaque?: boolean;
}

/** A folder that is not a configured repository, as the destination of a restore: `folder:` and its absolute path. */
export function folderRepositoryId(absolutePath: string): string {
  return `${FOLDER_ID}${absolutePath}`;
}

const FOLDER_ID = 'folder:';

/** Opens repositories by id and keeps them. When the folder of a known one was exchanged (a share that went away and came back), it is
 *  opened anew, but an empty folder is not taken for a source: that is what a mount point without its share looks like. What a target was is
 *  told by its marker, which is not this layer's.
 *  @throws REPOSITORY_MISSING, REPOSITORY_UNREACHABLE, REPOSITORY_NOT_MOUNTED */
export class RepositoryOpener {
  readonly #locations: readonly RepositoryLocation[];
  readonly #opened = new Map<string, OpenedRepository>();

  constructor(locations: readonly RepositoryLocation[]) {
    this.#locations = locations;
  }

  open(id: string): Promise<BackupRepository> {
    const nothingToClose = () => Promise.resolve();
    return this.#find(id, (repository) => repository, nothingToClose);
  }

  /** For one piece of work. */
  visit(id: string): Promise<KeepingRepository> {
    return this.#find(
      id,
      (repository) => repository.keepingFolders(),
      (visited) => visited.close(),
    );
  }

  async #find<T extends BackupRepository>(
    id: string,
    as: (repository: OpenedRepository) => T,
    close: (found: T) => Promise<void>,
  ): Promise<T> {
    if (id.startsWith(FOLDER_ID)) {
      const rootPath = id.slice(FOLDER_ID.length);
      // Disks are restored to whatever the operator names; when their names reach the disk there is his storage's business.
      return as(
        await openDirectoryRepository({
          ...{ id, rootPath },
          ...{ readOnly: false, folderSync: 'unavailable' },
        }),
      );
    }
    const known = this.#opened.get(id);
    if (known !== undefined) {
      const found = as(known);
      let isThere = false;
      try {
        isThere = await isStillThere(found);
        if (isThere) return found;
      } finally {
        // Its root may be open already, and would keep a share that is away from being unmounted.
        if (!isThere) await close(found);
      }
    }
    const location = this.#locations.find((entry) => entry.id === id);
    if (location === undefined)
      throw new BackupError('REPOSITORY_MISSING', `no repository "${id}" is configured`, {
        details: { repositoryId: id },
      });
    const { storage, isReadOnly, isOpaque = false } = location;
    const kind = kindOf(storage);
    const repository = await kind.open(id, storage, { isReadOnly, isOpaque });
    if (known !== undefined && isReadOnly && (await repository.list('')).length === 0)
      throw new BackupError(
        'REPOSITORY_NOT_MOUNTED',
        `repository "${id}" is empty all at once: is ${kind.place(storage)} still mounted?`,
        { details: { repositoryId: id } },
      );
    this.#opened.set(id, repository);
    return as(repository);
  }
}

async function isStillThere(repository: BackupRepository): Promise<boolean> {
  try {
    await repository.stat(PROBE_NAME);
    return true;
  } catch (error) {
    if (isBackupError(error, 'REPOSITORY_UNREACHABLE')) return false;
    throw error;
  }
}

/** Need not exist: the adapter checks its root before it answers "absent". */
const PROBE_NAME = '.longhaul-probe';
