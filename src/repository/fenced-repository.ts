import type { BackupRepository, WritableFile } from './backup-repository.js';
import { folderVerbs } from './folder-verbs.js';

/** The repository, with `assertMayWrite` called right before everything that changes it: who has lost the right to write finds out there,
 *  with no more between the question and the write than the call itself. Reading, and making durable what was written, stay free. */
export function fencedRepository(
  repository: BackupRepository,
  assertMayWrite: () => void,
): BackupRepository {
  const keepsTraits: Pick<BackupRepository, 'setFileTraits'> | undefined =
    repository.setFileTraits && {
      async setFileTraits(path, traits) {
        assertMayWrite();
        await repository.setFileTraits?.(path, traits);
      },
    };
  return {
    ...folderVerbs,
    ...keepsTraits,
    id: repository.id,
    capabilities: repository.capabilities,
    limits: repository.limits,
    list: (folder) => repository.list(folder),
    entries: (folder, after) => repository.entries(folder, after),
    stat: (path) => repository.stat(path),
    openRead: (path) => repository.openRead(path),
    openReadPastCache: (path) => repository.openReadPastCache(path),
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
    async unlink(path) {
      assertMayWrite();
      await repository.unlink(path);
    },
    async removeFolder(folder) {
      assertMayWrite();
      await repository.removeFolder(folder);
    },
    syncFolder: (folder) => repository.syncFolder(folder),
    syncAll: () => repository.syncAll(),
    capacity: () => repository.capacity(),
  };
}

function fencedFile(file: WritableFile, assertMayWrite: () => void): WritableFile {
  return {
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
