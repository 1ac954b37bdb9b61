import { constants, type BigIntStats } from 'node:fs';
import { BackupError } from '../../domain/errors.js';
import type { FileCalls, OpenFile } from '../file-calls.js';
import { quoted } from '../repository-path.js';
import { errnoOf, faultOfErrno } from '../storage-error.js';

const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY;

/** Where Linux shows the open files of this process. A name below an open folder there is looked up in that very folder, whatever
 *  has become of its path: what `openat` does, which Node does not offer. */
const OPEN_FILES_OF_PROCESS = '/proc/self/fd';

/** Where names are reached. */
export interface NamePlace {
  /** Path of a name in it, for one call of `FileCalls`. */
  at(name: string): string;
}

/** A folder of the repository, held open while something is done in it. */
export class OpenFolder implements NamePlace {
  readonly handle: OpenFile;
  /** Path that led to it when it was opened, and may lead elsewhere by now. */
  readonly openedAt: string;
  readonly #path: string;
  #identity: Promise<string> | null = null;

  /** @param path under which names in the folder are reached */
  constructor(handle: OpenFile, path: string, openedAt: string) {
    this.handle = handle;
    this.openedAt = openedAt;
    this.#path = path;
  }

  /** As `identityOf`. */
  identity(): Promise<string> {
    this.#identity ??= this.handle.stat({ bigint: true }).then(identityOf, (error: unknown) => {
      this.#identity = null;
      throw error;
    });
    return this.#identity;
  }

  /** Path of a name in this folder, for one call of `FileCalls`. */
  at(name: string): string {
    return `${this.#path}/${name}`;
  }
}

/** The way to the folders of a directory repository. Segments are those of a path; none: the root. */
export interface FolderAccess {
  /** Runs `action` in a folder.
   *  @throws FILE_MISSING when the folder is certainly absent: the root was there and was still the one that was opened first
   *  @throws PATH_FORBIDDEN when a part of the way is a symbolic link or a file
   *  @throws REPOSITORY_UNREACHABLE when the root is not there or another one is (share unmounted, other disk mounted) */
  within<T>(segments: readonly string[], action: (folder: OpenFolder) => Promise<T>): Promise<T>;
  /** After a file was opened: that it is the one its path names and that no link was followed.
   *  @throws PATH_FORBIDDEN */
  confirm(segments: readonly string[], opened: BigIntStats): Promise<void>;
  /** The folder with this path, and what is below it, was moved or removed. */
  forget(path: string): Promise<void>;
}

/** The root folder of a directory repository, and the only way from it to any other folder.
 *
 *  The root may be reached through symbolic links, for it comes from the configuration. Below it none is followed: every folder is
 *  opened in the open folder above it with O_NOFOLLOW. Where `/proc` is absent names are reached by path; a folder exchanged for a link
 *  between two calls is then noticed only for files that are opened, by `confirm`. */
export class RepositoryRoot implements FolderAccess {
  readonly repositoryId: string;
  readonly #calls: FileCalls;
  readonly #rootPath: string;
  readonly #openFiles: string | null;
  readonly #identity: string;

  private constructor(
    calls: FileCalls,
    place: { readonly repositoryId: string; readonly rootPath: string },
    openFiles: string | null,
    identity: string,
  ) {
    this.#calls = calls;
    this.repositoryId = place.repositoryId;
    this.#rootPath = place.rootPath;
    this.#openFiles = openFiles;
    this.#identity = identity;
  }

  /** @param openFiles folder that shows the open files of this process; need not exist
   *  @throws REPOSITORY_UNREACHABLE when there is no such folder */
  static async open(
    calls: FileCalls,
    repositoryId: string,
    rootPath: string,
    openFiles: string = OPEN_FILES_OF_PROCESS,
  ): Promise<RepositoryRoot> {
    const handle = await openRoot(calls, repositoryId, rootPath);
    try {
      const identity = identityOf(await handle.stat({ bigint: true }));
      const isShown = await calls.lstat(`${openFiles}/${handle.fd}`).then(
        (shown) => shown !== null,
        () => false,
      );
      return new RepositoryRoot(
        calls,
        { repositoryId, rootPath },
        isShown ? openFiles : null,
        identity,
      );
    } finally {
      await handle.close();
    }
  }

