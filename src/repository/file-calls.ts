import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { isMainThread } from 'node:worker_threads';

const fdatasync = promisify(fs.fdatasync);

/** The calls of `node:fs` that the directory repository is built on. They reject with Node's errors. */
export interface FileCalls {
  open(path: string, flags: number, mode?: number): Promise<OpenFile>;
  lstat(path: string | Buffer): Promise<fs.BigIntStats>;
  /** Names as bytes, because a file system does not promise UTF-8. */
  listNames(path: string): Promise<Buffer[]>;
  makeFolder(path: string, mode: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  removeFolder(path: string): Promise<void>;
  fileSystem(path: string): Promise<fs.BigIntStatsFs>;
}

/** The part of Node's `FileHandle` that is used. */
export interface OpenFile {
  readonly fd: number;
  read(
    target: Uint8Array,
    targetOffset: number,
    lengthBytes: number,
    offset: number,
  ): Promise<{ bytesRead: number }>;
  write(
    source: Uint8Array,
    sourceOffset: number,
    lengthBytes: number,
    offset: number,
  ): Promise<{ bytesWritten: number }>;
  stat(options: { bigint: true }): Promise<fs.BigIntStats>;
  truncate(sizeBytes: number): Promise<void>;
  datasync(): Promise<void>;
  sync(): Promise<void>;
  chmod(mode: number): Promise<void>;
  /** Seconds since 1970. */
  utimes(accessed: number, modified: number): Promise<void>;
  close(): Promise<void>;
}

/** The main thread answers heartbeats and must not wait for a disk. A worker thread has nothing else to do, and there the
 *  synchronous calls are faster: they save the way through the thread pool. Only `datasync` is asynchronous in both. */
export function fileCallsOfThisThread(): FileCalls {
  return isMainThread ? asynchronousCalls : synchronousCalls;
}

const asynchronousCalls: FileCalls = {
  open: (path, flags, mode) => fs.promises.open(path, flags, mode),
  lstat: (path) => fs.promises.lstat(path, { bigint: true }),
  listNames: (path) => fs.promises.readdir(path, { encoding: 'buffer' }),
  makeFolder: async (path, mode) => void (await fs.promises.mkdir(path, { mode })),
  rename: (from, to) => fs.promises.rename(from, to),
  remove: (path) => fs.promises.unlink(path),
  removeFolder: (path) => fs.promises.rmdir(path),
  fileSystem: (path) => fs.promises.statfs(path, { bigint: true }),
};

const synchronousCalls: FileCalls = {
  open: async (path, flags, mode) => new SynchronousFile(fs.openSync(path, flags, mode)),
  lstat: async (path) => fs.lstatSync(path, { bigint: true }),
  listNames: async (path) => fs.readdirSync(path, { encoding: 'buffer' }),
  makeFolder: async (path, mode) => void fs.mkdirSync(path, { mode }),
  rename: async (from, to) => fs.renameSync(from, to),
  remove: async (path) => fs.unlinkSync(path),
  removeFolder: async (path) => fs.rmdirSync(path),
  fileSystem: async (path) => fs.statfsSync(path, { bigint: true }),
};

class SynchronousFile implements OpenFile {
  #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  get fd(): number {
    return this.#fd;
  }

  async read(target: Uint8Array, targetOffset: number, lengthBytes: number, offset: number) {
    return { bytesRead: fs.readSync(this.#fd, target, targetOffset, lengthBytes, offset) };
  }

  async write(source: Uint8Array, sourceOffset: number, lengthBytes: number, offset: number) {
    return { bytesWritten: fs.writeSync(this.#fd, source, sourceOffset, lengthBytes, offset) };
  }

  async stat(options: { bigint: true }): Promise<fs.BigIntStats> {
    return fs.fstatSync(this.#fd, options);
  }

  async truncate(sizeBytes: number): Promise<void> {
    fs.ftruncateSync(this.#fd, sizeBytes);
  }

  /** The one call that waits for the disk alone: work goes on meanwhile. */
  datasync(): Promise<void> {
    return fdatasync(this.#fd);
  }

  async sync(): Promise<void> {
    fs.fsyncSync(this.#fd);
  }

  async chmod(mode: number): Promise<void> {
    fs.fchmodSync(this.#fd, mode);
  }

  async utimes(accessed: number, modified: number): Promise<void> {
    fs.futimesSync(this.#fd, accessed, modified);
  }

  async close(): Promise<void> {
    const fd = this.#fd;
    // The number is given to the next file that is opened: a late write must not reach that one.
    this.#fd = -1;
    if (fd !== -1) fs.closeSync(fd);
  }
}
