import type {
  BackupRepository,
  ReadableFile,
  SourceRepository,
  WritableFile,
} from './backup-repository.js';
import { readingOf, verbsOf } from './plain-functions.js';

/** Does `call`, which reads or writes file content: pieces of these sizes, in bytes. */
export type AroundContent = <T>(
  way: 'read' | 'write',
  sizes: readonly number[],
  call: () => Promise<T>,
) => Promise<T>;

/** The repository, with `around` about what reads file content. */
export function aroundReading(
  repository: SourceRepository,
  around: AroundContent,
): SourceRepository {
  const opened = async (opening: Promise<ReadableFile>) => readerAround(await opening, around);
  return {
    ...readingOf(repository),
    openRead: (path) => opened(repository.openRead(path)),
    openReadPastCache: (path) => opened(repository.openReadPastCache(path)),
  };
}

function readerAround(file: ReadableFile, around: AroundContent): ReadableFile {
  return {
    path: file.path,
    stamp: () => file.stamp(),
    close: () => file.close(),
    read: (target, offset) => around('read', [target.byteLength], () => file.read(target, offset)),
  };
}

/** The repository, with `around` about everything that reads or writes file content. Lists and names are left as they are, and so are syncs. */
export function aroundContent(
  repository: BackupRepository,
  around: AroundContent,
): BackupRepository {
  const writer = (file: WritableFile): WritableFile => ({
    ...readerAround(file, around),
    truncate: (sizeBytes) => file.truncate(sizeBytes),
    sync: () => file.sync(),
    write: (source, offset) =>
      around('write', [source.byteLength], () => file.write(source, offset)),
  });
  const { openUpdate } = repository;
  return {
    ...verbsOf(repository),
    ...aroundReading(repository, around),
    fenced: (assertMayWrite) => aroundContent(repository.fenced(assertMayWrite), around),
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
