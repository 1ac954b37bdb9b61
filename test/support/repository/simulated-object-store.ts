import { BackupError, type ErrorCode } from '../../../src/domain/errors.js';
import { sameStamp, type FileStamp } from '../../../src/domain/file-stamp.js';
import type {
  BackupRepository,
  Move,
  PutOptions,
  ReadableFile,
  RepositoryCapacity,
  RepositoryEntry,
  SmallFile,
  WorkFile,
} from '../../../src/repository/backup-repository.js';
import {
  entryOrder,
  folderSegments,
  joinPath,
  parentFolder,
  pathSegments,
  quoted,
} from '../../../src/repository/repository-path.js';
import { Bucket, type StoredObject } from './simulated-bucket.js';
import { Extents, workPathOf } from './simulated-work.js';
import {
  StoreRequests,
  type ChangeRequest,
  type Effect,
  type StoreFault,
  type StoreRequest,
} from './store-requests.js';

/** A store of objects in memory: keys and whole puts, with conditions; no folders, no rename, no writes in the middle. What is answered is
 *  durable. A file of work is one object for each range that was flushed, put together when it gets its name, as S3 does it with
 *  `UploadPartCopy`. */
export class SimulatedObjectStore implements BackupRepository {
  readonly capabilities = { stampsProve: true };
  readonly limits = { maxFileBytes: 5 * 2 ** 40 };
  readonly conditionalPut = true;
  readonly openUpdate = null;
  readonly link = null;

  /** @param assertMayWrite called right before each request that changes the store */
  constructor(
    readonly id = 'simulated',
    protected readonly bucket = new Bucket(),
    private readonly requests = new StoreRequests(id, bucket),
    private readonly assertMayWrite: () => void = () => undefined,
  ) {}

  fenced(assertMayWrite: () => void): SimulatedObjectStore {
    const ask = () => {
      this.assertMayWrite();
      assertMayWrite();
    };
    return new SimulatedObjectStore(this.id, this.bucket, this.requests, ask);
  }

  /** The very same objects, as another process sees them. */
  beside(): SimulatedObjectStore {
    return new SimulatedObjectStore(this.id, this.bucket);
  }

  /** The same objects, for a process that nothing has happened to. */
  clone(fault: StoreFault | null = null): SimulatedObjectStore {
    const bucket = this.bucket.copy();
    return new SimulatedObjectStore(this.id, bucket, new StoreRequests(this.id, bucket, fault));
  }

  /** What the next process finds; the request that was under way lands after so many of its own. */
  restart(landsAfter: number, fault: StoreFault | null = null): SimulatedObjectStore {
    const bucket = this.bucket.copy();
    const landing = this.requests.landingAfter(landsAfter);
    const requests = new StoreRequests(this.id, bucket, fault, landing);
    return new SimulatedObjectStore(this.id, bucket, requests);
  }

  /** What is there once everything that was under way has landed, however late. */
  settled(): SimulatedObjectStore {
    const bucket = this.bucket.copy();
    this.requests.landIn(bucket);
    return new SimulatedObjectStore(this.id, bucket);
  }

  get operations(): StoreRequest[] {
    return this.requests.made;
  }

  get isCrashed(): boolean {
    return this.requests.isCrashed;
  }

  /** Damages an object behind everyone's back. */
  spoil(path: string, offset: number, bytes: Uint8Array): void {
    const object = this.bucket.get(path) ?? this.#fail('FILE_MISSING', path);
    const spoilt = Buffer.from(object.bytes);
    spoilt.set(bytes, offset);
    this.bucket.put(path, spoilt);
  }

  async list(folder: string): Promise<RepositoryEntry[]> {
    this.#look(folderSegments(folder));
    const prefix = folder === '' ? '' : `${folder}/`;
    const entries = new Map<string, RepositoryEntry>();
    for (const path of this.#paths(prefix)) {
      const rest = path.slice(prefix.length);
      const slash = rest.indexOf('/');
      const name = slash < 0 ? rest : rest.slice(0, slash);
      const entry = slash < 0 ? this.#file(path) : this.#folder(joinPath(folder, name));
      entries.set(`${entry.type} ${name}`, entry);
    }
    return [...entries.values()].sort(entryOrder);
  }

