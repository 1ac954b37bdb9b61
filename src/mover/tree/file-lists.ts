import type {
  BackupRepository,
  ReadableFile,
  SourceRepository,
  WritableFile,
} from '../../repository/backup-repository.js';
import { LineWriter } from '../../tree/file-index.js';
import type { FileStamp } from '../../domain/file-stamp.js';
import { WINDOW_BYTES } from '../../domain/targets/digest.js';
import { openTogether, type OpenFiles } from '../task/open-files.js';
import { damagedList, readingList } from './staged-list.js';
import { PLACE_BYTES, placeAt, placeBytes, type WindowPlace } from './window-places.js';

/** `small`, `large`: files, a line each. `windows`, `parts`: where in them the work of each window stands. */
export type FileList = 'small' | 'large' | 'windows' | 'parts';

/** Small files come first, up to 1,024 of them in one window; then the windows of large ones, one after the other. */
export interface ListedFiles {
  readonly smallCount: number;
  readonly smallWindows: number;
  readonly largeCount: number;
  readonly largeWindows: number;
  readonly sizeBytes: number;
}

/** Where the lists lie, and whose they are. */
export interface ListsPlace {
  readonly repository: BackupRepository;
  readonly token: string;
  readonly path: (list: FileList) => string;
}

/** What is to be known of the files of a list. */
export interface ListForm<T> {
  line(file: T): string;
  isLarge(file: T): boolean;
  /** Windows of a large file. */
  windowsOf(file: T): number;
}

/** Files of a window: more would hold too much of a run that is stopped. */
export const FILES_OF_A_WINDOW = 1_024;

const TABLE_ENTRIES = 4_096;

/** Lines of a window have less: a path has at most 4,096 bytes, and each of them six characters of JSON. */
const MAX_PLACE_BYTES = 64 * 1024 * 1024;

/** Writes lists of files while they are found. */
export class FileListWriter<T extends { readonly stamp: Pick<FileStamp, 'sizeBytes'> }> {
  readonly #window = { offset: 0, bytes: 0, count: 0 };
  #windows: Buffer[] = [];
  #parts: Buffer[] = [];
  #smallCount = 0;
  #largeCount = 0;
  #sizeBytes = 0;
  #written = { windows: 0, parts: 0 };

  private constructor(
    private readonly form: ListForm<T>,
    private readonly lines: Record<'small' | 'large', LineWriter>,
    private readonly tables: Record<'windows' | 'parts', WritableFile>,
    private readonly files: OpenFiles,
  ) {}

  static async open<T extends { readonly stamp: Pick<FileStamp, 'sizeBytes'> }>(
    { repository, token, path }: ListsPlace,
    form: ListForm<T>,
  ): Promise<FileListWriter<T>> {
    return openTogether(async (files) => {
      const open = async (list: FileList): Promise<WritableFile> =>
        files.add(await repository.openWork(path(list), token));
      const lines = {
        small: new LineWriter(await open('small')),
        large: new LineWriter(await open('large')),
      };
      const tables = { windows: await open('windows'), parts: await open('parts') };
      return new FileListWriter(form, lines, tables, files);
    });
  }

  /** @returns what has to be awaited before the next call; undefined: nothing */
  add(file: T): Promise<void> | undefined {
    this.#sizeBytes += file.stamp.sizeBytes;
    return this.form.isLarge(file) ? this.#addLarge(file) : this.#addSmall(file);
  }

