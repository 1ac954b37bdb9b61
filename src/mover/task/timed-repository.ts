import type {
  BackupRepository,
  ReadableFile,
  WritableFile,
} from '../../repository/backup-repository.js';
import type { TaskControl } from './task-control.js';

/** The repository, with the time that reading and writing file content in it takes added to the task. Lists and names are not counted, nor syncs: those go
 *  on beside the work, and what of them is waited for the window loop counts.
 *  @param repository an object of plain functions, as `fencedRepository` gives it */
export function timedRepository(
  repository: BackupRepository,
  control: TaskControl,
  part: 'sourceNs' | 'targetNs',
): BackupRepository {
  const timed = <T>(work: () => Promise<T>): Promise<T> => control.timed(part, work);
  const reader = (file: ReadableFile): ReadableFile => ({
    path: file.path,
    stamp: () => file.stamp(),
    close: () => file.close(),
    read: (target, offset) => timed(() => file.read(target, offset)),
  });
  const writer = (file: WritableFile): WritableFile => ({
    ...reader(file),
    ...(file.setTraits && {
      setTraits: (traits, isSyncedLater) => file.setTraits!(traits, isSyncedLater),
    }),
    truncate: (sizeBytes) => file.truncate(sizeBytes),
    sync: () => file.sync(),
    write: (source, offset) => timed(() => file.write(source, offset)),
  });
  const { openUpdate } = repository;
  return {
    ...repository,
    openRead: async (path) => reader(await repository.openRead(path)),
    openReadPastCache: async (path) => reader(await repository.openReadPastCache(path)),
    openUpdate: openUpdate && (async (path) => writer(await openUpdate.call(repository, path))),
    async openWork(path, token, open) {
      const file = await repository.openWork(path, token, open);
      return { ...writer(file), flush: () => file.flush() };
    },
    put: (path, bytes, options) => timed(() => repository.put(path, bytes, options)),
    putAll: (files, desk, place) => timed(() => repository.putAll(files, desk, place)),
    patch: (path, offset, bytes) => timed(() => repository.patch(path, offset, bytes)),
  };
}
