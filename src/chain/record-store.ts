import { LRUCache } from 'lru-cache';
import { seenLook, type Presence } from '../domain/retention/absence.js';
import { BackupError, isBackupError, isUnreadable } from '../domain/errors.js';
import type { FileStamp } from '../domain/file-stamp.js';
import type { WorkloadType } from '../domain/sources/source-workload.js';
import type { BackupRepository, SourceRepository } from '../repository/backup-repository.js';
import { assertReadable, readWholeFile } from '../repository/replace-file.js';
import { isFileUnread } from '../repository/unread-file.js';
import { chainFolder } from './chain-paths.js';

/** 64 MiB: about 10,000 restore points of ten disks. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024;

/** Of files, in each thread; with what was read from them and the texts of their points it is some three times that (measured). A restore point
 *  of one disk has about 900 bytes, of two 1,350: a chain of 3,000 points fits. */
const KNOWN_BYTES = 4 * 1024 * 1024;

/** What every commit record says of itself, whatever it lists. */
export interface OwnedRecord {
  readonly jobId: string;
  readonly workload: { readonly id: string; readonly name: string; readonly type: WorkloadType };
  /** Grows by one with each write. */
  readonly revision: number;
  /** Grows when another session takes the record over; a commit that carries an older one is refused. */
  readonly epoch: number;
  /** Session part that owns the current epoch. */
  readonly owner: string | null;
  readonly presence: Presence;
}

/** Whose record lies where. */
export interface RecordIdentity {
  readonly jobId: string;
  readonly workload: OwnedRecord['workload'];
}

/** One kind of record: what it is called, and how it is written. */
interface RecordKind<R extends OwnedRecord> {
  readonly name: string;
  /** Second copy, written before the first. */
  readonly copyName: string;
  serialize(record: R): Buffer;
  /** @throws CHAIN_RECORD_CORRUPT, CHAIN_FORMAT_UNKNOWN */
  parse(bytes: Buffer, path: string): R;
  /** Of a folder without a record.
   *  @throws CHAIN_RECORD_LOST when there is what only a record can have vouched for */
  assertNoData(repository: SourceRepository, folder: string): Promise<void>;
}

/** A commit record in two copies, with a revision, an epoch and an owner (docs/FORMAT.md, Commit record).
 *
 *  The copy is written first, so it is equal to or one step ahead of the record, and a step ahead is safe to read: what it shows is durable
 *  already, and nothing it hides has been touched yet. Either may be lost, damaged or set back from outside (a restored folder, a sync tool):
 *  the newest that is whole is the record. Where a put can depend on what was read it is the other way round: the record first, then its copy
 *  (docs/FORMAT.md, Order, W5). */
