import { BackupError, isBackupError } from '../domain/errors.js';
import type { BackupRepository, SourceRepository } from './backup-repository.js';
import { openDirectoryRepository } from './directory/directory-repository.js';
import { kindOf } from './kinds.js';
import type { OpenedSource, OpenedTarget, StorageSettings } from './repository-kind.js';
import { quoted } from './repository-path.js';

/** What it takes to open a repository: plain data, so that every thread can open its own. */
export interface RepositoryLocation {
  readonly id: string;
  readonly storage: StorageSettings;
  readonly isReadOnly: boolean;
  /** `RepositoryCapabilities.isOpaque`. */
  readonly isOpaque?: boolean;
  /** `RepositoryCapabilities.isDated`. */
  readonly isDated?: boolean;
}

/** A repository, as whoever asks for it has it. */
export interface RepositoryAccess {
  readonly source: SourceRepository;
  /** The very same where it may be written to; null: it is only read. */
  readonly target: BackupRepository | null;
}

/** The same for one piece of work. */
export interface VisitedRepository extends RepositoryAccess {
  close(): Promise<void>;
}

/** For whoever writes. @throws REPOSITORY_READ_ONLY when it is only read */
export function asTarget({ source, target }: RepositoryAccess): BackupRepository {
  if (target !== null) return target;
  throw new BackupError(
    'REPOSITORY_READ_ONLY',
    `Repository ${quoted(source.id)} is only read: nothing is written there.`,
    { details: { repositoryId: source.id } },
  );
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
  readonly #opened = new Map<string, Opened>();

  constructor(locations: readonly RepositoryLocation[]) {
    this.#locations = locations;
  }

  open(id: string): Promise<RepositoryAccess> {
    const nothingToClose = () => Promise.resolve();
    return this.#find(id, (opened) => opened, nothingToClose);
  }

  /** For one piece of work. */
  visit(id: string): Promise<VisitedRepository> {
    return this.#find(id, visited, (found) => found.close());
  }

  async #find<T extends RepositoryAccess>(
    id: string,
    as: (opened: Opened) => T,
    close: (found: T) => Promise<void>,
  ): Promise<T> {
    if (id.startsWith(FOLDER_ID)) {
      const rootPath = id.slice(FOLDER_ID.length);
      // Disks are restored to whatever the operator names; when their names reach the disk there is his storage's business.
      const target = await openDirectoryRepository({
        ...{ id, rootPath },
        ...{ readOnly: false, folderSync: 'unavailable' },
      });
      return as({ source: target, target });
    }
    const known = this.#opened.get(id);
    if (known !== undefined) {
      const found = as(known);
      let isThere = false;
      try {
        isThere = await isStillThere(found.source);
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
    const { storage, isReadOnly, isOpaque = false, isDated = false } = location;
    const kind = kindOf(storage);
    const target = isReadOnly ? null : await kind.openTarget(id, storage, { isOpaque, isDated });
    const source = target ?? (await kind.openSource(id, storage, { isOpaque, isDated }));
    if (known !== undefined && isReadOnly && (await source.list('')).length === 0)
      throw new BackupError(
        'REPOSITORY_NOT_MOUNTED',
        `repository "${id}" is empty all at once: is ${kind.place(storage)} still mounted?`,
        { details: { repositoryId: id } },
      );
    const opened = { source, target };
    this.#opened.set(id, opened);
    return as(opened);
  }
}

interface Opened extends RepositoryAccess {
  readonly source: OpenedSource;
  readonly target: OpenedTarget | null;
}

function visited({ source, target }: Opened): VisitedRepository {
  const writable = target?.keepingFolders() ?? null;
  const kept = writable ?? source.keepingFolders();
  return { source: kept, target: writable, close: () => kept.close() };
}

async function isStillThere(repository: SourceRepository): Promise<boolean> {
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
