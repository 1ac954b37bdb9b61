import type { FileStamp } from '../domain/file-stamp.js';
import type { FileTraits } from '../domain/sources/source-workload.js';

/** Where backups are read. Paths are relative to the repository, with `/`, no empty, `.` or `..` segment.
 *
 *  Every adapter must guarantee, and test/conformance proves:
 *  - read after write in this process;
 *  - a symbolic link is never followed, at any place in a path, and nothing outside the repository is ever opened;
 *  - `stat`, `list` and `entries` answer "absent" only when the storage says so; whatever cannot be read throws.
 *
 *  @throws PATH_FORBIDDEN, FILE_MISSING, REPOSITORY_UNREACHABLE, REPOSITORY_IO_ERROR, REPOSITORY_ACCESS_DENIED */
export interface SourceRepository {
  readonly id: string;
  readonly capabilities: RepositoryCapabilities;
  readonly limits: StorageLimits;

  /** Entries of one folder, whole, ascending (`entryOrder`); an absent folder is `[]`. `''` is the root. */
  list(folder: string): Promise<RepositoryEntry[]>;
  /** The same one after the other, for folders of any size: in memory are names, and the entries of a batch.
   *  @param after only those behind this one; a folder's name ends in `/` here */
  entries(folder: string, after?: string): AsyncIterable<RepositoryEntry>;
  /** null: certainly absent. */
  stat(path: string): Promise<RepositoryEntry | null>;
  openRead(path: string): Promise<ReadableFile>;
  /** Reads what the storage holds, whatever this machine remembers of it: offsets, lengths and memory in whole pages of 4 KiB.
   *  @throws REPOSITORY_UNSUITED where the storage cannot be read like that */
  openReadPastCache(path: string): Promise<ReadableFile>;
  capacity(): Promise<RepositoryCapacity>;
}

/** Where backups are kept, in verbs that a file system and an object store have in common. What a verb has done is durable when it returns (it
 *  survives a power cut from then on), where it does not say otherwise. Each can be done again after a stop at any place, and then ends in the same state. A member that may be
 *  null is something that not every storage can do.
 *
 *  @throws also FILE_EXISTS, REPOSITORY_FULL, REPOSITORY_READ_ONLY */
export interface StorageVerbs {
  /** A small file, whole or not at all: a reader sees the old content or the new, and a stop leaves one of them. Its folder is made as by
   *  `makePlace`; one that is there already is taken to be durable.
   *  @param options.expected what is there now, null: nothing; guaranteed where `conditionalPut`, and elsewhere compared right before
   *  @param options.isShared several may write this file at once, and nothing keeps them apart
   *  @throws WRITE_CONFLICT when something else is there than was expected */
  put(path: string, bytes: Uint8Array, options?: PutOptions): Promise<void>;
  /** A small file where there is none; of several who do so at once one succeeds. Without `conditionalPut` a stop, and for a moment the work
   *  itself, may show it unfinished, and it is durable after `settle`.
   *  @returns false: the name is taken */
  putNew(path: string, bytes: Uint8Array): Promise<boolean>;
  /** Many small files, each whole or not at all, durable together: with few syncs, however many they are. Their folders are made.
   *  @param desk a place (`makePlace`) of this writer alone, for the unfinished ones; what lies in it under the numbers from 0 on is overwritten
   *  @param place see `publish` */
  putAll(files: readonly SmallFile[], desk: string, place: string): Promise<void>;

  /** Makes folders with their parents, all of them durable, also those that were there. Where there are no folders: nothing. */
  makePlace(...folders: readonly string[]): Promise<void>;
  /** Opens a file of unfinished work in a place that was made; it is made when there is none, and else keeps its content. Readers do not know
   *  it before it is published.
   *  @param token of the plan that it belongs to: what was written under another one is not in it, on storage that tells. With one token each
   *    byte has one value, whoever writes it and however often
   *  @param open `existing`: @throws FILE_MISSING when there is none */
  openWork(path: string, token: string, open?: 'existing'): Promise<WorkFile>;
  /** Gives finished, synced files of work their names, in the order given, all of them durable when it returns. One whose name is taken (by an
   *  earlier attempt) stays what it is there, and its work goes. The folders are made.
   *  @param place folder above all of them that is durable with what leads to it
   *  @throws FILE_MISSING when there is neither the work nor the file */
  publish(files: readonly Move[], place: string): Promise<void>;

