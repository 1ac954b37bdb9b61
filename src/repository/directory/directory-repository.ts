import { constants } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { BackupError, isBackupError } from '../../domain/errors.js';
import type { FileTraits } from '../../domain/sources/source-workload.js';
import type { FolderSync } from '../../domain/targets/storage-probe.js';
import type {
  RepositoryCapabilities,
  FolderRepository,
  ReadableFile,
  RepositoryCapacity,
  RepositoryEntry,
  StorageLimits,
  SyncAll,
  WritableFile,
} from '../backup-repository.js';
import { DirectoryFile } from './directory-file.js';
import { fileCallsOfThisThread } from '../calls-of-thread.js';
import type { FileCalls } from '../file-calls.js';
import { FolderVerbs } from '../folder-verbs.js';
import { openSyncOfFileSystem } from './sync-file-system.js';
import { isPlain, isSyncedAsAWhole } from './file-systems.js';
import { entriesNow } from './entries-now.js';
import { entryOf, factsOf, listedName, pathIn, typeOf, type ListedName } from './listed-entry.js';
import { withLinksOut } from './links-out.js';
import { inEntryOrder } from './name-order.js';
import { KeptFolders } from './kept-folders.js';
import { RepositoryRoot, type FolderAccess, type OpenFolder } from './open-folder.js';
import { entryOrder, folderSegments, pathSegments, quoted } from '../repository-path.js';
import { storageError } from '../storage-error.js';

/** Backups hold the data of whole machines: the owner's group may read them, others may not. The umask can only take away. */
const FILE_MODE = 0o640;
const FOLDER_MODE = 0o750;

/** O_NONBLOCK: a named pipe must not hold the caller until someone writes to it; a file does not care. */
const OPEN_FILE = constants.O_NOFOLLOW | constants.O_NONBLOCK;

const CREATE_FLAGS = {
  new: constants.O_CREAT | constants.O_EXCL,
  'open-or-new': constants.O_CREAT,
  existing: 0,
} as const;

/** Entries looked at side by side; on a share each one is a round trip. */
const LISTING_BATCH = 32;
/** Where they are looked at one after the other, and all are wanted (`entriesNow`). */
const LISTING_BATCH_NOW = 1_024;

const LIMITS: StorageLimits = { maxFileBytes: Number.MAX_SAFE_INTEGER };

interface DirectoryOptions {
  readonly id: string;
  readonly rootPath: string;
  readonly readOnly: boolean;
  /** Default `required`. */
  readonly folderSync?: FolderSync | undefined;
  /** Default true. */
  readonly stampsProve?: boolean;
  /** Default false. */
  readonly isOpaque?: boolean | undefined;
  /** `RepositoryCapabilities.isDated`. */
  readonly isDated?: boolean | undefined;
}

/** A repository in a folder, as every call finds it. */
export interface OpenedFolder extends FolderRepository {
  /** The same repository for one piece of work: its folder is looked for once, and folders that were opened stay open until it is closed
   *  (`KeptFolders`). */
  keepingFolders(): KeepingFolder;
}

export interface KeepingFolder extends FolderRepository {
  close(): Promise<void>;
}

/** Opens a folder of this machine (a disk or a mounted share) as a repository. Every thread opens its own.
 *
 *  The folder that is found at this moment is the repository: when later another one is at `rootPath`, every call throws
 *  REPOSITORY_UNREACHABLE until the repository is opened again.
 *  @param options.rootPath absolute
 *  @throws REPOSITORY_UNREACHABLE when the folder does not exist */
export async function openDirectoryRepository(options: DirectoryOptions): Promise<OpenedFolder> {
  const { id, rootPath } = options;
  const calls = fileCallsOfThisThread(id, rootPath);
  const root = await RepositoryRoot.open(calls, id, rootPath);
  const place = await realpath(rootPath).catch(() => rootPath);
  const keepingFolders = (): KeepingFolder => {
    const folders = new KeptFolders(root);
    const close = () => folders.close();
    return Object.assign(new DirectoryRepository(calls, folders, options, place), { close });
  };
  return Object.assign(new DirectoryRepository(calls, root, options, place), { keepingFolders });
}

