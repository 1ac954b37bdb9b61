import { isBackupError, isUnreadable, type BackupError } from '../domain/errors.js';
import type { UnreadablePart } from '../domain/targets/unreadable-part.js';

/** Whether the error says something about one file, such as damage, a bad sector or a right that is missing. The others say that the
 *  storage is away: then nothing is known of anything. */
export function isOfOneFile(error: BackupError): boolean {
  return error.kind !== 'unavailable' || isUnreadable(error);
}

/** What to show of a part of a repository that cannot be read, so that it does not keep the rest from being shown.
 *  @throws the error itself when it is not of this part alone */
export function unreadablePart(path: string, error: unknown): UnreadablePart {
  if (!isBackupError(error) || !isOfOneFile(error)) throw error;
  return { path, code: error.code, reason: error.message };
}
