import { hash, randomUUID } from 'node:crypto';
import { BackupError, isBackupError, isPermissionFault } from '../domain/errors.js';
import { sameStamp, type FileStamp } from '../domain/file-stamp.js';
import { type FileTraits } from '../domain/sources/source-workload.js';
import type {
  FolderRepository,
  FolderStorage,
  Move,
  StorageVerbs,
  SyncAll,
  WritableFile,
} from './backup-repository.js';
import { fencedFolder } from './fenced-folder.js';
import { joinPath, lastName, MAX_SEGMENT_BYTES, parentFolder, quoted } from './repository-path.js';
import { withReserve } from './reserve.js';

/** From so many syncs on, one of the whole file system is the cheaper one. */
const MANY_SYNCS = 8;

/** The verbs of the contract on a file system: which content and which names are made durable, and in which order, stands here and nowhere
 *  else. Written for `this`: a repository that changes some of its calls changes the verbs with them. */
export const folderVerbs: Required<Omit<StorageVerbs, 'setFileTraits' | 'link' | 'fenced'>> &
  Pick<FolderRepository, 'fenced'> & {
    readonly link: NonNullable<StorageVerbs['link']>;
  } & ThisType<FolderRepository> = {
  conditionalPut: false,

  fenced(assertMayWrite) {
    return fencedFolder(this, folderVerbs, assertMayWrite);
  },

  openUpdate(path) {
    return this.openWrite(path, 'existing');
  },

  async put(path, bytes, { expected, isShared = false } = {}) {
    // A fixed name, so that stops leave at most one behind.
    const unfinished = unfinishedPath(path, isShared ? `.${randomUUID()}.partial` : '.partial');
    await withReserve(this, () =>
      inFolder(this, parentFolder(path), async () =>
        writeWhole(await openEmptied(this, unfinished), bytes, true),
      ),
    );
    if (expected !== undefined) await assertExpected(this, path, expected);
    await this.rename(unfinished, path);
    await this.syncFolder(parentFolder(path));
  },

  async putNew(path, bytes) {
    try {
      const open = () => this.openWrite(path, 'new');
      const file = await inFolder(this, parentFolder(path), open);
      try {
        await file.write(bytes, 0);
      } finally {
        await file.close();
      }
      return true;
    } catch (error) {
      if (isBackupError(error, 'FILE_EXISTS')) return false;
      throw error;
    }
  },

  async putAll(files, desk, place) {
    const moves = files.map(({ path }, index) => ({ from: `${desk}/${index}`, to: path }));
    await changingNames(this, moves, place, files.length, async (names, syncAll) => {
      await names.makeFolders();
      const write = async (isSynced: boolean) => {
        for (const [index, { bytes, traits }] of files.entries()) {
          const unfinished = moves[index]!.from;
          const file = await openAtDesk(this, unfinished);
          await writeWhole(file, bytes, isSynced, traits);
          if (traits !== undefined && file.setTraits === undefined)
            await this.setFileTraits?.(unfinished, traits, !isSynced);
        }
      };
      // Content and folders before the names.
      await write(syncAll === null);
      if (syncAll === null || !(await syncAll.sync())) {
        // Once more: what the kernel dropped it may say of no file that is opened now.
        if (syncAll !== null) await write(true);
        await names.settleFolders();
      }
      for (const { from, to } of moves) await this.rename(from, to);
      await names.settle();
    });
  },

  async makePlace(...folders) {
    for (const folder of folders) await withReserve(this, () => this.makeFolder(folder));
    for (const folder of foldersAbove(folders, '')) await this.syncFolder(folder);
  },

  async openWork(path, _token, open) {
    const file = await this.openWrite(path, open ?? 'open-or-new');
    // What was written is in the system's cache, for every process.
    return Object.assign(file, { flush: () => Promise.resolve() });
  },

  async publish(files, place) {
    await changingNames(this, files, place, 0, async (names) => {
      await names.makeFolders();
      await names.settleFolders();
      for (const { from, to } of files)
        if ((await this.stat(to)) === null) await this.rename(from, to);
        else await unlessMissing(this.unlink(from));
      await names.settle();
    });
  },

  async remove(...paths) {
    for (const path of paths) await unlessMissing(this.unlink(path));
    // Also of a file that an earlier attempt removed; an absent folder has no names.
    for (const folder of new Set(paths.map(parentFolder)))
      await unlessMissing(this.syncFolder(folder));
  },

  async removeAll(folder) {
    for await (const { path, type } of this.entries(folder))
      if (type === 'folder') await this.removeAll(path);
      else await unlessMissing(this.unlink(path));
    if ((await this.stat(folder)) !== null) await this.removeFolder(folder);
  },

  async move(moves, place) {
    await changingNames(this, moves, place, 0, async (names) => {
      await names.makeFolders();
      await names.settleFolders();
      for (const { from, to } of moves)
        if ((await this.stat(from)) !== null) await this.rename(from, to);
      await names.settle();
    });
  },

  async link(links, place) {
    const places = links.map(({ to }) => ({ from: to, to }));
    await changingNames(this, places, place, 0, async (names) => {
      await names.makeFolders();
      await names.settleFolders();
      for (const { from, to } of links) await linkOver(this, from, to);
      await names.settle();
    });
  },

  async patch(path, offset, bytes) {
    const file = await this.openWrite(path, 'existing');
    try {
      await file.write(bytes, offset);
      await file.sync();
    } finally {
      await file.close();
    }
  },

  async settle(paths) {
    const folders = new Set<string>();
    for (const path of paths) {
      const entry = path === '' ? null : await this.stat(path);
      if (entry?.type === 'file') await syncFile(this, path);
      folders.add(path === '' || entry?.type === 'folder' ? path : parentFolder(path));
    }
    for (const folder of folders) await this.syncFolder(folder);
  },
};

