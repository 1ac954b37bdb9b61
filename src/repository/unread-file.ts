import { isBackupError, isUnreadable } from '../domain/errors.js';
import type { SourceRepository } from './backup-repository.js';

/** Whether an error says that the storage cannot read this one file, a bad sector: it answers for the file all the same. Then the file is worth as much
 *  as one that is damaged. Storage that answers for nothing says nothing of any file. */
export async function isFileUnread(
  repository: Pick<SourceRepository, 'stat'>,
  path: string,
  error: unknown,
): Promise<boolean> {
  if (!isUnreadable(error)) return false;
  try {
    return (await repository.stat(path)) !== null;
  } catch (refusal) {
    if (isBackupError(refusal)) return false;
    throw refusal;
  }
}

/** The same for the file that the error names. */
export async function isOfUnreadFile(
  repository: Pick<SourceRepository, 'stat'>,
  error: unknown,
): Promise<boolean> {
  if (!isUnreadable(error)) return false;
  const { path } = error.details;
  return typeof path === 'string' && isFileUnread(repository, path, error);
}

/** Another program has the file in its hands, for minutes perhaps: that says nothing of what is in it. */
export function isHeld(error: unknown): boolean {
  return isBackupError(error) && ['EBUSY', 'ETXTBSY'].includes(String(error.details['errno']));
}
