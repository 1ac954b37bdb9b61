import type { Rate } from '../domain/rate-limits.js';
import type { BackupRepository, ReadableFile, WritableFile } from './backup-repository.js';
import { RateMeter, type MeterClock } from './rate-meter.js';

/** The meters of one process, as they go to its threads. */
export type SharedMeters = Readonly<Record<string, SharedPair>>;

interface SharedPair {
  readonly read: SharedArrayBuffer;
  readonly write: SharedArrayBuffer;
}

type Pass = () => Promise<void>;

interface Pair {
  readonly read: RateMeter;
  readonly write: RateMeter;
}

/** Of all repositories together; no repository has an id like it. */
export const SERVICE = '*';

/** Reading and writing in each repository, and in all together. */
export class RateMeters {
  private readonly pairs: ReadonlyMap<string, Pair>;

  private constructor(pairs: Iterable<readonly [string, Pair]>) {
    this.pairs = new Map(pairs);
  }

  static of(repositoryIds: readonly string[], clock?: MeterClock): RateMeters {
    const meter = () => new RateMeter(undefined, clock);
    return new RateMeters(
      [SERVICE, ...repositoryIds].map((id) => [id, { read: meter(), write: meter() }]),
    );
  }

  /** The same ones in another thread. */
  static from(shared: SharedMeters): RateMeters {
    return new RateMeters(
      Object.entries(shared).map(([id, { read, write }]) => [
        id,
        { read: new RateMeter(read), write: new RateMeter(write) },
      ]),
    );
  }

  get shared(): SharedMeters {
    const shared = [...this.pairs].map(([id, { read, write }]) => [
      id,
      { read: read.shared, write: write.shared },
    ]);
    return Object.fromEntries(shared) as SharedMeters;
  }

  /** @param id of a repository, or `SERVICE` */
  set(id: string, { readBytesPerSecond, writeBytesPerSecond }: Rate): void {
    this.pairs.get(id)?.read.set(readBytesPerSecond);
    this.pairs.get(id)?.write.set(writeBytesPerSecond);
  }

  /** The repository, in which reads and writes of file content wait for their turn. Lists and names do not.
   *  @param repository an object of plain functions, as `fencedRepository` gives it
   *  @param look as of `RateMeter.pass`
   *  @param wait called around what may have to wait */
  metered(
    repository: BackupRepository,
    look: () => void,
    { wait = (passes) => passes() }: { readonly wait?: (passes: Pass) => Promise<void> } = {},
  ): BackupRepository {
    const pairs = [SERVICE, repository.id].flatMap((id) => this.pairs.get(id) ?? []);
    const pass = async (way: keyof Pair, bytes: number): Promise<void> => {
      for (const pair of pairs)
        if (pair[way].isLimited) await wait(() => pair[way].pass(bytes, look));
    };
    const reader = (file: ReadableFile): ReadableFile => ({
      path: file.path,
      stamp: () => file.stamp(),
      close: () => file.close(),
      async read(target, offset) {
        await pass('read', target.byteLength);
        return file.read(target, offset);
      },
    });
    const writer = (file: WritableFile): WritableFile => ({
      ...reader(file),
      truncate: (sizeBytes) => file.truncate(sizeBytes),
      sync: () => file.sync(),
      async write(source, offset) {
        await pass('write', source.byteLength);
        await file.write(source, offset);
      },
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
      async put(path, bytes, options) {
        await pass('write', bytes.byteLength);
        await repository.put(path, bytes, options);
      },
      async putAll(files, desk, place) {
        for (const { bytes } of files) await pass('write', bytes.byteLength);
        await repository.putAll(files, desk, place);
      },
      async patch(path, offset, bytes) {
        await pass('write', bytes.byteLength);
        await repository.patch(path, offset, bytes);
      },
    };
  }
}
