import type { BackupRepository, SourceRepository, StorageVerbs } from './backup-repository.js';

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

/** None is left out, also of those that not every storage has. */
type AllVerbs = { readonly [V in keyof Required<StorageVerbs>]: StorageVerbs[V] };

/** Its verbs, as an object of plain functions. */
export function verbsOf(repository: BackupRepository): AllVerbs {
  const { openUpdate, link } = repository;
  return {
    conditionalPut: repository.conditionalPut,
    put: (path, bytes, options) => repository.put(path, bytes, options),
    putNew: (path, bytes) => repository.putNew(path, bytes),
    putAll: (files, desk, place) => repository.putAll(files, desk, place),
    makePlace: (...folders) => repository.makePlace(...folders),
    openWork: (path, token, open) => repository.openWork(path, token, open),
    publish: (files, place) => repository.publish(files, place),
    remove: (...paths) => repository.remove(...paths),
    removeAll: (folder) => repository.removeAll(folder),
    move: (moves, place) => repository.move(moves, place),
    link: link && ((links, place) => link.call(repository, links, place)),
    patch: (path, offset, bytes) => repository.patch(path, offset, bytes),
    settle: (paths) => repository.settle(paths),
    setFileTraits:
      repository.setFileTraits &&
      ((path, traits, isSyncedLater) => repository.setFileTraits!(path, traits, isSyncedLater)),
    openUpdate: openUpdate && ((path) => openUpdate.call(repository, path)),
    fenced: (assertMayWrite) => repository.fenced(assertMayWrite),
  };
}
