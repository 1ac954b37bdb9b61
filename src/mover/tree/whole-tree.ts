import { compareBytes } from '../../domain/byte-order.js';
import { mergeStreams, SortedStream, type Sorted } from '../../tree/sorted-stream.js';
import type { FileEntry } from '../../tree/file-index.js';
import { readIndex } from '../../tree/read-index.js';
import { FILES_FOLDER } from '../../tree/tree-paths.js';
import type { TreeRecord } from '../../tree/tree-record.js';
import type { FileStamp } from '../../domain/file-stamp.js';
import type { RepositoryEntry, SourceRepository } from '../../repository/backup-repository.js';

export interface LyingFile extends Sorted {
  /** What it is by now; folders are gone through. */
  readonly type: RepositoryEntry['type'];
  readonly stamp: FileStamp;
}

/** What lies in the folder of the files, sorted by the bytes of the paths, links and devices too.
 *  @param mayGoOn whether a folder below it that could not be listed is passed over; its path is relative to the tree. Called before anything of later
 *  paths comes */
export async function* lyingFiles(
  repository: SourceRepository,
  tree: string,
  mayGoOn: (folder: string, error: unknown) => boolean = () => false,
): AsyncGenerator<readonly LyingFile[]> {
  const root = `${tree}/${FILES_FOLDER}`;
  const listBelow = async (folder: string): Promise<RepositoryEntry[]> => {
    try {
      return (await repository.list(folder)).toReversed();
    } catch (error) {
      if (mayGoOn(folder.slice(root.length + 1), error)) return [];
      throw error;
    }
  };
  // Each folder's entries come in the order of their whole paths; the first is taken from the end.
  const open = [(await repository.list(root)).toReversed()];
  let part: LyingFile[] = [];
  for (let entries = open.at(-1); entries !== undefined; entries = open.at(-1)) {
    const entry = entries.pop();
    if (entry === undefined) {
      open.pop();
      yield part;
      part = [];
    } else if (entry.type === 'folder') open.push(await listBelow(entry.path));
    else {
      const { type, stamp } = entry;
      part.push({ path: entry.path.slice(root.length + 1), type, stamp });
    }
  }
  yield part;
}

/** All files that the index knows, in the order of their paths, of whatever class. */
export async function* knownFiles(
  repository: SourceRepository,
  tree: string,
  { index }: Pick<TreeRecord, 'index'>,
): AsyncGenerator<readonly FileEntry[]> {
  const streams: SortedStream<FileEntry>[] = [];
  for (const runs of index) streams.push(await SortedStream.of(readIndex(repository, tree, runs)));
  yield* mergeStreams(streams);
}

/** Those that stay: what a removal takes away that is under way, or was stopped, may be gone by now, and nothing needs it. */
export async function* stayingFiles(
  repository: SourceRepository,
  tree: string,
  record: Pick<TreeRecord, 'index' | 'pending'>,
): AsyncGenerator<readonly FileEntry[]> {
  const runs = record.pending?.runs ?? [];
  if (runs.length === 0) {
    yield* knownFiles(repository, tree, record);
    return;
  }
  const index = runs.map(({ class: name, run }) => ({
    ...{ class: name, match: '', fileCount: 0, sizeBytes: 0, goneCount: 0, runs: [run] },
  }));
  const leaving = await SortedStream.of(knownFiles(repository, tree, { index }));
  try {
    for await (const part of knownFiles(repository, tree, record)) {
      const staying: FileEntry[] = [];
      for (const entry of part) {
        while (leaving.current !== null && compareBytes(leaving.current.path, entry.path) < 0)
          await leaving.advance();
        if (leaving.current?.path !== entry.path) staying.push(entry);
      }
      yield staying;
    }
  } finally {
    await leaving.close();
  }
}