/** A repository on a file system: whoever has the calls has the verbs. */
export abstract class FolderVerbs {
  readonly conditionalPut = folderVerbs.conditionalPut;
  readonly fenced = folderVerbs.fenced;
  readonly openUpdate = folderVerbs.openUpdate;
  readonly put = folderVerbs.put;
  readonly putNew = folderVerbs.putNew;
  readonly putAll = folderVerbs.putAll;
  readonly makePlace = folderVerbs.makePlace;
  readonly openWork = folderVerbs.openWork;
  readonly publish = folderVerbs.publish;
  readonly remove = folderVerbs.remove;
  readonly removeAll = folderVerbs.removeAll;
  readonly move = folderVerbs.move;
  readonly link = folderVerbs.link;
  readonly patch = folderVerbs.patch;
  readonly settle = folderVerbs.settle;
}

/** Changes of names below a place, made durable together. A name that is moved into a folder whose own name a power cut takes is lost in both
 *  places: so the folders come first, also those that are there already, by an attempt that was stopped. */
class Names {
  readonly folders: ReadonlySet<string>;
  private readonly to: ReadonlySet<string>;
  /** Opened before the first change. */
  syncAll: SyncAll | null = null;

  constructor(
    private readonly storage: FolderRepository,
    moves: readonly Move[],
    private readonly place: string,
  ) {
    this.to = new Set(moves.map(({ to }) => parentFolder(to)));
    this.folders = new Set([...this.to, ...moves.map(({ from }) => parentFolder(from))]);
  }

  async makeFolders(): Promise<void> {
    for (const folder of this.to) if (folder !== this.place) await this.storage.makeFolder(folder);
  }

  async settleFolders(): Promise<void> {
    for (const folder of foldersAbove(this.to, this.place)) await this.storage.syncFolder(folder);
  }

  async settle(): Promise<void> {
    const isTogether = this.folders.size >= MANY_SYNCS;
    if (isTogether && this.syncAll !== null && (await this.syncAll.sync())) return;
    // One that is gone has no names; what was in it was moved by an earlier attempt.
    for (const folder of this.folders) await unlessMissing(this.storage.syncFolder(folder));
  }
}

/** Changes names, and writes content of that many files, with one sync for all of it where it is much and the storage can do that. */
async function changingNames(
  storage: FolderRepository,
  moves: readonly Move[],
  place: string,
  contents: number,
  change: (names: Names, contentSync: SyncAll | null) => Promise<void>,
): Promise<void> {
  const names = new Names(storage, moves, place);
  const isMuch = Math.max(contents, names.folders.size) >= MANY_SYNCS;
  const syncAll = isMuch ? await storage.openSyncAll() : null;
  names.syncAll = syncAll;
  try {
    await change(names, contents >= MANY_SYNCS ? syncAll : null);
  } finally {
    await syncAll?.close();
  }
}