  /** Goes the whole way and closes the folder afterwards. */
  async within<T>(
    segments: readonly string[],
    action: (folder: OpenFolder) => Promise<T>,
  ): Promise<T> {
    let folder = await this.openRoot();
    try {
      for (let depth = 1; depth <= segments.length; depth += 1) {
        const child = await this.openIn(folder, segments.slice(0, depth));
        const parent = folder;
        folder = child;
        await parent.handle.close();
      }
      return await action(folder);
    } finally {
      await folder.handle.close();
    }
  }

  /** Whether a name is looked up in the very folder that is held open, and not by its path. */
  get reachesThroughHandles(): boolean {
    return this.#openFiles !== null;
  }

  /** The caller closes it.
   *  @throws REPOSITORY_UNREACHABLE */
  async openRoot(): Promise<OpenFolder> {
    const handle = await openRoot(this.#calls, this.repositoryId, this.#rootPath);
    try {
      await this.#checkRoot(handle);
      return this.#folder(handle, []);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** The folder that `way` leads to, in the open folder above it. The caller closes it.
   *  @throws FILE_MISSING, PATH_FORBIDDEN */
  async openIn(parent: OpenFolder, way: readonly string[]): Promise<OpenFolder> {
    return this.#folder(await this.#descend(parent, way), way);
  }

  /** Nothing is kept. */
  forget(): Promise<void> {
    return Promise.resolve();
  }

  /** Nothing to do where folders are held open. */
  async confirm(segments: readonly string[], opened: BigIntStats): Promise<void> {
    if (this.#openFiles !== null) return;
    const named = await this.within(segments.slice(0, -1), (folder) =>
      this.#calls.lstat(folder.at(segments[segments.length - 1] ?? '')),
    );
    const path = segments.join('/');
    if (named === null) throw this.#missing(path, 'file');
    if (identityOf(named) !== identityOf(opened))
      throw this.#forbidden(path, 'was exchanged while it was opened');
  }

  #folder(handle: OpenFile, segments: readonly string[]): OpenFolder {
    const path = [this.#rootPath, ...segments].join('/');
    const shownAt = this.#openFiles === null ? path : `${this.#openFiles}/${handle.fd}`;
    return new OpenFolder(handle, shownAt, path);
  }

  async #checkRoot(handle: OpenFile): Promise<void> {
    if (identityOf(await handle.stat({ bigint: true })) === this.#identity) return;
    throw new BackupError(
      'REPOSITORY_UNREACHABLE',
      `Repository ${quoted(this.repositoryId)}: the folder ${quoted(this.#rootPath)} is not the one that was opened: the share was unmounted, or another one is mounted there.`,
      { details: { repositoryId: this.repositoryId, rootPath: this.#rootPath } },
    );
  }

  async #descend(folder: OpenFolder, way: readonly string[]): Promise<OpenFile> {
    const path = way.join('/');
    try {
      return await this.#calls.open(
        folder.at(way[way.length - 1] ?? ''),
        OPEN_FOLDER | constants.O_NOFOLLOW,
      );
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ENOTDIR' || errno === 'ELOOP')
        throw this.#forbidden(path, 'is a symbolic link or a file, not a folder');
      if (errno !== 'ENOENT') throw error;
      throw this.#missing(path, 'folder', error);
    }
  }

  #missing(path: string, what: 'file' | 'folder', cause?: unknown): BackupError {
    return new BackupError(
      'FILE_MISSING',
      `Repository ${quoted(this.repositoryId)}: there is no ${what} ${quoted(path)}.`,
      { details: { repositoryId: this.repositoryId, path }, cause },
    );
  }

  #forbidden(path: string, words: string): BackupError {
    return new BackupError(
      'PATH_FORBIDDEN',
      `Repository ${quoted(this.repositoryId)}: ${quoted(path)} ${words}.`,
      { details: { repositoryId: this.repositoryId, path } },
    );
  }
}

async function openRoot(
  calls: FileCalls,
  repositoryId: string,
  rootPath: string,
): Promise<OpenFile> {
  try {
    return await calls.open(rootPath, OPEN_FOLDER);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === null) throw error;
    const { code, words } = faultOfErrno(errno, 'read');
    throw new BackupError(
      // A mount point that is not there, or not yet.
      code === 'FILE_MISSING' ? 'REPOSITORY_UNREACHABLE' : code,
      `Repository ${quoted(repositoryId)}: the folder ${quoted(rootPath)} cannot be opened: ${words} (${errno}).`,
      { details: { repositoryId, rootPath, errno }, cause: error },
    );
  }
}

/** What tells a file or folder from every other that is there at the same time. */
export function identityOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}`;
}
