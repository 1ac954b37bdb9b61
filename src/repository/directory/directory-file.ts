import type { BigIntStats } from 'node:fs';
import type { FileStamp } from '../../domain/file-stamp.js';
import type { FileTraits } from '../../domain/sources/source-workload.js';
import type { WritableFile } from '../backup-repository.js';
import type { OpenFile } from '../file-calls.js';
import { storageError } from '../storage-error.js';

/** One call moves less than 2 GiB on Linux (read(2), NOTES) and in Node. */
const MAX_TRANSFER_BYTES = 1024 ** 3;

/** O_DIRECT asks for the sector size of the disk, 4 KiB at most in the field (open(2), NOTES). */
const PAGE_BYTES = 4096;

/** An open file of a directory repository. Everything goes through its descriptor: a later rename or exchange of its name does not matter. */
export class DirectoryFile implements WritableFile {
  readonly path: string;
  readonly #repositoryId: string;
  readonly #handle: OpenFile;
  readonly #isPastCache: boolean;
  #failedSync: Error | null = null;
  /** The last one that was begun, at its end. */
  #lastSync: Promise<unknown> = Promise.resolve();

  /** @param isPastCache it is read in whole pages, past the page cache (O_DIRECT) */
  constructor(repositoryId: string, path: string, handle: OpenFile, isPastCache = false) {
    this.#repositoryId = repositoryId;
    this.path = path;
    this.#handle = handle;
    this.#isPastCache = isPastCache;
  }

  async read(target: Uint8Array, offset: number): Promise<number> {
    let done = 0;
    while (done < target.length) {
      const length = Math.min(target.length - done, MAX_TRANSFER_BYTES);
      const { bytesRead } = await this.#step('read', 'read', () =>
        this.#handle.read(target, done, length, offset + done),
      );
      if (bytesRead === 0) break;
      done += bytesRead;
      // The end of the file, behind which no call could begin on a page.
      if (this.#isPastCache && bytesRead % PAGE_BYTES !== 0) break;
    }
    return done;
  }

  async write(source: Uint8Array, offset: number): Promise<void> {
    let done = 0;
    while (done < source.length) {
      const length = Math.min(source.length - done, MAX_TRANSFER_BYTES);
      const { bytesWritten } = await this.#step('write', 'write', () =>
        this.#handle.write(source, done, length, offset + done),
      );
      done += bytesWritten;
    }
  }

  async truncate(sizeBytes: number): Promise<void> {
    await this.#step('write', 'change the size of', () => this.#handle.truncate(sizeBytes));
  }

  /** fdatasync, which leaves out only the times: the size and the places of the data are flushed with it (POSIX, synchronized I/O data
   *  integrity completion; fdatasync(2)). Once it failed the kernel may have dropped the data and would call the next one a success,
   *  so every later call on this file fails too; and one at a time, because of two at once the kernel tells one alone. */
  sync(): Promise<void> {
    const sync = this.#lastSync.then(() => this.#sync());
    this.#lastSync = sync.catch(() => undefined);
    return sync;
  }

  async #sync(): Promise<void> {
    if (this.#failedSync !== null) throw this.#failedSync;
    try {
      await this.#step('write', 'make durable', () => this.#handle.datasync());
    } catch (error) {
      if (error instanceof Error) this.#failedSync = error;
      throw error;
    }
  }

  async stamp(): Promise<FileStamp> {
    return fileStamp(
      await this.#step('read', 'look at', () => this.#handle.stat({ bigint: true })),
    );
  }

  /** Times and permissions, durable when it returns, where the caller does not see to that later. Bits that give a program the rights of its owner are never given. */
  async setTraits({ modifiedAtNs, mode }: FileTraits, isSyncedLater = false): Promise<void> {
    await this.#step('write', 'set time and permissions of', async () => {
      if (modifiedAtNs !== undefined) {
        const seconds = Number(modifiedAtNs) / 1e9;
        await this.#handle.utimes(seconds, seconds);
      }
      if (mode !== undefined) await this.#handle.chmod(mode & 0o777);
      if (!isSyncedLater) await this.#handle.sync();
    });
  }

  async close(): Promise<void> {
    await this.#step('write', 'close', () => this.#handle.close());
  }

  async #step<T>(intent: 'read' | 'write', verb: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw storageError(error, {
        repositoryId: this.#repositoryId,
        intent,
        verb,
        path: this.path,
      });
    }
  }
}

export function fileStamp(stats: BigIntStats): FileStamp {
  return {
    sizeBytes: Number(stats.size),
    modifiedAtNs: String(stats.mtimeNs),
    changedAtNs: String(stats.ctimeNs),
    inode: String(stats.ino),
  };
}

/** Permission bits. */
export function modeOf({ mode }: BigIntStats): number {
  return Number(mode & 0o7777n);
}
