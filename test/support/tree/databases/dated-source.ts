import type { FileStamp } from '../../../../src/domain/file-stamp.js';
import type {
  ReadableFile,
  RepositoryEntry,
} from '../../../../src/repository/backup-repository.js';
import { SimulatedRepository } from '../../repository/simulated-repository.js';

export type Files = ReadonlyMap<string, Buffer>;

/** A source whose files were written when their tools wrote them, with all that it holds by path. */
export class DatedSource extends SimulatedRepository {
  readonly #writtenMs = new Map<string, number>();
  readonly #files = new Map<string, Buffer>();
  /** By how much the clock of the storage is ahead. */
  aheadMs = 0;

  get files(): Files {
    return this.#files;
  }

  /** @param writtenMs true time */
  async write(path: string, bytes: Buffer, writtenMs: number): Promise<void> {
    await this.put(path, bytes);
    this.#writtenMs.set(path, writtenMs + this.aheadMs);
    this.#files.set(path, bytes);
  }

  /** As `mv` does: the file keeps its time. */
  async call(from: string, to: string): Promise<void> {
    await this.rename(from, to);
    this.#writtenMs.set(to, this.#writtenMs.get(from)!);
    this.#files.set(to, this.#files.get(from)!);
    this.#forget(from);
  }

  async drop(path: string): Promise<void> {
    await this.remove(path);
    this.#forget(path);
  }

  #forget(path: string): void {
    this.#writtenMs.delete(path);
    this.#files.delete(path);
  }

  override async list(folder: string): Promise<RepositoryEntry[]> {
    return (await super.list(folder)).map((entry) => this.#dated(entry));
  }

  override async stat(path: string): Promise<RepositoryEntry | null> {
    const entry = await super.stat(path);
    return entry === null ? null : this.#dated(entry);
  }

  override async openRead(path: string): Promise<ReadableFile> {
    const file = await super.openRead(path);
    const { stamp } = file;
    file.stamp = async () => this.#datedStamp(path, await stamp.call(file));
    return file;
  }

  #dated(entry: RepositoryEntry): RepositoryEntry {
    return { ...entry, stamp: this.#datedStamp(entry.path, entry.stamp) };
  }

  #datedStamp(path: string, stamp: FileStamp): FileStamp {
    const ms = this.#writtenMs.get(path);
    return ms === undefined ? stamp : { ...stamp, modifiedAtNs: `${Math.round(ms)}000000` };
  }
}
