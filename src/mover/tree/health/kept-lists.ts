import type { FileWork } from '../../../domain/trees/tree-damage.js';
import type { BackupRepository } from '../../../repository/backup-repository.js';
import { lineOf, parseEntry, type FileEntry } from '../../../tree/file-index.js';
import {
  FILES_OF_A_WINDOW,
  FileListReader,
  type ListedFiles,
  type ListForm,
  type ListsPlace,
} from '../file-lists.js';
import { partsOfEntry } from '../file-parts.js';
import { mergeStreams, SortedStream } from '../../../tree/sorted-stream.js';
import { firstOpenWindow, WindowJournal, type JournalPlace } from '../../task/window-journal.js';
import { OpenFiles } from '../../task/open-files.js';

/** Files of a copy that are read, healed or restored: entries of its index in lists, and a journal of what came of each window. */
export interface KeptFiles {
  readonly repository: BackupRepository;
  readonly folder: string;
  /** Of these lists, where one folder has several: `''`, `repair-`. */
  readonly prefix: string;
  readonly token: string;
}

export function listsPlace({ repository, folder, prefix, token }: KeptFiles): ListsPlace {
  return { repository, token, path: (list) => `${folder}/${prefix}${list}` };
}

/** A byte for each file of a window; of a part of a large one the first. */
export function keptJournal({ folder, prefix, token }: KeptFiles): JournalPlace {
  return { path: `${folder}/${prefix}journal`, token, payloadBytes: FILES_OF_A_WINDOW };
}

/** A large file has a table of digests.
 *  @param isOnePiece of a file: it is read from its start to its end by one */
export function entryForm(isOnePiece: (entry: FileEntry) => boolean): ListForm<FileEntry> {
  return {
    line: lineOf,
    isLarge: ({ table }) => table !== null,
    windowsOf: (entry) => (isOnePiece(entry) ? 1 : partsOfEntry(entry)),
  };
}

export function openLists(
  files: KeptFiles,
  listed: ListedFiles,
): Promise<FileListReader<FileEntry>> {
  return FileListReader.open(listsPlace(files), listed, parseEntry);
}

export async function fileWork(files: KeptFiles, listed: ListedFiles): Promise<FileWork> {
  const windowCount = windowsOf(listed);
  return {
    windowCount,
    firstOpenWindow: await firstOpenWindow(files.repository, keptJournal(files), windowCount),
    fileCount: listed.smallCount + listed.largeCount,
    sizeBytes: listed.sizeBytes,
  };
}

export function windowsOf({ smallWindows, largeWindows }: ListedFiles): number {
  return smallWindows + largeWindows;
}

/** What came of a file: of a large one, of its parts. */
export interface KeptOutcome {
  readonly path: string;
  readonly entry: FileEntry;
  /** Bytes of the journal. */
  readonly noted: readonly number[];
}

/** What came of all files, in the order of their paths.
 *  @throws STAGING_INVALID when a window is not done */
export async function* keptOutcomes(
  files: KeptFiles,
  listed: ListedFiles,
): AsyncGenerator<readonly KeptOutcome[]> {
  if (windowsOf(listed) === 0) return;
  const opened = new OpenFiles();
  try {
    const lists = opened.add(await openLists(files, listed));
    const place = keptJournal(files);
    const file = await files.repository.openWork(place.path, place.token, 'existing');
    const journal = new WindowJournal(opened.add(file), place);
    yield* mergeStreams([
      await SortedStream.of(smallOutcomes(lists, journal)),
      await SortedStream.of(largeOutcomes(lists, journal)),
    ]);
  } finally {
    await opened.close();
  }
}

async function* smallOutcomes(
  lists: FileListReader<FileEntry>,
  journal: WindowJournal,
): AsyncGenerator<readonly KeptOutcome[]> {
  for (let window = 0; window < lists.listed.smallWindows; window++) {
    const payload = await journal.read(window, 1);
    const entries = await lists.smallFiles(window);
    yield entries.map((entry, index) => ({
      path: entry.path,
      entry,
      noted: [...payload.subarray(index, index + 1)],
    }));
  }
}

async function* largeOutcomes(
  lists: FileListReader<FileEntry>,
  journal: WindowJournal,
): AsyncGenerator<readonly KeptOutcome[]> {
  const end = windowsOf(lists.listed);
  let open: { entry: FileEntry; noted: number[] } | null = null;
  for (let window = lists.listed.smallWindows; window < end; window++) {
    const { file: entry } = await lists.largePart(window);
    const [noted = 0] = await journal.read(window, 1);
    if (open?.entry.path === entry.path) open.noted.push(noted);
    else {
      if (open !== null) yield [{ path: open.entry.path, ...open }];
      open = { entry, noted: [noted] };
    }
  }
  if (open !== null) yield [{ path: open.entry.path, ...open }];
}
