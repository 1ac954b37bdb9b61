import { BackupError, type ErrorCode } from '../../../src/domain/errors.js';
import type { FileStamp } from '../../../src/domain/file-stamp.js';
import type {
  FolderRepository,
  ReadableFile,
  RepositoryCapacity,
  RepositoryEntry,
  WritableFile,
  SyncAll,
} from '../../../src/repository/backup-repository.js';
import { FolderVerbs } from '../../../src/repository/folder-verbs.js';
import {
  entryOrder,
  folderSegments,
  joinPath,
  parentFolder,
  pathSegments,
  quoted,
} from '../../../src/repository/repository-path.js';
import { afterPowerCut, SECTOR_BYTES } from './power-loss.js';
import { exportFolder, importFolder } from './real-files.js';
import {
  SimulatedDisk,
  type SimulatedFile,
  type SimulatedFolder,
  type SimulatedNode,
} from './simulated-disk.js';

const TOTAL_BYTES = 2 ** 40;

/** What changes the storage or makes a change durable. Reading and opening are not operations: a kill after them leaves
 *  what a kill before them leaves. A folder made with its parents is one operation per new folder. */
export interface StorageOperation {
  /** From 1. */
  readonly number: number;
  readonly kind:
    | 'create'
    | 'write'
    | 'truncate'
    | 'sync'
    | 'makeFolder'
    | 'rename'
    | 'link'
    | 'remove'
    | 'removeFolder'
    | 'syncFolder'
    | 'syncAll';
  /** Of a rename or a link: where from. */
  readonly path: string;
  /** Of a rename or a link: where to. */
  readonly to?: string;
  readonly offset?: number;
  readonly length?: number;
}

/** `torn`: a write does about the first half, up to a sector boundary of the file; any other operation stops as with `before`. */
export interface CrashPlan {
  readonly atOperation: number;
  readonly when: 'before' | 'after' | 'torn';
}

/** `none`: the process was killed, the system lives on. `power`: what was not synced is lost in part, chosen by the seed. */
export type Loss = { readonly kind: 'none' } | { readonly kind: 'power'; readonly seed: number };

export interface SimulationOptions {
  readonly crash?: CrashPlan;
  /** Chosen syncs that do nothing, to prove that a test notices when one is forgotten. */
  readonly disable?: {
    readonly sync?: (path: string) => boolean;
    readonly syncFolder?: (folder: string) => boolean;
  };
}

/** The process is gone: thrown by the operation of the plan and by every call after it. */
export class SimulatedCrash extends Error {
  override readonly name = 'SimulatedCrash';
}

/** A repository in memory that can be killed at any storage operation and loses what a real disk may lose. Deterministic. */
export class SimulatedRepository extends FolderVerbs implements FolderRepository {
  readonly limits = { maxFileBytes: 2 ** 50 };
  readonly capabilities = { stampsProve: true };
  readonly id: string;
  readonly operations: StorageOperation[] = [];
  readonly #options: SimulationOptions;
  readonly #disk: SimulatedDisk;
  #isCrashed = false;

  constructor(
    id = 'simulated',
    options: SimulationOptions = {},
    disk: SimulatedDisk = new SimulatedDisk(),
  ) {
    super();
    this.id = id;
    this.#options = options;
    this.#disk = disk;
  }

  /** The repository that the next process finds. This one stays as it is, so that many losses can be tried on one crash. */
  restart(loss: Loss, options: SimulationOptions = {}): SimulatedRepository {
    const disk = loss.kind === 'none' ? this.#disk.copy() : afterPowerCut(this.#disk, loss.seed);
    return new SimulatedRepository(this.id, options, disk);
  }

  /** The same state with another plan and operations counted from 1; content is shared until it is written. */
  clone(options: SimulationOptions = {}): SimulatedRepository {
    return this.restart({ kind: 'none' }, options);
  }

  /** Whether the process that uses it was killed. */
  get isCrashed(): boolean {
    return this.#isCrashed;
  }

  /** Everything the process sees so far becomes durable. Not an operation. */
  settleAll(): void {
    this.#disk.syncEverything();
  }

  /** The clock of the storage, by which files are dated; it never goes back. Epoch milliseconds. */
  setClock(ms: number): void {
    this.#disk.setClock(ms);
  }

