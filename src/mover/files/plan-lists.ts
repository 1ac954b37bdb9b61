import { WINDOW_BYTES } from '../../domain/digest.js';
import type { FileClass } from '../../domain/tree-rules.js';
import type { BackupRepository, WritableFile } from '../../repository/backup-repository.js';
import { lineOf, LineWriter, type FileEntry } from '../../tree/file-index.js';
import { FileListWriter, type ListForm } from './file-lists.js';
import { partsOf } from './staged-files.js';
import { plannedLine, treeStaged, type PlannedClass, type PlannedFile } from './tree-plan.js';

/** Writes the lists of one class while its files are found, in the order of their paths. */
export class PlanLists {
  #markCount = 0;

  private constructor(
    private readonly name: string,
    private readonly files: FileListWriter<PlannedFile>,
    private readonly marked: WritableFile,
    private readonly marks: LineWriter,
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
      const marks = await target.openWork(path('marks'), token);
      return new PlanLists(fileClass.name, lists, marks, new LineWriter(marks));
    } catch (error) {
      await lists.close();
      throw error;
    }
  }

  add(file: PlannedFile): Promise<void> | undefined {
    return this.files.add(file);
  }

  /** An entry that changes although nothing is copied. */
  mark(entry: FileEntry): Promise<void> | undefined {
    this.#markCount++;
    return this.marks.add(lineOf(entry));
  }

  /** All of it durable. */
  async end(): Promise<PlannedClass> {
    try {
      const listed = await this.files.end();
      await this.marks.end();
      return { class: this.name, ...listed, markCount: this.#markCount };
    } finally {
      await this.marked.close();
    }
  }
}

/** Large ones get their names one after the other, when all of them are there; so do those of a sequence. */
function formOf({ inSequence }: FileClass): ListForm<PlannedFile> {
  return {
    line: plannedLine,
    isLarge: ({ stamp: { sizeBytes } }) =>
      sizeBytes > WINDOW_BYTES || (inSequence === true && sizeBytes > 0),
    windowsOf: partsOf,
  };
}
