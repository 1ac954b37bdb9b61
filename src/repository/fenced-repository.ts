import type {
  BackupRepository,
  FolderRepository,
  SourceRepository,
  WritableFile,
} from './backup-repository.js';
import { folderVerbs } from './folder-verbs.js';

/** The repository, with `assertMayWrite` called right before everything that changes it: who has lost the right to write finds out there,
 *  with no more between the question and the write than the call itself. Reading, and making durable what was written, stay free. */
export function fencedRepository(
  repository: FolderRepository,
  assertMayWrite: () => void,
): FolderRepository;
export function fencedRepository(
  repository: BackupRepository,
  assertMayWrite: () => void,
): BackupRepository;
export function fencedRepository(
  repository: BackupRepository,
  assertMayWrite: () => void,
): BackupRepository {
  return isFolderRepository(repository)
    ? fencedFolders(repository, assertMayWrite)
    : fencedVerbs(repository, assertMayWrite);
}

/** Of a file system each single call is asked about, in the middle of a verb too. */
function isFolderRepository(repository: BackupRepository): repository is FolderRepository {
  return 'openWrite' in repository;
}

function fencedVerbs(repository: BackupRepository, assertMayWrite: () => void): BackupRepository {
  const ask = async <T>(verb: () => Promise<T>): Promise<T> => {
    assertMayWrite();
    return verb();
  };
  const { openUpdate, link } = repository;
  return {
    ...readingOf(repository),
    put: (path, bytes, options) => ask(() => repository.put(path, bytes, options)),
    putNew: (path, bytes) => ask(() => repository.putNew(path, bytes)),
    putAll: (files, desk, place) => ask(() => repository.putAll(files, desk, place)),
    makePlace: (...folders) => ask(() => repository.makePlace(...folders)),
    async openWork(path, token, open) {
      const file = await ask(() => repository.openWork(path, token, open));
      return { ...fencedFile(file, assertMayWrite), flush: () => ask(() => file.flush()) };
    },
    publish: (files, place) => ask(() => repository.publish(files, place)),
    remove: (...paths) => ask(() => repository.remove(...paths)),
    removeAll: (folder) => ask(() => repository.removeAll(folder)),
    move: (moves, place) => ask(() => repository.move(moves, place)),
    link: link && ((links, place) => ask(() => link.call(repository, links, place))),
    patch: (path, offset, bytes) => ask(() => repository.patch(path, offset, bytes)),
    settle: (paths) => repository.settle(paths),
    conditionalPut: repository.conditionalPut,
    openUpdate:
      openUpdate &&
      (async (path) =>
        fencedFile(await ask(() => openUpdate.call(repository, path)), assertMayWrite)),
  };
}

/** What reads of it, as an object of plain functions. */
export function readingOf(repository: SourceRepository): SourceRepository {
  return {
    id: repository.id,
    capabilities: repository.capabilities,
    limits: repository.limits,
    list: (folder) => repository.list(folder),
    entries: (folder, after) => repository.entries(folder, after),
    stat: (path) => repository.stat(path),
    openRead: (path) => repository.openRead(path),
    openReadPastCache: (path) => repository.openReadPastCache(path),
    capacity: () => repository.capacity(),
  };
}

function fencedFolders(repository: FolderRepository, assertMayWrite: () => void): FolderRepository {
  const keepsTraits: Pick<FolderRepository, 'setFileTraits'> | undefined =
    repository.setFileTraits && {
      async setFileTraits(path, traits, isSyncedLater) {
        assertMayWrite();
        await repository.setFileTraits?.(path, traits, isSyncedLater);
      },
    };
  return {
    ...folderVerbs,
    ...keepsTraits,
    ...readingOf(repository),
    openUpdate: repository.openUpdate && folderVerbs.openUpdate,
    async openWrite(path, create) {
      assertMayWrite();
      return fencedFile(await repository.openWrite(path, create), assertMayWrite);
    },
    async makeFolder(folder) {
      assertMayWrite();
      await repository.makeFolder(folder);
    },
    async rename(from, to) {
      assertMayWrite();
      await repository.rename(from, to);
    },
    async linkFile(from, to) {
      assertMayWrite();
      await repository.linkFile(from, to);
    },
    async unlink(path) {
      assertMayWrite();
      await repository.unlink(path);
    },
    async removeFolder(folder) {
      assertMayWrite();
      await repository.removeFolder(folder);
    },
    syncFolder: (folder) => repository.syncFolder(folder),
    openSyncAll: () => repository.openSyncAll(),
  };
}

function fencedFile(file: WritableFile, assertMayWrite: () => void): WritableFile {
  const keepsTraits: Pick<WritableFile, 'setTraits'> | undefined = file.setTraits && {
    async setTraits(traits, isSyncedLater) {
      assertMayWrite();
      await file.setTraits?.(traits, isSyncedLater);
    },
  };
  return {
    ...keepsTraits,
    path: file.path,
    read: (target, offset) => file.read(target, offset),
    stamp: () => file.stamp(),
    close: () => file.close(),
    sync: () => file.sync(),
    async write(source, offset) {
      assertMayWrite();
      await file.write(source, offset);
    },
    async truncate(sizeBytes) {
      assertMayWrite();
      await file.truncate(sizeBytes);
    },
  };
}
