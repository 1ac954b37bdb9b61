import type { FolderRepository, StorageVerbs, WritableFile } from './backup-repository.js';
import { readingOf } from './plain-functions.js';

type FolderVerbsAlone = Omit<StorageVerbs, 'setFileTraits' | 'fenced'> &
  Pick<FolderRepository, 'fenced'>;

/** The folder with `assertMayWrite` called right before each of its calls that changes anything, in the middle of a verb too. Reading, and making durable what
 *  was written, stay free.
 *  @param verbs what is built on its calls (`folderVerbs`) */
export function fencedFolder(
  repository: FolderRepository,
  verbs: FolderVerbsAlone,
  assertMayWrite: () => void,
): FolderRepository {
  const keepsTraits: Pick<FolderRepository, 'setFileTraits'> | undefined =
    repository.setFileTraits && {
      async setFileTraits(path, traits, isSyncedLater) {
        assertMayWrite();
        await repository.setFileTraits?.(path, traits, isSyncedLater);
      },
    };
  return {
    ...verbs,
    ...keepsTraits,
    ...readingOf(repository),
    openUpdate: repository.openUpdate && verbs.openUpdate,
    link: repository.link && verbs.link,
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