class DirectoryRepository extends FolderVerbs implements FolderRepository {
  readonly capabilities: RepositoryCapabilities;
  readonly limits: StorageLimits = LIMITS;
  readonly id: string;
  readonly #calls: FileCalls;
  readonly #folders: FolderAccess;
  readonly #readOnly: boolean;
  readonly #folderSync: FolderSync;

  constructor(calls: FileCalls, folders: FolderAccess, options: DirectoryOptions, place: string) {
    super();
    this.id = options.id;
    this.#calls = calls;
    this.#folders = folders;
    this.#readOnly = options.readOnly;
    this.#folderSync = options.folderSync ?? 'required';
    const stampsProve = options.stampsProve ?? true;
    this.capabilities = {
      ...{ stampsProve, place },
      ...(options.isOpaque === true ? { isOpaque: true } : {}),
      ...(options.isDated === true ? { isDated: true } : {}),
    };
  }

  /** Links, devices and names that cannot be part of a path (a backslash, not UTF-8) are listed as `other`. */
  async list(folder: string): Promise<RepositoryEntry[]> {
    const segments = folderSegments(folder);
    const entries = this.#reading('list', folder, () =>
      this.#folders.within(segments, async (open) => {
        const names = await this.#calls.listNames(open.at('.'));
        const found: RepositoryEntry[] = [];
        // In the order of their bytes first, which hardly differs: the last sort has little left to do.
        const size = this.#calls.lstatNow === null ? LISTING_BATCH : LISTING_BATCH_NOW;
        for (const batch of batchesOf([...names].sort(), size))
          found.push(...(await this.#look(open, folder, batch)));
        const inOrder = found.sort(entryOrder);
        return withLinksOut(this.#calls, open, this.capabilities.place, inOrder);
      }),
    );
    return (await unlessMissing(entries)) ?? [];
  }