  /** All of it durable, and closed. */
  async end(): Promise<ListedFiles> {
    try {
      this.#endWindow();
      const smallWindows = this.#written.windows + this.#windows.length;
      const largeWindows = this.#written.parts + this.#parts.length;
      await this.#flush('windows', this.#windows);
      await this.#flush('parts', this.#parts);
      for (const file of [this.tables.windows, this.tables.parts]) await file.sync();
      for (const writer of Object.values(this.lines)) await writer.end();
      const counts = { smallCount: this.#smallCount, largeCount: this.#largeCount };
      return { ...counts, smallWindows, largeWindows, sizeBytes: this.#sizeBytes };
    } finally {
      await this.close();
    }
  }

  close(): Promise<void> {
    return this.files.close();
  }

  #addSmall(file: T): Promise<void> | undefined {
    const { sizeBytes } = file.stamp;
    const window = this.#window;
    if (window.count === FILES_OF_A_WINDOW || window.bytes + sizeBytes > WINDOW_BYTES)
      this.#endWindow();
    window.count++;
    window.bytes += sizeBytes;
    this.#smallCount++;
    const wait = this.lines.small.add(this.form.line(file));
    if (this.#windows.length < TABLE_ENTRIES) return wait;
    const windows = this.#windows.splice(0);
    return (wait ?? Promise.resolve()).then(() => this.#flush('windows', windows));
  }

  #endWindow(): void {
    const window = this.#window;
    const end = this.lines.small.sizeBytes;
    if (window.count > 0)
      this.#windows.push(
        placeBytes({ offset: window.offset, length: end - window.offset, part: window.count }),
      );
    Object.assign(window, { offset: end, bytes: 0, count: 0 });
  }

  async #addLarge(file: T): Promise<void> {
    const offset = this.lines.large.sizeBytes;
    await this.lines.large.add(this.form.line(file));
    const length = this.lines.large.sizeBytes - offset;
    this.#largeCount++;
    const parts = this.form.windowsOf(file);
    for (let part = 0; part < parts; part++) {
      this.#parts.push(placeBytes({ offset, length, part }));
      if (this.#parts.length >= TABLE_ENTRIES) await this.#flush('parts', this.#parts.splice(0));
    }
  }

  async #flush(table: 'windows' | 'parts', entries: readonly Buffer[]): Promise<void> {
    if (entries.length === 0) return;
    await this.tables[table].write(Buffer.concat(entries), this.#written[table] * PLACE_BYTES);
    this.#written[table] += entries.length;
  }
}

/** Lists of files, read by windows. Each read of what is not as it was written throws STAGING_INVALID. */
export class FileListReader<T> {
  private constructor(
    readonly listed: ListedFiles,
    private readonly parse: (line: string) => T,
    private readonly lists: Record<FileList, ReadableFile>,
    private readonly of: { readonly repository: SourceRepository; readonly files: OpenFiles },
  ) {}

  static async open<T>(
    { repository, path }: Pick<ListsPlace, 'path'> & { readonly repository: SourceRepository },
    listed: ListedFiles,
    parse: (line: string) => T,
  ): Promise<FileListReader<T>> {
    return openTogether(async (files) => {
      const open = async (list: FileList): Promise<ReadableFile> =>
        files.add(await readingList(repository, path(list), () => repository.openRead(path(list))));
      const lists = {
        ...{ small: await open('small'), large: await open('large') },
        ...{ windows: await open('windows'), parts: await open('parts') },
      };
      return new FileListReader(listed, parse, lists, { repository, files });
    });
  }

  isSmall(window: number): boolean {
    return window < this.listed.smallWindows;
  }

  async smallFiles(window: number): Promise<T[]> {
    const place = await this.#place('windows', window);
    return this.#filesAt('small', place, place.part);
  }

  /** The large file that the window is a part of, and which part. */
  async largePart(window: number): Promise<{ file: T; part: number }> {
    const place = await this.#place('parts', window - this.listed.smallWindows);
    const [file] = await this.#filesAt('large', place, 1);
    return { file: file!, part: place.part };
  }

  close(): Promise<void> {
    return this.of.files.close();
  }

  async #place(table: 'windows' | 'parts', index: number): Promise<WindowPlace> {
    return placeAt(await this.#read(table, index * PLACE_BYTES, PLACE_BYTES), 0);
  }

  async #filesAt(list: 'small' | 'large', place: WindowPlace, count: number): Promise<T[]> {
    const bytes = await this.#read(list, place.offset, place.length);
    const lines = bytes.toString('utf8').trimEnd().split('\n');
    const { path } = this.lists[list];
    if (lines.length !== count)
      throw damagedList(path, `${lines.length} files stand where there were ${count}`);
    return readingList(this.of.repository, path, () => Promise.resolve(lines.map(this.parse)));
  }

  /** What a damaged table names may lie anywhere. */
  async #read(list: FileList, offset: number, length: number): Promise<Buffer> {
    const file = this.lists[list];
    return readingList(this.of.repository, file.path, async () => {
      const isPlace = Number.isSafeInteger(offset) && offset >= 0 && length <= MAX_PLACE_BYTES;
      const bytes = Buffer.alloc(isPlace ? length : 0);
      if (!isPlace || (await file.read(bytes, offset)) < length)
        throw new SyntaxError('it ends before what its windows name');
      return bytes;
    });
  }
}