  /** Writes what the process sees as real, sparse files. Works after a crash too. */
  exportTo(folderOnDisk: string): void {
    exportFolder(this.#disk.root, folderOnDisk);
  }

  /** Adds real files and folders; everything becomes durable. Not an operation. */
  importFrom(folderOnDisk: string): void {
    importFolder(this.#disk, this.#disk.root, folderOnDisk);
    this.settleAll();
  }

  async list(folder: string): Promise<RepositoryEntry[]> {
    this.#checkAlive();
    const found = this.#find(folderSegments(folder));
    if (found === null) return [];
    const { names } = this.#asFolder(found, folder);
    const entries = [...names].map(([name, node]): RepositoryEntry => ({
      name,
      path: joinPath(folder, name),
      type: node.type,
      stamp: stampOf(node),
    }));
    return entries.sort(entryOrder);
  }

  async *entries(folder: string, after?: string): AsyncGenerator<RepositoryEntry> {
    const last = { name: after ?? '', type: 'file' };
    for (const entry of await this.list(folder)) if (entryOrder(entry, last) > 0) yield entry;
  }

  async stat(path: string): Promise<RepositoryEntry | null> {
    this.#checkAlive();
    const segments = pathSegments(path);
    const node = this.#find(segments);
    if (node === null) return null;
    const name = segments[segments.length - 1] ?? '';
    return { name, path, type: node.type, stamp: stampOf(node) };
  }

  async openRead(path: string): Promise<ReadableFile> {
    this.#checkAlive();
    const node = this.#find(pathSegments(path)) ?? this.#fail('FILE_MISSING', path);
    return this.#handle(path, this.#asFile(node, path));
  }

  openReadPastCache(path: string): Promise<ReadableFile> {
    return this.openRead(path);
  }

  async openWrite(path: string, create: 'new' | 'open-or-new' | 'existing'): Promise<WritableFile> {
    this.#checkAlive();
    const { folder, name } = this.#place(path);
    const existing = folder.names.get(name);
    if (existing !== undefined) {
      if (create === 'new') this.#fail('FILE_EXISTS', path);
      return this.#handle(path, this.#asFile(existing, path));
    }
    if (create === 'existing') this.#fail('FILE_MISSING', path);
    const file = this.#disk.newFile();
    this.#perform({ kind: 'create', path }, () =>
      this.#disk.changeNames({ folder, name, node: file }),
    );
    return this.#handle(path, file);
  }

  async makeFolder(path: string): Promise<void> {
    this.#checkAlive();
    const segments = folderSegments(path);
    let folder = this.#disk.root;
    for (const [depth, name] of segments.entries()) {
      const parent = folder;
      const way = segments.slice(0, depth + 1).join('/');
      const existing = parent.names.get(name);
      if (existing !== undefined) {
        folder = this.#asFolder(existing, way);
        continue;
      }
      folder = this.#disk.newFolder();
      const change = { folder: parent, name, node: folder };
      this.#perform({ kind: 'makeFolder', path: way }, () => this.#disk.changeNames(change));
    }
  }

  async rename(from: string, to: string): Promise<void> {
    this.#checkAlive();
    const source = this.#place(from);
    const target = this.#place(to);
    const node = source.folder.names.get(source.name) ?? this.#fail('FILE_MISSING', from);
    if (to.startsWith(`${from}/`)) this.#fail('PATH_FORBIDDEN', to);
    const replaced = target.folder.names.get(target.name);
    if (replaced === node) return;
    if (replaced !== undefined && replaced.type !== node.type) this.#fail('PATH_FORBIDDEN', to);
    if (replaced?.type === 'folder' && replaced.names.size > 0) this.#fail('FOLDER_NOT_EMPTY', to);
    this.#perform({ kind: 'rename', path: from, to }, () =>
      this.#disk.changeNames({ ...source, node: null }, { ...target, node }),
    );
  }

