import { BackupError, isBackupError } from '../../domain/errors.js';
import type { SourceRepository } from '../../repository/backup-repository.js';
import { isFileUnread, isHeld } from '../../repository/unread-file.js';
import { readLines } from '../../tree/file-index.js';

/** Reads from a list that was written for a plan, and that may have been damaged, cut or lost since.
 *  @param read throws SyntaxError for what no list says
 *  @throws STAGING_INVALID when it is not there, cannot be read by its storage, or is not as it was written */
export async function readingList<T>(
  repository: SourceRepository,
  path: string,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof SyntaxError) throw damagedList(path, error.message, error);
    if (isBackupError(error, 'FILE_MISSING')) throw damagedList(path, 'it is missing', error);
    // A program that keeps a file to itself for a moment damages none.
    if (isHeld(error)) throw error;
    if (await isFileUnread(repository, path, error))
      throw damagedList(path, 'its storage cannot read it', error);
    throw error;
  }
}

/** All lines of a list, in parts.
 *  @param lineCount as it was written
 *  @param parse throws SyntaxError
 *  @throws STAGING_INVALID as `readingList`, and when it has more lines or fewer: what was read by then counts for nothing */
export async function* readStagedLines<T>(
  repository: SourceRepository,
  path: string,
  lineCount: number,
  parse: (line: string) => T,
): AsyncGenerator<readonly T[]> {
  const file = await readingList(repository, path, () => repository.openRead(path));
  try {
    const parts = readLines(file);
    let count = 0;
    for (;;) {
      const part = await readingList(repository, path, async () => {
        const next: IteratorResult<string[], unknown> = await parts.next();
        return next.done === true ? null : next.value.map(parse);
      });
      if (part === null) break;
      count += part.length;
      yield part;
    }
    if (count !== lineCount) throw damagedList(path, `it has ${count} lines, not ${lineCount}`);
  } finally {
    await file.close();
  }
}

export function damagedList(path: string, why: string, cause?: unknown): BackupError {
  return new BackupError('STAGING_INVALID', `${path} is not as it was written: ${why}`, {
    details: { path },
    cause,
  });
}
