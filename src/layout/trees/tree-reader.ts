import { BackupError, isBackupError } from '../../domain/errors.js';
import { mostJsonValues } from '../../domain/sources/json-values.js';
import { fileByteSource, type ByteSource } from '../../image/byte-source.js';
import type { RepositoryEntry, SourceRepository } from '../../repository/backup-repository.js';
import { readWholeFile } from '../../repository/replace-file.js';
import { quoted } from '../../repository/repository-path.js';
import type { FormatId } from '../../domain/sources/source-workload.js';
import { FolderFacts } from '../file-facts.js';
import { faultOfError, type Finding, type PointFault } from '../point-fault.js';
import type { TreeReader } from '../tree-layout.js';
import { isOfOnePlace } from '../unread-place.js';
import { wholeImageFault } from '../images/whole-image.js';

/** What is read at once tells what a backup is; it is not the backup. */
const MAX_READ_BYTES = 1024 * 1024;
/** Of a description: up to some 60 bytes of memory each. A real list of files has one in 10 to 20 bytes. */
const MAX_JSON_VALUES = 8 * 1024 * 1024;

/** Reads below one folder of a source. Paths come out of the files of backups, so one that leads elsewhere is refused. */
export class FolderReader implements TreeReader {
  constructor(
    private readonly repository: SourceRepository,
    private readonly folder: string,
    private readonly facts = FolderFacts.unknown(repository, folder),
    private readonly onUnread: (error: unknown) => void = (error) => {
      throw error;
    },
  ) {}

  get repositoryId(): string {
    return this.repository.id;
  }

  async list(folder: string): Promise<RepositoryEntry[]> {
    this.#assertWithin(folder);
    const entries = await this.repository.list(folder);
    return entries
      .filter(({ type }) => type !== 'other')
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async leftOut(folder: string): Promise<string[]> {
    this.#assertWithin(folder);
    const entries = await this.repository.list(folder);
    return entries.flatMap(({ type, name }) => (type === 'other' ? [name] : [])).sort();
  }

  async orTell<T>(look: () => Promise<T>): Promise<T | null> {
    try {
      return await look();
    } catch (error) {
      if (!isOfOnePlace(error)) throw error;
      this.onUnread(error);
      return null;
    }
  }

  async read(path: string, offset: number, length: number): Promise<Uint8Array> {
    this.#assertWithin(path);
    const file = await this.repository.openRead(path);
    try {
      const from = offset < 0 ? Math.max(0, (await file.stamp()).sizeBytes + offset) : offset;
      const bytes = new Uint8Array(Math.min(length, MAX_READ_BYTES));
      return bytes.subarray(0, await file.read(bytes, from));
    } finally {
      await file.close();
    }
  }

  wholeFault(entry: RepositoryEntry, format: FormatId): Promise<PointFault | null> {
    this.#assertWithin(entry.path);
    return wholeImageFault(this.facts, entry, format);
  }

  async look<T>(path: string, read: (source: ByteSource) => Promise<T>): Promise<T> {
    this.#assertWithin(path);
    const file = await this.repository.openRead(path);
    try {
      return await read(await fileByteSource(file));
    } finally {
      await file.close();
    }
  }

  factOf<T>(
    entry: RepositoryEntry,
    about: string,
    read: (source: ByteSource) => Promise<T>,
  ): Promise<Finding<T>> {
    return this.facts.fact(entry, about, async () => {
      try {
        return { value: await this.look(entry.path, read) };
      } catch (error) {
        const found = faultOfError(error);
        if (found.fault.state === 'unknown') throw error;
        return found;
      }
    });
  }

  async readJson(path: string, maxBytes: number): Promise<unknown> {
    this.#assertWithin(path);
    let bytes: Buffer | null;
    try {
      bytes = await readWholeFile(this.repository, path, maxBytes);
    } catch (error) {
      if (isBackupError(error, 'FILE_TOO_LARGE')) return null;
      throw error;
    }
    if (bytes === null)
      throw new BackupError('FILE_MISSING', `there is no file ${quoted(path)}`, {
        details: { path },
      });
    if (mostJsonValues(bytes) > MAX_JSON_VALUES) return null;
    try {
      return JSON.parse(bytes.toString('utf8')) as unknown;
    } catch {
      return null;
    }
  }

  #assertWithin(path: string): void {
    const isWithin =
      this.folder === '' || path === this.folder || path.startsWith(`${this.folder}/`);
    if (isWithin && !path.split('/').includes('..')) return;
    throw new BackupError(
      'PATH_FORBIDDEN',
      `${quoted(path)} lies outside of ${quoted(this.folder)}, the folder of the backup that names it`,
      { details: { path } },
    );
  }
}