  async *entries(folder: string, after?: string): AsyncGenerator<RepositoryEntry> {
    const segments = folderSegments(folder);
    const within = async <T>(action: (open: OpenFolder) => Promise<T>): Promise<T | null> =>
      unlessMissing(this.#reading('list', folder, () => this.#folders.within(segments, action)));
    const names = (await within((open) => this.#calls.listNames(open.at('.')))) ?? [];
    const inOrder = await inEntryOrder(names, after, async (unclear) => {
      const folders = new Set<string>();
      for (const batch of batchesOf(unclear)) {
        const looked = await within((open) => this.#entries(open, folder, batch));
        for (const [index, entry] of (looked ?? []).entries())
          if (entry?.type === 'folder') folders.add(batch[index]!);
      }
      return folders;
    });
    for (const batch of batchesOf(inOrder))
      yield* (await within((open) => this.#look(open, folder, batch))) ?? [];
  }

  /** Without those that went away since they were listed. */
  async #look(
    open: OpenFolder,
    folder: string,
    names: readonly string[],
  ): Promise<RepositoryEntry[]> {
    const looked = await this.#entries(open, folder, names);
    return looked.filter((entry) => entry !== null);
  }

  /** null: it went away since it was listed. */
  async #entries(
    open: OpenFolder,
    folder: string,
    names: readonly string[],
  ): Promise<(RepositoryEntry | null)[]> {
    const { lstatNow } = this.#calls;
    const asked = names.map((name) => listedName(name));
    return lstatNow === null
      ? Promise.all(asked.map((name) => this.#entry(open, folder, name)))
      : entriesNow(lstatNow, open, folder, asked);
  }

  async stat(path: string): Promise<RepositoryEntry | null> {
    const { parent, name } = split(path);
    const entry = this.#reading('look at', path, () =>
      this.#folders.within(parent, async (open) => {
        const stats = await this.#calls.lstat(open.at(name));
        return stats && { name, path, type: typeOf(stats), ...factsOf(stats) };
      }),
    );
    return unlessMissing(entry);
  }

  async openRead(path: string): Promise<ReadableFile> {
    return this.#reading('open', path, () => this.#open(path, constants.O_RDONLY));
  }

  async openReadPastCache(path: string): Promise<ReadableFile> {
    return this.#reading('read past the page cache', path, () =>
      this.#open(path, constants.O_RDONLY | constants.O_DIRECT),
    );
  }

  async openWrite(path: string, create: 'new' | 'open-or-new' | 'existing'): Promise<WritableFile> {
    return this.#writing(create === 'existing' ? 'open' : 'create', path, () =>
      this.#open(path, constants.O_RDWR | CREATE_FLAGS[create]),
    );
  }

  async makeFolder(folder: string): Promise<void> {
    const segments = folderSegments(folder);
    await this.#writing('make the folder', folder, async () => {
      await this.#makeFolder(segments);
      // What exists under the last name may be a file or a link.
      await this.#folders.within(segments, async () => undefined);
    });
  }

  /** Those above it are made when they turn out to be absent: as a rule they are there. */
  async #makeFolder(segments: readonly string[]): Promise<void> {
    const [parent, name] = [segments.slice(0, -1), segments.at(-1)];
    if (name === undefined) return;
    const make = () =>
      this.#folders.within(parent, (open) => this.#calls.makeFolder(open.at(name), FOLDER_MODE));
    try {
      await make();
    } catch (error) {
      if (parent.length === 0 || !isBackupError(error, 'FILE_MISSING')) throw error;
      await this.#makeFolder(parent);
      await make();
    }
  }

  async rename(from: string, to: string): Promise<void> {
    const source = split(from);
    const target = split(to);
    await this.#writing('rename', from, async () => {
      if (to.startsWith(`${from}/`)) throw this.#forbidden(from, 'cannot move into itself');
      await this.#folders.within(source.parent, async (sourceFolder) => {
        await this.#refuseOther(from, sourceFolder.at(source.name));
        await this.#folders.within(target.parent, (targetFolder) =>
          this.#calls.rename(sourceFolder.at(source.name), targetFolder.at(target.name)),
        );
      });
      await this.#folders.forget(from);
      await this.#folders.forget(to);
    });
  }

  async linkFile(from: string, to: string): Promise<void> {
    const source = split(from);
    const target = split(to);
    await this.#writing('give another name to', from, () =>
      this.#folders.within(source.parent, async (sourceFolder) => {
        await this.#refuseOther(from, sourceFolder.at(source.name));
        await this.#folders.within(target.parent, (targetFolder) =>
          this.#calls.link(sourceFolder.at(source.name), targetFolder.at(target.name)),
        );
      }),
    );
  }

  async unlink(path: string): Promise<void> {
    const { parent, name } = split(path);
    await this.#writing('remove', path, () =>
      this.#folders.within(parent, (open) => this.#calls.remove(open.at(name))),
    );
  }

  async removeFolder(folder: string): Promise<void> {
    const { parent, name } = split(folder);
    await this.#writing('remove the folder', folder, () =>
      this.#folders.within(parent, (open) => this.#calls.removeFolder(open.at(name))),
    );
    await this.#folders.forget(folder);
  }

  async syncFolder(folder: string): Promise<void> {
    const segments = folderSegments(folder);
    try {
      await this.#writing('make durable the names in', folder, () =>
        this.#folders.within(segments, (open) => open.handle.sync()),
      );
    } catch (error) {
      if (this.#folderSync === 'required' || !isBackupError(error, 'REPOSITORY_UNSUITED'))
        throw error;
    }
  }

  /** Only where the file system is known to flush its disk then, too. */
  async openSyncAll(): Promise<SyncAll | null> {
    return this.#writing('make durable', '', () =>
      this.#folders.within([], async (open) => {
        const { type } = await this.#calls.fileSystem(open.at('.'));
        return isSyncedAsAWhole(type) ? openSyncOfFileSystem(this.#calls, open.at('.')) : null;
      }),
    );
  }

  async setFileTraits(path: string, traits: FileTraits, isSyncedLater = false): Promise<void> {
    // Reading is enough for it, and what an earlier attempt made unwritable can still be read.
    const file = await this.#writing('open', path, () => this.#open(path, constants.O_RDONLY));
    try {
      await file.setTraits(traits, isSyncedLater);
    } finally {
      await file.close();
    }
  }

  async capacity(): Promise<RepositoryCapacity> {
    const { blocks, bavail, bsize, type } = await this.#reading('measure', '', () =>
      this.#folders.within([], (open) => this.#calls.fileSystem(open.at('.'))),
    );
    return {
      totalBytes: Number(blocks * bsize),
      freeBytes: Number(bavail * bsize),
      ...(isPlain(type) ? { isPlain: true } : {}),
    };
  }

  async #open(path: string, flags: number): Promise<DirectoryFile> {
    const { parent, name } = split(path);
    const handle = await this.#folders.within(parent, async (open) => {
      // What is made anew is nothing that was there.
      if ((flags & constants.O_EXCL) === 0) await this.#refuseOther(path, open.at(name));
      return this.#calls.open(open.at(name), OPEN_FILE | flags, FILE_MODE);
    });
    try {
      const stats = await handle.stat({ bigint: true });
      if (!stats.isFile()) throw this.#forbidden(path, 'is not a file');
      await this.#folders.confirm(pathSegments(path), stats);
      return new DirectoryFile(this.id, path, handle, (flags & constants.O_DIRECT) !== 0);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Looks before it opens, because opening a device can already do something. */
  async #refuseOther(path: string, openable: string): Promise<void> {
    const found = await this.#calls.lstat(openable);
    if (found !== null && typeOf(found) === 'other')
      throw this.#forbidden(path, 'is a symbolic link or a device');
  }

  /** null when the name went away since it was listed. */
  async #entry(
    open: OpenFolder,
    folder: string,
    listed: ListedName,
  ): Promise<RepositoryEntry | null> {
    const found = await this.#calls.lstat(pathIn(listed, open));
    return found && entryOf(folder, listed, found);
  }

  async #reading<T>(verb: string, path: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw storageError(error, { repositoryId: this.id, intent: 'read', verb, path });
    }
  }

  async #writing<T>(verb: string, path: string, action: () => Promise<T>): Promise<T> {
    if (this.#readOnly) {
      throw new BackupError(
        'REPOSITORY_READ_ONLY',
        `Repository ${quoted(this.id)} is opened for reading only: refused to ${verb} ${quoted(path)}.`,
        { details: { repositoryId: this.id, path } },
      );
    }
    try {
      return await action();
    } catch (error) {
      throw storageError(error, { repositoryId: this.id, intent: 'write', verb, path });
    }
  }

  #forbidden(path: string, words: string): BackupError {
    return new BackupError(
      'PATH_FORBIDDEN',
      `Repository ${quoted(this.id)}: ${quoted(path)} ${words}.`,
      { details: { repositoryId: this.id, path } },
    );
  }
}

function* batchesOf(names: readonly string[], size = LISTING_BATCH): Generator<readonly string[]> {
  for (let start = 0; start < names.length; start += size) yield names.slice(start, start + size);
}

function split(path: string): { parent: string[]; name: string } {
  const segments = pathSegments(path);
  return { parent: segments.slice(0, -1), name: segments[segments.length - 1] ?? '' };
}

/** FILE_MISSING is only thrown when the storage itself said so. */
async function unlessMissing<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (isBackupError(error, 'FILE_MISSING')) return null;
    throw error;
  }
}