export class RecordStore<R extends OwnedRecord> {
  /** By repository and folder, what was read or written last in this thread: each step of a copy reads both files of a record that grows with its
   *  chain. The bytes are read all the same; as long as they are these, the record is. Whoever has a record never changes it, but makes another one. */
  readonly #known = new LRUCache<string, KnownRecord<R>>({
    maxSize: KNOWN_BYTES,
    sizeCalculation: ({ bytes }) => bytes.length,
  });

  constructor(private readonly kind: RecordKind<R>) {}

  /** null: there is none.
   *  @throws CHAIN_RECORD_CORRUPT when none can be trusted, CHAIN_RECORD_LOST when there is none and its data are there, CHAIN_FOREIGN when
   *    the two are of different owners and none of them belongs here, CHAIN_FORMAT_UNKNOWN */
  async read(repository: SourceRepository, folder: string): Promise<R | null> {
    return (await this.#readBoth(repository, folder)).record;
  }

  /** Makes `next` the commit record: atomic and durable when it returns. Its revision must follow the one on disk.
   *  @throws STALE_EPOCH when the record has moved on since `next` was derived, RECORD_TOO_LARGE */
  async write(repository: BackupRepository, folder: string, next: R): Promise<R> {
    const { record: current, stamp } = await this.#readToWrite(repository, folder);
    if (current !== null && (current.revision !== next.revision || current.epoch > next.epoch))
      throw new BackupError(
        'STALE_EPOCH',
        `the chain in ${folder} is at revision ${current.revision} (epoch ${current.epoch}); a write based on revision ${next.revision} (epoch ${next.epoch}) was refused`,
        { details: { folder, revision: current.revision, epoch: current.epoch } },
      );
    const record = { ...next, revision: next.revision + 1 };
    await this.#writeBoth(repository, folder, record, stamp);
    return record;
  }

  /** The record under a new epoch owned by `owner`; made when there is none. Asking again with the same owner changes nothing.
   *  @param first what a record lists in the beginning
   *  @param seenAtMs when a source showed the workload, for this owner; null: nobody looked
   *  @throws CHAIN_FOREIGN when the folder belongs to another job or workload */
  async take(
    repository: BackupRepository,
    folder: string,
    { jobId, workload }: RecordIdentity,
    first: Omit<R, keyof OwnedRecord>,
    owner: string,
    seenAtMs: number | null,
  ): Promise<R> {
    const seen = seenAtMs === null ? null : seenLook(seenAtMs);
    const found = await this.#readToWrite(repository, folder);
    const { record: current } = found;
    if (current === null) {
      await repository.makePlace(folder);
      const presence = seen ?? { lastSeenAt: null, absence: null };
      const begun = { jobId, workload, revision: 0, epoch: 1, owner, presence };
      return this.write(repository, folder, { ...first, ...begun } as unknown as R);
    }
    if (current.jobId !== jobId || current.workload.id !== workload.id)
      throw new BackupError(
        'CHAIN_FOREIGN',
        `${folder} holds the chain of job ${current.jobId}, workload ${current.workload.name}`,
        { details: { folder, jobId: current.jobId, workloadId: current.workload.id } },
      );
    if (current.owner === owner) {
      await this.#settle(repository, folder, current, found);
      return current;
    }
    return this.write(repository, folder, {
      ...current,
      workload,
      epoch: current.epoch + 1,
      owner,
      presence: seen ?? current.presence,
    });
  }

  /** The record, as long as `epoch` still owns it, and durable: nothing may be done to files on the word of a record that a power cut takes
   *  back.
   *  @throws STALE_EPOCH, FILE_MISSING */
  async owned(repository: BackupRepository, folder: string, epoch: number): Promise<R> {
    const found = await this.#readToWrite(repository, folder);
    const { record } = found;
    if (record === null)
      throw new BackupError('FILE_MISSING', `there is no chain in ${folder}`, {
        details: { folder },
      });
    if (record.epoch !== epoch)
      throw new BackupError(
        'STALE_EPOCH',
        `the chain in ${folder} is owned by epoch ${record.epoch} now; this task belongs to epoch ${epoch}`,
        { details: { folder, epoch: record.epoch } },
      );
    await this.#settle(repository, folder, record, found);
    return record;
  }

  /** Before its content: who was overtaken in between is refused. */
  async #readToWrite(repository: BackupRepository, folder: string): Promise<FoundRecord<R>> {
    const stamp = repository.conditionalPut
      ? ((await repository.stat(`${folder}/${this.kind.name}`))?.stamp ?? null)
      : null;
    return { ...(await this.#readBoth(repository, folder)), stamp };
  }

  async #readBoth(
    repository: SourceRepository,
    folder: string,
  ): Promise<Omit<FoundRecord<R>, 'stamp'>> {
    const main = await this.#readFile(repository, folder, this.kind.name);
    const copy = await this.#readFile(repository, folder, this.kind.copyName);
    const record = await this.#recordOf(repository, folder, main, copy);
    const isSettled =
      record?.revision === main.record?.revision && record?.revision === copy.record?.revision;
    return { record, isSettled };
  }

  async #recordOf(
    repository: SourceRepository,
    folder: string,
    main: RecordFile<R>,
    copy: RecordFile<R>,
  ): Promise<R | null> {
    if (main.record !== null && copy.record !== null)
      return newerOf(folder, main.record, copy.record);
    const whole = main.record ?? copy.record;
    if (whole !== null) return whole;
    // What cannot be read may be read later, what is damaged not.
    const fault = [main.fault, copy.fault].find(isUnreadable) ?? main.fault ?? copy.fault;
    if (fault !== null) throw fault;
    await this.kind.assertNoData(repository, folder);
    return null;
  }

  async #readFile(
    repository: SourceRepository,
    folder: string,
    name: string,
  ): Promise<RecordFile<R>> {
    const path = `${folder}/${name}`;
    try {
      const bytes = await readWholeFile(repository, path, MAX_RECORD_BYTES);
      if (bytes === null) return { record: null, fault: null };
      const key = `${repository.id}:${folder}`;
      const known = this.#known.get(key);
      if (known?.bytes.equals(bytes)) return { record: known.record, fault: null };
      const record = this.kind.parse(bytes, path);
      this.#known.set(key, { bytes, record });
      return { record, fault: null };
    } catch (error) {
      if (!isBackupError(error)) throw error;
      if (await isFileUnread(repository, path, error)) return { record: null, fault: error };
      if (!FAULTS_OF_ONE_FILE.includes(error.code)) throw error;
      return { record: null, fault: recordCorrupt(path, error) };
    }
  }

  /** Where a put can be made to depend on what was read, it comes first: who loses the race has touched nothing. */
  async #writeBoth(
    repository: BackupRepository,
    folder: string,
    record: R,
    expected: FileStamp | null,
  ): Promise<void> {
    const bytes = this.kind.serialize(record);
    const [path, copyPath] = [`${folder}/${this.kind.name}`, `${folder}/${this.kind.copyName}`];
    assertReadable(path, bytes, MAX_RECORD_BYTES);
    if (!repository.conditionalPut) await repository.put(copyPath, bytes);
    await repository.put(path, bytes, repository.conditionalPut ? { expected } : {}).catch(stale);
    if (repository.conditionalPut) await repository.put(copyPath, bytes);
    this.#known.set(`${repository.id}:${folder}`, { bytes, record });
  }

  /** Ends a write that was stopped between the two files, and makes good a file that was lost; for the owner of the chain. Either way the
   *  record is durable afterwards: a process that was killed may have left one that only the cache knows. */
  async #settle(
    repository: BackupRepository,
    folder: string,
    record: R,
    { isSettled, stamp }: FoundRecord<R>,
  ): Promise<void> {
    if (isSettled) await repository.settle([folder]);
    else await this.#writeBoth(repository, folder, record, stamp);
  }
}