  async linkFile(from: string, to: string): Promise<void> {
    this.#checkAlive();
    const source = this.#place(from);
    const target = this.#place(to);
    const node = source.folder.names.get(source.name) ?? this.#fail('FILE_MISSING', from);
    if (target.folder.names.has(target.name)) this.#fail('FILE_EXISTS', to);
    this.#asFile(node, from);
    this.#perform({ kind: 'link', path: from, to }, () =>
      this.#disk.changeNames({ ...target, node }),
    );
  }

  async unlink(path: string): Promise<void> {
    this.#checkAlive();
    const { folder, name } = this.#place(path);
    this.#asFile(folder.names.get(name) ?? this.#fail('FILE_MISSING', path), path);
    this.#perform({ kind: 'remove', path }, () =>
      this.#disk.changeNames({ folder, name, node: null }),
    );
  }

  async removeFolder(path: string): Promise<void> {
    this.#checkAlive();
    const { folder, name } = this.#place(path);
    const node = folder.names.get(name) ?? this.#fail('FILE_MISSING', path);
    if (this.#asFolder(node, path).names.size > 0) this.#fail('FOLDER_NOT_EMPTY', path);
    this.#perform({ kind: 'removeFolder', path }, () =>
      this.#disk.changeNames({ folder, name, node: null }),
    );
  }

  async syncFolder(path: string): Promise<void> {
    this.#checkAlive();
    const node = this.#find(folderSegments(path)) ?? this.#fail('FILE_MISSING', path);
    const folder = this.#asFolder(node, path);
    this.#perform({ kind: 'syncFolder', path }, () => {
      if (!this.#options.disable?.syncFolder?.(path)) this.#disk.syncFolder(folder);
    });
  }

  async openSyncAll(): Promise<SyncAll | null> {
    return {
      sync: async () => {
        this.#perform({ kind: 'syncAll', path: '' }, () => this.#disk.syncEverything());
        return true;
      },
      close: async () => undefined,
    };
  }

  async capacity(): Promise<RepositoryCapacity> {
    this.#checkAlive();
    return {
      totalBytes: TOTAL_BYTES,
      freeBytes: TOTAL_BYTES - allocatedBytes(this.#disk.root),
    };
  }

  #handle(path: string, file: SimulatedFile): WritableFile {
    return {
      path,
      read: async (target, offset) => {
        this.#checkAlive();
        return file.content.read(target, offset);
      },
      stamp: async () => {
        this.#checkAlive();
        return stampOf(file);
      },
      write: async (source, offset) => {
        const torn = source.subarray(0, tornLength(offset, source.length));
        const write = (bytes: Uint8Array) => {
          file.write(bytes, offset);
          file.changedAtNs = this.#disk.tick();
        };
        this.#perform(
          { kind: 'write', path, offset, length: source.length },
          () => write(source),
          () => write(torn),
        );
      },
      truncate: async (sizeBytes) =>
        this.#perform({ kind: 'truncate', path, length: sizeBytes }, () => {
          file.truncate(sizeBytes);
          file.changedAtNs = this.#disk.tick();
        }),
      sync: async () =>
        this.#perform({ kind: 'sync', path }, () => {
          if (!this.#options.disable?.sync?.(path)) this.#disk.syncFile(file);
        }),
      close: async () => this.#checkAlive(),
    };
  }

  #perform(
    operation: Omit<StorageOperation, 'number'>,
    whole: () => void,
    torn: () => void = () => undefined,
  ): void {
    this.#checkAlive();
    const number = this.operations.length + 1;
    this.operations.push({ number, ...operation });
    const { crash } = this.#options;
    if (crash?.atOperation !== number) return whole();
    if (crash.when === 'after') whole();
    if (crash.when === 'torn') torn();
    this.#isCrashed = true;
    throw new SimulatedCrash(
      `killed ${crash.when} operation ${number} (${operation.kind} ${operation.path})`,
    );
  }

  #checkAlive(): void {
    if (this.#isCrashed) throw new SimulatedCrash('the process was killed before this call');
  }

  #find(segments: readonly string[]): SimulatedNode | null {
    let node: SimulatedNode = this.#disk.root;
    for (const [depth, name] of segments.entries()) {
      const next = this.#asFolder(node, segments.slice(0, depth).join('/')).names.get(name);
      if (next === undefined) return null;
      node = next;
    }
    return node;
  }

  #place(path: string): { folder: SimulatedFolder; name: string } {
    const segments = pathSegments(path);
    const parent =
      this.#find(segments.slice(0, -1)) ?? this.#fail('FILE_MISSING', parentFolder(path));
    const name = segments[segments.length - 1] ?? '';
    return { folder: this.#asFolder(parent, parentFolder(path)), name };
  }

  #asFolder(node: SimulatedNode, path: string): SimulatedFolder {
    return node.type === 'folder' ? node : this.#fail('PATH_FORBIDDEN', path);
  }

  #asFile(node: SimulatedNode, path: string): SimulatedFile {
    return node.type === 'file' ? node : this.#fail('PATH_FORBIDDEN', path);
  }

  #fail(code: ErrorCode, path: string): never {
    throw new BackupError(code, `Repository ${quoted(this.id)}: ${quoted(path)}: ${code}.`, {
      details: { repositoryId: this.id, path },
    });
  }
}

function tornLength(offset: number, lengthBytes: number): number {
  const middle = Math.floor((offset + lengthBytes / 2) / SECTOR_BYTES) * SECTOR_BYTES;
  return Math.max(0, middle - offset);
}

function stampOf(node: SimulatedNode): FileStamp {
  const changedAtNs = String(node.changedAtNs);
  return {
    sizeBytes: node.type === 'file' ? node.content.sizeBytes : 0,
    modifiedAtNs: changedAtNs,
    changedAtNs,
    inode: String(node.inode),
  };
}

function allocatedBytes(folder: SimulatedFolder): number {
  let sum = 0;
  for (const node of folder.names.values())
    sum += node.type === 'file' ? node.content.allocatedBytes : allocatedBytes(node);
  return sum;
}
