import type { FileClass } from '../../../domain/trees/tree-rules.js';
import type { BackupRepository, WorkFile } from '../../../repository/backup-repository.js';
import { lineOf, LineWriter, type FileEntry } from '../../../tree/file-index.js';
import { openTogether, type OpenFiles } from '../../task/open-files.js';
import { JournalWriter, type JournalPlace } from '../../task/window-journal.js';
import { FileListWriter, type ListForm } from '../file-lists.js';
import { nameLine, type PlannedName } from '../copy/planned-names.js';
import { partsOf, smallJournal } from '../copy/staged-files.js';
import { isStagedAlone } from './stale-large.js';
import { plannedLine, treeStaged, type PlannedClass, type PlannedFile } from '../tree-plan.js';

interface OpenedLists {
  readonly files: OpenFiles;
  readonly names: () => Promise<WorkFile>;
  readonly journal: () => Promise<WorkFile>;
  readonly journalPlace: JournalPlace;
}

/** Writes the lists of one class while its files are found, in the order of their paths. */
export class PlanLists {
  #markCount = 0;
  #nameCount = 0;
  #hasHeld = false;
  /** null: there is none yet. */
  #names: LineWriter | null = null;

  private constructor(
    private readonly fileClass: string,
    private readonly files: FileListWriter<PlannedFile>,
    private readonly marks: LineWriter,
    private readonly opened: OpenedLists,
  ) {}

  static async open(
    target: BackupRepository,
    tree: string,
    fileClass: FileClass,
    classIndex: number,
    token: string,
  ): Promise<PlanLists> {
    const path = (list: Parameters<typeof treeStaged.list>[2]) =>
      treeStaged.list(tree, classIndex, list);
    const lists = await FileListWriter.open({ repository: target, token, path }, formOf(fileClass));
    try {
      return await openTogether(async (files) => {
        const marks = new LineWriter(files.add(await target.openWork(path('marks'), token)));
        const names = () => target.openWork(path('names'), token);
        const journalPlace = smallJournal(tree, classIndex, token);
        const journal = () => target.openWork(journalPlace.path, token);
        const opened = { files, names, journal, journalPlace };
        return new PlanLists(fileClass.name, lists, marks, opened);
      });
    } catch (error) {
      await lists.close();
      throw error;
    }
  }

  add(file: PlannedFile): Promise<void> | undefined {
    if (file.held !== null) this.#hasHeld = true;
    return this.files.add(file);
  }

  /** An entry that changes although nothing is copied. */
  mark(entry: FileEntry): Promise<void> | undefined {
    this.#markCount++;
    return this.marks.add(lineOf(entry));
  }

  /** An entry that does not count as gone any more, where it did. */
  markShown(entry: FileEntry): Promise<void> | undefined {
    return entry.goneSinceMs === null ? undefined : this.mark({ ...entry, goneSinceMs: null });
  }

  /** A file that is another name of one that the copy has, or gets. */
  async addName(name: PlannedName): Promise<void> {
    this.#nameCount++;
    this.#names ??= new LineWriter(this.opened.files.add(await this.opened.names()));
    await this.#names.add(nameLine(name));
  }

  async #beginJournal(windowCount: number): Promise<void> {
    const journal = this.opened.files.add(await this.opened.journal());
    await new JournalWriter(journal, this.opened.journalPlace).begin(windowCount);
  }

  /** All of it durable. */
  async end(): Promise<PlannedClass> {
    try {
      const listed = await this.files.end();
      await this.marks.end();
      await this.#names?.end();
      const counts = { markCount: this.#markCount, nameCount: this.#nameCount };
      const isNoted = this.#hasHeld && listed.smallWindows > 0;
      if (isNoted) await this.#beginJournal(listed.smallWindows);
      return { class: this.fileClass, ...listed, ...counts, ...(isNoted ? { isNoted } : {}) };
    } finally {
      await this.opened.files.close();
    }
  }
}

function formOf(fileClass: FileClass): ListForm<PlannedFile> {
  return {
    line: plannedLine,
    isLarge: (file) => isStagedAlone(file, fileClass),
    windowsOf: partsOf,
  };
}
