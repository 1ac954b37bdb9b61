import type {
  ReadableFile,
  RepositoryEntry,
  SourceRepository,
} from '../../../src/repository/backup-repository.js';

/** What is asked of a repository from now on. */
export class CallCounter {
  readonly listed: string[] = [];
  readonly opened: string[] = [];
  stats = 0;
  reads = 0;
  readBytes = 0;

  /** @param only of paths that match; absent: of all */
  constructor(
    repository: SourceRepository,
    private readonly only: RegExp = /^/,
  ) {
    const { list, stat, openRead } = repository;
    repository.list = async (folder): Promise<RepositoryEntry[]> => {
      this.listed.push(folder);
      return list.call(repository, folder);
    };
    repository.stat = async (path) => {
      if (this.only.test(path)) this.stats += 1;
      return stat.call(repository, path);
    };
    repository.openRead = async (path) => {
      const file = await openRead.call(repository, path);
      if (!this.only.test(path)) return file;
      this.opened.push(path);
      return this.counted(file);
    };
  }

  /** Counts from zero again. */
  reset(): void {
    this.listed.length = 0;
    this.opened.length = 0;
    this.stats = 0;
    this.reads = 0;
    this.readBytes = 0;
  }

  private counted(file: ReadableFile): ReadableFile {
    return {
      path: file.path,
      read: async (target, offset) => {
        this.reads += 1;
        const count = await file.read(target, offset);
        this.readBytes += count;
        return count;
      },
      stamp: () => file.stamp(),
      close: () => file.close(),
    };
  }
}