/** Beside the file. Where its name leaves no room for the ending, what tells it from others stands in its place. */
function unfinishedPath(path: string, ending: string): string {
  const name = lastName(path);
  if (Buffer.byteLength(name) + ending.length <= MAX_SEGMENT_BYTES) return `${path}${ending}`;
  const fingerprint = hash('sha256', name).slice(0, FINGERPRINT_CHARACTERS);
  return joinPath(parentFolder(path), `${fingerprint}${ending}`);
}

const FINGERPRINT_CHARACTERS = 32;

/** Folders from `place` on that hold these and those that lead to them; from the top, for a folder is durable only in one that is. */
function foldersAbove(folders: Iterable<string>, place: string): string[] {
  const above = new Set<string>();
  for (const folder of folders)
    for (let child = folder; child !== place && child !== ''; child = parentFolder(child))
      above.add(parentFolder(child));
  return [...above].sort();
}

/** Makes the folder durably when it turns out to be absent. */
async function inFolder<T>(
  storage: FolderRepository,
  folder: string,
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!isBackupError(error, 'FILE_MISSING') || (await hasFolder(storage, folder))) throw error;
    await storage.makePlace(folder);
    return action();
  }
}

async function hasFolder(storage: FolderRepository, folder: string): Promise<boolean> {
  return folder === '' || (await storage.stat(folder)) !== null;
}

/** All of a file that is empty, and closed. */
async function writeWhole(
  file: WritableFile,
  bytes: Uint8Array,
  isSynced: boolean,
  traits?: FileTraits,
): Promise<void> {
  try {
    await file.write(bytes, 0);
    if (isSynced) await file.sync();
    if (traits !== undefined) await file.setTraits?.(traits, !isSynced);
  } finally {
    await file.close();
  }
}

/** Empty. As a rule there is none, which costs the fewest calls. */
async function openAtDesk(storage: FolderStorage, path: string): Promise<WritableFile> {
  try {
    return await storage.openWrite(path, 'new');
  } catch (error) {
    if (!isBackupError(error, 'FILE_EXISTS')) throw error;
    return openEmptied(storage, path);
  }
}

async function openEmptied(storage: FolderStorage, path: string): Promise<WritableFile> {
  const file = await openLeft(storage, path);
  try {
    await file.truncate(0);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** One that an earlier attempt has made unwritable gives way: its permissions are those of a file of the source. */
async function openLeft(storage: FolderStorage, path: string): Promise<WritableFile> {
  try {
    return await storage.openWrite(path, 'open-or-new');
  } catch (error) {
    if (!isPermissionFault(error)) throw error;
    await storage.unlink(path);
    return storage.openWrite(path, 'new');
  }
}

async function linkOver(storage: FolderRepository, from: string, to: string): Promise<void> {
  try {
    await storage.linkFile(from, to);
  } catch (error) {
    if (!isBackupError(error, 'FILE_EXISTS')) throw error;
    const [file, other] = [await storage.stat(from), await storage.stat(to)];
    if (file !== null && file.stamp.inode === other?.stamp.inode) return;
    await storage.unlink(to);
    await storage.linkFile(from, to);
  }
}

async function syncFile(storage: FolderStorage, path: string): Promise<void> {
  const file = await storage.openWrite(path, 'existing');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function assertExpected(
  storage: FolderRepository,
  path: string,
  expected: FileStamp | null,
): Promise<void> {
  const found = (await storage.stat(path))?.stamp ?? null;
  const isExpected =
    found === null || expected === null ? found === expected : sameStamp(found, expected);
  if (!isExpected) throw writeConflict(storage.id, path);
}

export function writeConflict(repositoryId: string, path: string): BackupError {
  return new BackupError(
    'WRITE_CONFLICT',
    `Repository ${quoted(repositoryId)}: ${quoted(path)} is not what it was when it was read; nothing was written.`,
    { details: { repositoryId, path } },
  );
}

async function unlessMissing(change: Promise<void>): Promise<void> {
  try {
    await change;
  } catch (error) {
    if (!isBackupError(error, 'FILE_MISSING')) throw error;
  }
}
