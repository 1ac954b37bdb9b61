import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { errnoOf } from './storage-error.js';

const fdatasync = promisify(fs.fdatasync);

/** The calls of `node:fs` that the directory repository is built on. They reject with Node's errors. */
export interface FileCalls {
  open(path: string, flags: number, mode?: number): Promise<OpenFile>;
  /** null: there is no such name. Asked for often, and an error costs six times as much as the look. */
  lstat(path: string | Buffer): Promise<fs.BigIntStats | null>;
  /** What a link says, unchanged. */
  readLink(path: string): Promise<string>;
  /** The same without a promise for each of a million names. null: this thread must not wait for storage. */
  readonly lstatNow: ((path: string | Buffer) => fs.BigIntStats | null) | null;
  /** A character for each byte (latin1), because a file system does not promise UTF-8, and a buffer for each of a million names costs more than looking at it.
   *  Names alone: with their types Node looks at each that the file system does not type, waits for that, and gives up the whole folder for one that is
   *  gone by then. */
  listNames(path: string): Promise<string[]>;
  /** What has the name already stays what it is. */
  makeFolder(path: string, mode: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Another name of a file. */
  link(from: string, to: string): Promise<void>;
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

const LISTED = { encoding: 'latin1' } as const;
const EXACT = { bigint: true } as const;
const EXACT_IF_THERE = { bigint: true, throwIfNoEntry: false } as const;

function lstatIfThere(path: string | Buffer): fs.BigIntStats | null {
  return fs.lstatSync(path, EXACT_IF_THERE) ?? null;
}

/** What an error of this name says; every other one is thrown. */
function answerOf<T>(errno: string, answer: T): (error: unknown) => T {
  return (error) => {
    if (errnoOf(error) !== errno) throw error;
    return answer;
  };
}

export const asynchronousCalls: FileCalls = {
  open: (path, flags, mode) => fs.promises.open(path, flags, mode),
  lstat: (path) => fs.promises.lstat(path, EXACT).catch(answerOf('ENOENT', null)),
  readLink: (path) => fs.promises.readlink(path),
  lstatNow: null,
  listNames: (path) => fs.promises.readdir(path, LISTED),
  makeFolder: async (path, mode) =>
    void (await fs.promises.mkdir(path, { mode }).catch(answerOf('EEXIST', undefined))),
  rename: (from, to) => fs.promises.rename(from, to),
  link: (from, to) => fs.promises.link(from, to),
  remove: (path) => fs.promises.unlink(path),
  removeFolder: (path) => fs.promises.rmdir(path),
  fileSystem: (path) => fs.promises.statfs(path, { bigint: true }),
};

export const synchronousCalls: FileCalls = {
  open: async (path, flags, mode) => new SynchronousFile(fs.openSync(path, flags, mode)),
  lstat: async (path) => lstatIfThere(path),
  readLink: async (path) => fs.readlinkSync(path),
  lstatNow: lstatIfThere,
  listNames: async (path) => fs.readdirSync(path, LISTED),
  makeFolder: async (path, mode) => {
    try {
      fs.mkdirSync(path, { mode });
    } catch (error) {
      answerOf('EEXIST', undefined)(error);
    }
  },
  rename: async (from, to) => fs.renameSync(from, to),
  link: async (from, to) => fs.linkSync(from, to),
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
