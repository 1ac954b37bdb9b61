import { WINDOW_BYTES } from '../../domain/digest.js';
import type { FileClass } from '../../domain/tree-rules.js';
import type { BackupRepository, WritableFile } from '../../repository/backup-repository.js';
import { lineOf, LineWriter, type FileEntry } from '../../tree/file-index.js';
import { OpenFiles } from '../task/open-files.js';
import {
  FILES_OF_A_WINDOW,
  plannedLine,
  treeStaged,
  type PlannedClass,
  type PlannedFile,
  type StagedList,
} from './tree-plan.js';
import { PLACE_BYTES, placeBytes } from './window-places.js';

/** Writes the lists of one class while its files are found, in the order of their paths. */
export class PlanLists {
  readonly #files = new OpenFiles();
  readonly #window = { offset: 0, bytes: 0, count: 0 };
  #windows: Buffer[] = [];
  #parts: Buffer[] = [];
  #smallCount = 0;
  #largeCount = 0;
  #markCount = 0;
  #sizeBytes = 0;
  #written = { windows: 0, parts: 0 };

  private constructor(
    private readonly name: string,
    private readonly lines: Record<'small' | 'large' | 'marks', LineWriter>,
    private readonly tables: Record<'windows' | 'parts', WritableFile>,
    private readonly isSequence: boolean,
  ) {}

  static async open(
    target: BackupRepository,
    tree: string,
    { name, inSequence }: FileClass,
    classIndex: number,
    token: string,
  ): Promise<PlanLists> {
    const files = new OpenFiles();
    const open = async (list: StagedList): Promise<WritableFile> =>
      files.add(await target.openWork(treeStaged.list(tree, classIndex, list), token));
    try {
      const lists = new PlanLists(
        name,
        {
          small: new LineWriter(await open('small')),
          large: new LineWriter(await open('large')),
          marks: new LineWriter(await open('marks')),
        },
        { windows: await open('windows'), parts: await open('parts') },
        inSequence === true,
      );
      lists.#files.add(files);
      return lists;
    } catch (error) {
      await files.close();
      throw error;
    }
  }

  add(file: PlannedFile): Promise<void> | undefined {
    const { sizeBytes } = file.stamp;
    this.#sizeBytes += sizeBytes;
    // Large ones get their names one after the other, when all of them are there.
    const isLarge = sizeBytes > WINDOW_BYTES || (this.isSequence && sizeBytes > 0);
    return isLarge ? this.#addLarge(file) : this.#addSmall(file);
  }

  /** An entry that changes although nothing is copied. */
  mark(entry: FileEntry): Promise<void> | undefined {
    this.#markCount++;
    return this.lines.marks.add(lineOf(entry));
  }

  /** All of it durable. */
  async end(): Promise<PlannedClass> {
    try {
      this.#endWindow();
      const smallWindows = this.#written.windows + this.#windows.length;
      const largeWindows = this.#written.parts + this.#parts.length;
      await this.#flush('windows', this.#windows);
      await this.#flush('parts', this.#parts);
      for (const file of [this.tables.windows, this.tables.parts]) await file.sync();
      for (const writer of Object.values(this.lines)) await writer.end();
      return {
        ...{ class: this.name, smallWindows, largeWindows },
        ...{ smallCount: this.#smallCount, largeCount: this.#largeCount },
        ...{ sizeBytes: this.#sizeBytes, markCount: this.#markCount },
      };
    } finally {
      await this.#files.close();
    }
  }

  #addSmall(file: PlannedFile): Promise<void> | undefined {
    const { sizeBytes } = file.stamp;
    const window = this.#window;
    if (window.count === FILES_OF_A_WINDOW || window.bytes + sizeBytes > WINDOW_BYTES)
      this.#endWindow();
    window.count++;
    window.bytes += sizeBytes;
    this.#smallCount++;
    const wait = this.lines.small.add(plannedLine(file));
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

  async #addLarge(file: PlannedFile): Promise<void> {
    const offset = this.lines.large.sizeBytes;
    await this.lines.large.add(plannedLine(file));
    const length = this.lines.large.sizeBytes - offset;
    this.#largeCount++;
    const parts = Math.ceil(file.stamp.sizeBytes / WINDOW_BYTES);
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

const TABLE_ENTRIES = 4_096;
