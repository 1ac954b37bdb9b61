import type { FileStamp, FileTraits } from '../domain/restore-point.js';

/** Where backups live. Paths are relative to the repository, with `/`, no empty, `.` or `..` segment.
 *
 *  Every adapter must guarantee, and test/conformance proves:
 *  - `rename` replaces the destination atomically: a reader sees the old file or the new one, whole;
 *  - after `sync` of a file its content survives a power cut; after `syncFolder` the names in it do;
 *  - read after write in this process;
 *  - a symbolic link is never followed, at any place in a path, and nothing outside the repository is ever opened;
 *  - `stat` and `list` answer "absent" only when the storage says so; whatever cannot be read throws.
 *
 *  @throws PATH_FORBIDDEN, FILE_MISSING, FILE_EXISTS, REPOSITORY_UNREACHABLE, REPOSITORY_FULL, REPOSITORY_READ_ONLY, REPOSITORY_IO_ERROR */
export interface BackupRepository {
  readonly id: string;
  readonly capabilities: RepositoryCapabilities;

  /** Entries of one folder in no particular order; an absent folder is `[]`. `''` is the root. */
  list(folder: string): Promise<RepositoryEntry[]>;
  /** null: certainly absent. */
  stat(path: string): Promise<RepositoryEntry | null>;
  openRead(path: string): Promise<ReadableFile>;
  /** Reads what the storage holds, whatever this machine remembers of it: offsets, lengths and memory in whole pages of 4 KiB.
   *  @throws REPOSITORY_UNSUITED where the storage cannot be read like that */
  openReadPastCache(path: string): Promise<ReadableFile>;
  /** Random access for writing. `create: 'new'` throws FILE_EXISTS; `'open-or-new'` keeps the content. The folder must exist. */
  openWrite(path: string, create: 'new' | 'open-or-new' | 'existing'): Promise<WritableFile>;
  /** Makes the folder and its parents; existing ones are fine. Durable only after `syncFolder` of the parents. */
  makeFolder(folder: string): Promise<void>;
  /** Atomic replace, file or folder. Durable only after `syncFolder` of both folders. */
  rename(from: string, to: string): Promise<void>;
  /** Removes one file. Durable only after `syncFolder`. */
  remove(path: string): Promise<void>;
  /** Removes one empty folder. */
  removeFolder(folder: string): Promise<void>;
  /** Makes the names in this folder durable. */
  syncFolder(folder: string): Promise<void>;
  /** Gives a file its modification time, to the microsecond, and its permissions, as far as they are told. Durable when it returns. Absent: the
   *  storage keeps neither. */
  setFileTraits?(path: string, traits: FileTraits): Promise<void>;
  capacity(): Promise<RepositoryCapacity>;
}

export interface RepositoryCapabilities {
  /** Bytes of an existing file can be overwritten; without it chains never merge in place. */
  readonly overwriteInPlace: boolean;
  /** Unwritten ranges take no room and read as zeros. */
  readonly sparseFiles: boolean;
  /** A file with an unchanged stamp was not written to. False where times are whole seconds or can be set back: then only reading proves. */
  readonly stampsProve: boolean;
}

export interface RepositoryEntry {
  /** Last segment of the path. */
  readonly name: string;
  readonly path: string;
  readonly type: 'file' | 'folder' | 'other';
  /** Of an `other`: it is a file or a folder whose name cannot be part of a path. Such a name is shown with `\xNN` for bytes that are no
   *  UTF-8, and never opened. */
  readonly unaddressable?: 'file' | 'folder';
  readonly stamp: FileStamp;
  /** Permission bits; absent where the storage has none. */
  readonly mode?: number;
}

export interface RepositoryCapacity {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

export interface ReadableFile {
  readonly path: string;
  /** Fills `target` from `offset`; returns the bytes read, less than asked only at the end of the file. */
  read(target: Uint8Array, offset: number): Promise<number>;
  /** Of the open file, not of what its name points to now. */
  stamp(): Promise<FileStamp>;
  close(): Promise<void>;
}

export interface WritableFile extends ReadableFile {
  /** Writes all of `source` at `offset`; a gap before it reads as zeros. */
  write(source: Uint8Array, offset: number): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  /** Data and size durable. */
  sync(): Promise<void>;
}