interface KnownRecord<R> {
  readonly bytes: Buffer;
  readonly record: R;
}

interface FoundRecord<R> {
  readonly record: R | null;
  /** Both files are of the record's revision. */
  readonly isSettled: boolean;
  /** Of the file that decides, where a put can depend on it; null: there is none. */
  readonly stamp: FileStamp | null;
}

/** Somebody else has written meanwhile. */
function stale(error: unknown): never {
  if (!isBackupError(error, 'WRITE_CONFLICT')) throw error;
  const { message, details } = error;
  throw new BackupError('STALE_EPOCH', message, { details, cause: error });
}

/** Neither a record nor a fault: the file is certainly absent. */
interface RecordFile<R> {
  readonly record: R | null;
  readonly fault: BackupError | null;
}

/** What makes one file useless, but says nothing about the other: damage, or a folder, link or device in its place. */
const FAULTS_OF_ONE_FILE: readonly string[] = [
  'CHAIN_RECORD_CORRUPT',
  'FILE_TOO_LARGE',
  'PATH_FORBIDDEN',
];

function recordCorrupt(path: string, error: BackupError): BackupError {
  if (error.code === 'CHAIN_RECORD_CORRUPT') return error;
  return new BackupError('CHAIN_RECORD_CORRUPT', error.message, {
    details: { path },
    cause: error,
  });
}

/** Of one chain the one with the higher revision; equal ones are equal. Of two chains the one that belongs in this folder. */
function newerOf<R extends OwnedRecord>(folder: string, main: R, copy: R): R {
  if (isSameChain(main, copy)) return copy.revision > main.revision ? copy : main;
  const own = [main, copy].filter((record) => isAtHome(folder, record));
  if (own.length === 1) return own[0]!;
  throw new BackupError(
    'CHAIN_FOREIGN',
    `${folder} holds records of two chains: of job ${main.jobId}, workload ${main.workload.name}, and of job ${copy.jobId}, workload ${copy.workload.name}`,
    { details: { folder } },
  );
}

function isSameChain(a: RecordIdentity, b: RecordIdentity): boolean {
  return a.jobId === b.jobId && a.workload.id === b.workload.id;
}

/** Whether the record lies where the chain that it names is looked for. A chain that was moved elsewhere can be copied from, no more. */
export function isAtHome(folder: string, { jobId, workload }: RecordIdentity): boolean {
  return folder === chainFolder(jobId, workload.id);
}

/** For readers, once their lease is there to be seen: a folder that is about to get another job is read by nobody any more.
 *  @throws RESTORE_POINT_MISSING */
export function assertAtHome(folder: string, record: RecordIdentity): void {
  if (!isAtHome(folder, record))
    throw new BackupError(
      'RESTORE_POINT_MISSING',
      `what lies in ${folder} belongs to ${record.jobId} now, and is moved there`,
    );
}