  async *entries(folder: string, after?: string): AsyncGenerator<RepositoryEntry> {
    const last = { name: after ?? '', type: 'file' };
    for (const entry of await this.list(folder)) if (entryOrder(entry, last) > 0) yield entry;
  }

  async stat(path: string): Promise<RepositoryEntry | null> {
    this.#look(pathSegments(path));
    if (this.bucket.get(path) !== undefined || Extents.of(this.bucket, path) !== null)
      return this.#file(path);
    for (const _ of this.#paths(`${path}/`)) return this.#folder(path);
    return null;
  }

  async openRead(path: string): Promise<ReadableFile> {
    this.#look(pathSegments(path));
    const { bytes, stamp } = this.#content(path) ?? this.#fail('FILE_MISSING', path);
    return {
      path,
      read: async (target, offset) => {
        this.#look([]);
        this.#assertVersion(path, stamp);
        const part = bytes.subarray(offset, offset + target.length);
        target.set(part);
        return part.length;
      },
      stamp: async () => stamp,
      close: async () => undefined,
    };
  }

  openReadPastCache(path: string): Promise<ReadableFile> {
    return Promise.reject(
      new BackupError('REPOSITORY_UNSUITED', `${path} is read as the store answers`),
    );
  }

  async capacity(): Promise<RepositoryCapacity> {
    return { totalBytes: 2 ** 50, freeBytes: 2 ** 49 };
  }

  async put(path: string, bytes: Uint8Array, { expected }: PutOptions = {}): Promise<void> {
    this.#look(pathSegments(path));
    this.assertMayWrite();
    const request = { kind: 'put', path, length: bytes.length } as const;
    const begun = this.requests.begin(request, expected);
    await this.requests.meanwhile(begun);
    this.requests.do(begun, expected, (bucket) => bucket.put(path, bytes));
  }

  async putNew(path: string, bytes: Uint8Array): Promise<boolean> {
    try {
      await this.put(path, bytes, { expected: null });
      return true;
    } catch (error) {
      if (error instanceof BackupError && error.code === 'WRITE_CONFLICT') return false;
      throw error;
    }
  }

  async putAll(files: readonly SmallFile[]): Promise<void> {
    for (const { path, bytes } of files) await this.put(path, bytes);
  }

  async makePlace(...folders: readonly string[]): Promise<void> {
    for (const folder of folders) this.#look(folderSegments(folder));
  }

  async openWork(path: string, token: string, open?: 'existing'): Promise<WorkFile> {
    this.#look(pathSegments(path));
    const begun = Extents.of(this.bucket, path);
    if (open === 'existing' && begun?.token !== token) this.#fail('FILE_MISSING', path);
    const extents = new Extents(this.bucket, path, token);
    const flush = async (): Promise<void> => {
      for (const { key, bytes } of extents.requests())
        this.#request(
          { kind: bytes === null ? 'delete' : 'put', path: key, length: bytes?.length ?? 0 },
          undefined,
          (bucket) => (bytes === null ? bucket.delete(key) : bucket.put(key, bytes)),
        );
    };
    return {
      path,
      read: async (target, offset) => {
        this.#look([]);
        return extents.read(target, offset);
      },
      write: async (source, offset) => extents.write(Buffer.from(source), offset),
      truncate: async (sizeBytes) => extents.truncate(sizeBytes),
      stamp: async () => ({ ...NO_STAMP, sizeBytes: extents.sizeBytes }),
      flush,
      sync: flush,
      close: async () => undefined,
    };
  }

  async publish(files: readonly Move[]): Promise<void> {
    for (const { from, to } of files) {
      this.#look([...pathSegments(from), ...pathSegments(to)]);
      if (this.bucket.get(to) === undefined) this.#name(from, to);
      this.#discard(from);
    }
  }