  /** Removes files, in the order given. Absent: nothing to do. */
  remove(...paths: readonly string[]): Promise<void>;
  /** Removes a folder and all that it holds. Absent: nothing to do. A power cut may bring parts of it back until the folder above is settled:
   *  what nobody takes for more than rests needs no more. */
  removeAll(folder: string): Promise<void>;
  /** Gives files or folders another name, in the order given; a file is replaced, a folder that is there must be empty. A file is whole or
   *  absent under its new name at every instant. One whose old name is gone was moved by an earlier attempt. The folders are made.
   *  @param place see `publish` */
  move(moves: readonly Move[], place: string): Promise<void>;
  /** Gives files that are there further names, in the order given. A name that is taken by the very file was given by an earlier attempt; one that is taken
   *  by another file goes to this one, and is absent for a moment. The folders are made. null: a file has one name.
   *  @param place see `publish`
   *  @throws FILE_MISSING when there is no such file; REPOSITORY_UNSUITED, REPOSITORY_READ_ONLY also where the file system of a folder cannot do that */
  readonly link: ((links: readonly Move[], place: string) => Promise<void>) | null;
  /** Bytes of a file that is in use, and has more: a stop leaves the old ones, the new ones, or, where files are updated in place, what a
   *  reader's digests tell from both. */
  patch(path: string, offset: number, bytes: Uint8Array): Promise<void>;
  /** What anybody left here, and perhaps never made durable: of a file its content and its name, of a folder the names in it. */
  settle(paths: readonly string[]): Promise<void>;
  /** Gives a file its modification time, to the microsecond, and its permissions, as far as they are told. Absent: the storage keeps neither.
   *  @param isSyncedLater they need not be durable: the caller sees to that, for many files together */
  setFileTraits?(path: string, traits: FileTraits, isSyncedLater?: boolean): Promise<void>;

  /** The same storage for whoever may lose the right to write: `assertMayWrite` is called right before each request that changes it, in the middle of
   *  a verb too, so that he finds out there with no more between the question and the write than the call itself. What it throws ends the verb.
   *  Reading is free, and so is making durable what was written, where that is no request of its own. */
  fenced(assertMayWrite: () => void): BackupRepository;

  /** Two that put with the same expectation: one succeeds, whatever happens. */
  readonly conditionalPut: boolean;
  /** Opens a file that is in use to write to it in place: merges, and bytes that are healed. null: files are only replaced. */
  readonly openUpdate: ((path: string) => Promise<WritableFile>) | null;
}

/** @throws as `SourceRepository` and `StorageVerbs` */
export interface BackupRepository extends SourceRepository, StorageVerbs {}

/** A repository on a file system. Who keeps or reads backups knows nothing of it. */
export interface FolderRepository extends BackupRepository, FolderStorage {
  fenced(assertMayWrite: () => void): FolderRepository;
}

/** What a file system can do, for the verbs that are built on it (`folder-verbs.ts`).
 *  - `rename` replaces the destination atomically: a reader sees the old file or the new one, whole;
 *  - after `sync` of a file its content survives a power cut; after `syncFolder` the names in it do. */
