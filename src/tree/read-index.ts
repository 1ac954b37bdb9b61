import { createHash } from 'node:crypto';
import { BackupError } from '../domain/errors.js';
import type { ReadableFile, SourceRepository } from '../repository/backup-repository.js';
import { parseLine, readTexts, type FileEntry, type IndexLine } from './file-index.js';
import { RunLine } from './run-line.js';
import { mergeStreams, PART_ENTRIES, SortedStream } from './sorted-stream.js';
import { indexPath } from './tree-paths.js';
import type { ClassIndex, IndexRun } from './tree-record.js';

/** All entries of one class, those that are removed left out.
 *  @throws CHAIN_RECORD_CORRUPT when a run is not what the record lists */
export async function* readIndex(
  repository: SourceRepository,
  tree: string,
  index: Pick<ClassIndex, 'runs'>,
): AsyncGenerator<readonly FileEntry[]> {
  let part: FileEntry[] = [];
  for await (const lines of readIndexLines(repository, tree, index)) {
    for (const { entry } of lines) part.push(entry);
    if (part.length < PART_ENTRIES) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}

/** The same, not read yet.
 *  @throws CHAIN_RECORD_CORRUPT, also when a line is read */
export async function* readIndexLines(
  repository: SourceRepository,
  tree: string,
  { runs }: Pick<ClassIndex, 'runs'>,
): AsyncGenerator<readonly RunLine[]> {
  const files: ReadableFile[] = [];
  try {
    const parts: AsyncGenerator<readonly RunLine[]>[] = [];
    for (const run of runs) {
      const file = await openRun(repository, tree, run);
      files.push(file);
      parts.push(readRun(file, run));
    }
    for await (const part of parts.length === 1 ? parts[0]! : await merged(parts))
      yield part.filter(({ isRemoved }) => !isRemoved);
  } finally {
    for (const file of files) await file.close();
  }
}

async function merged(
  parts: readonly AsyncIterable<readonly RunLine[]>[],
): Promise<AsyncIterable<readonly RunLine[]>> {
  const streams: SortedStream<RunLine>[] = [];
  for (const each of parts) streams.push(await SortedStream.of(each));
  return mergeStreams(streams);
}

async function openRun(
  repository: SourceRepository,
  tree: string,
  { name }: IndexRun,
): Promise<ReadableFile> {
  const path = indexPath(tree, name);
  try {
    return await repository.openRead(path);
  } catch (error) {
    if (error instanceof BackupError && error.code === 'FILE_MISSING')
      throw corrupt(path, 'it is missing', error);
    throw error;
  }
}

async function* readRun(file: ReadableFile, run: IndexRun): AsyncGenerator<readonly RunLine[]> {
  const hash = createHash('sha256');
  let entryCount = 0;
  const read = (line: string): IndexLine => {
    try {
      return parseLine(line);
    } catch (error) {
      throw corrupt(file.path, 'it has a line that is none of an index', error);
    }
  };
  for await (const text of readTexts(file, (bytes) => hash.update(bytes)))
    for (let at = 0; at <= text.length;) {
      const lines: RunLine[] = [];
      while (at <= text.length && lines.length < LINES_AT_ONCE) {
        const end = text.indexOf('\n', at);
        const to = end < 0 ? text.length : end;
        lines.push(new RunLine(text.slice(at, to), read));
        at = to + 1;
      }
      entryCount += lines.length;
      yield lines;
    }
  if (entryCount !== run.entryCount || hash.digest('hex') !== run.digest)
    throw corrupt(file.path, 'it is not what the record lists');
}

/** What is made of more lines at once outlives a young generation, and the garbage collector copies it twice before it goes. */
const LINES_AT_ONCE = 256;

function corrupt(path: string, why: string, cause?: unknown): BackupError {
  return new BackupError('CHAIN_RECORD_CORRUPT', `${path} cannot be trusted: ${why}`, {
    details: { path },
    cause,
  });
}