  async move(moves: readonly Move[]): Promise<void> {
    for (const { from, to } of moves) {
      this.#look([...pathSegments(from), ...pathSegments(to)]);
      if (this.#content(from) !== null) {
        this.#name(from, to);
        this.#discard(from);
      }
      for (const path of [...this.#paths(`${from}/`)]) {
        this.#name(path, `${to}${path.slice(from.length)}`);
        this.#discard(path);
      }
    }
  }

  async remove(...paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      this.#look(pathSegments(path));
      this.#discard(path);
    }
  }

  async removeAll(folder: string): Promise<void> {
    this.#look(pathSegments(folder));
    for (const key of this.bucket.keys(`${folder}/`)) this.#delete(key);
  }

  async patch(path: string, offset: number, bytes: Uint8Array): Promise<void> {
    this.#look(pathSegments(path));
    const object = this.bucket.get(path) ?? this.#fail('FILE_MISSING', path);
    const patched = Buffer.from(object.bytes);
    patched.set(bytes, offset);
    await this.put(path, patched, { expected: object.stamp });
  }

  async settle(): Promise<void> {
    this.#look([]);
  }

  #name(from: string, to: string): void {
    const { bytes } = this.#content(from) ?? this.#fail('FILE_MISSING', from);
    this.#request({ kind: 'put', path: to, length: bytes.length }, undefined, (bucket) =>
      bucket.put(to, bytes),
    );
  }

  /** An object and the work beside it. */
  #discard(path: string): void {
    if (this.bucket.get(path) !== undefined) this.#delete(path);
    // Without its token nothing is begun any more: with it, what is half deleted would be a shorter file.
    if (this.bucket.get(`${path}.work/token`) !== undefined) this.#delete(`${path}.work/token`);
    for (const key of this.bucket.keys(`${path}.work/`)) this.#delete(key);
  }

  /** Only the version that was seen: a request that lands late takes nothing that was put since. */
  #delete(key: string): void {
    const seen = this.bucket.get(key);
    this.#request({ kind: 'delete', path: key, length: 0 }, undefined, (bucket) => {
      const found = bucket.get(key);
      if (seen !== undefined && found !== undefined && sameStamp(found.stamp, seen.stamp))
        bucket.delete(key);
    });
  }

  #content(path: string): StoredObject | null {
    return this.bucket.get(path) ?? Extents.of(this.bucket, path)?.content() ?? null;
  }

  /** As a `GET` of a range with `If-Match`: of a name that was put again there is no old version. Work that got its name is the same bytes. */
  #assertVersion(path: string, opened: FileStamp): void {
    const stored = this.bucket.get(path);
    if (stored === undefined && this.#content(path) === null) this.#fail('FILE_MISSING', path);
    if (stored !== undefined && !sameStamp(stored.stamp, opened))
      this.#fail('SOURCE_CHANGED', path);
  }

  /** Of objects and of work, ascending. */
  *#paths(prefix: string): Generator<string> {
    const seen = new Set<string>();
    for (const key of this.bucket.keys(prefix)) seen.add(workPathOf(key) ?? key);
    yield* [...seen].sort();
  }

  #file(path: string): RepositoryEntry {
    const stamp = this.#content(path)?.stamp ?? NO_STAMP;
    return {
      name: path.slice(parentFolder(path).length).replace('/', ''),
      path,
      type: 'file',
      stamp,
    };
  }

  #folder(path: string): RepositoryEntry {
    return { name: path.slice(path.lastIndexOf('/') + 1), path, type: 'folder', stamp: NO_STAMP };
  }

  #request(request: ChangeRequest, expected: FileStamp | null | undefined, effect: Effect): void {
    this.assertMayWrite();
    this.requests.do(this.requests.begin(request, expected), expected, effect);
  }

  #look(_segments: readonly string[]): void {
    this.requests.assertAlive();
  }

  #fail(code: ErrorCode, path: string): never {
    throw new BackupError(code, `Repository ${quoted(this.id)}: ${quoted(path)}: ${code}.`, {
      details: { repositoryId: this.id, path },
    });
  }
}

const NO_STAMP: FileStamp = { sizeBytes: 0, modifiedAtNs: '1', changedAtNs: '1', inode: '1' };