export interface FolderStorage {
  /** Random access for writing. `create: 'new'` throws FILE_EXISTS; `'open-or-new'` keeps the content. The folder must exist. */
  openWrite(path: string, create: 'new' | 'open-or-new' | 'existing'): Promise<WritableFile>;
  /** Makes the folder and its parents; existing ones are fine. Durable only after `syncFolder` of the parents. */
  makeFolder(folder: string): Promise<void>;
  /** Atomic replace, file or folder. Durable only after `syncFolder` of both folders. */
  rename(from: string, to: string): Promise<void>;
  /** Gives a file another name beside its own. Durable only after `syncFolder`.
   *  @throws FILE_EXISTS */
  linkFile(from: string, to: string): Promise<void>;
  /** Removes one file. Durable only after `syncFolder`. */
  unlink(path: string): Promise<void>;
  /** Removes one empty folder. */
  removeFolder(folder: string): Promise<void>;
  /** Makes the names in this folder durable. */
  syncFolder(folder: string): Promise<void>;
  /** For what is written to the file system from now on, content and names. null: it cannot be made durable as a whole, or not to be relied upon. */
  openSyncAll(): Promise<SyncAll | null>;
}

/** Opened before the first write: only then is it told of each that failed, also of one that was told to somebody else. The caller closes it. */
export interface SyncAll {
  /** Makes everything durable that was written since it was opened or last asked. false: something may not be, of whomever; the kernel may have
   *  dropped it already. */
  sync(): Promise<boolean>;
  close(): Promise<void>;
}

export interface PutOptions {
  readonly expected?: FileStamp | null;
  readonly isShared?: boolean;
}

export interface SmallFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Kept where the storage keeps such things. */
  readonly traits?: FileTraits;
}

export interface Move {
  readonly from: string;
  readonly to: string;
}

export interface StorageLimits {
  readonly maxFileBytes: number;
}

export interface RepositoryCapabilities {
  /** A file with an unchanged stamp was not written to. False where times are whole seconds or can be set back: then only reading proves. */
  readonly stampsProve: boolean;
  /** Its files are an appliance's: nothing looks into them. Absent: what backup tools wrote. */
  readonly isOpaque?: true;
  /** Folders of dates in it are copies of file shares, as its configuration says. Absent: names tell. */
  readonly isDated?: true;
  /** Names of the folders that its root lies in, and of the root itself, with `/`, links resolved. They may tell what lies there; no path is made of them.
   *  Absent: nobody knows. */
  readonly place?: string;
}

export interface RepositoryEntry {
  /** Last segment of the path. */
  readonly name: string;
  readonly path: string;
  readonly type: 'file' | 'folder' | 'other';
  /** Of an `other`: it is a file or a folder whose name cannot be part of a path. Such a name is shown with `\xNN` for bytes that are no
   *  UTF-8, and never opened. */
  readonly unaddressable?: 'file' | 'folder';
  /** Of an `other` that `list` gives: a symbolic link that leads out of the repository. None is ever followed. */
  readonly leadsOut?: true;
  readonly stamp: FileStamp;
  /** Permission bits; absent where the storage has none. */
  readonly mode?: number;
}

export interface RepositoryCapacity {
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** The storage is known to keep bytes as they are: neither compressed nor shared. Absent: it may hold more than it says. */
  readonly isPlain?: true;
}

/** One version of a file: the one that was opened. Another one that takes its name is never read through it; one that is written to in its place shows
 *  that in its stamp. */
export interface ReadableFile {
  readonly path: string;
  /** Fills `target` from `offset`; returns the bytes read, less than asked only at the end of the file.
   *  @throws SOURCE_CHANGED, or FILE_MISSING when nothing has taken its place, where the storage does not keep the version that was opened any more */
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
  /** `StorageVerbs.setFileTraits` of the open file, which saves opening it once more. Absent: it cannot be asked that way. */
  setTraits?(traits: FileTraits, isSyncedLater: boolean): Promise<void>;
}

/** A file in the making. Others who open it see what was flushed; a power cut leaves at least what was synced, and its name once its folder
 *  was settled. */
export interface WorkFile extends WritableFile {
  /** What was written is there for whoever opens the file next, also when this process is killed. */
  flush(): Promise<void>;
}
