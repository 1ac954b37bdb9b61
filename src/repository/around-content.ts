import type { BackupRepository, ReadableFile, WritableFile } from './backup-repository.js';

/** Does `call`, which reads or writes file content: pieces of these sizes, in bytes. */
type AroundContent = <T>(
  way: 'read' | 'write',
  sizes: readonly number[],
  call: () => Promise<T>,
) => Promise<T>;

/** The repository, with `around` about everything that reads or writes file content. Lists and names are left as they are, and so are syncs.
 *  @param repository an object of plain functions, as `fencedRepository` gives it */
export function aroundContent(
  repository: BackupRepository,
  around: AroundContent,
): BackupRepository {
  const reader = (file: ReadableFile): ReadableFile => ({
    path: file.path,
    stamp: () => file.stamp(),
    close: () => file.close(),
    read: (target, offset) => around('read', [target.byteLength], () => file.read(target, offset)),
  });
  const writer = (file: WritableFile): WritableFile => ({
    ...reader(file),
    truncate: (sizeBytes) => file.truncate(sizeBytes),
    sync: () => file.sync(),
    write: (source, offset) =>
      around('write', [source.byteLength], () => file.write(source, offset)),
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
    put: (path, bytes, options) =>
      around('write', [bytes.byteLength], () => repository.put(path, bytes, options)),
    putAll: (files, desk, place) =>
      around(
        'write',
        files.map(({ bytes }) => bytes.byteLength),
        () => repository.putAll(files, desk, place),
      ),
    patch: (path, offset, bytes) =>
      around('write', [bytes.byteLength], () => repository.patch(path, offset, bytes)),
  };
}
