import { isBackupError, isUnreadable, type BackupError, type ErrorCode } from '../errors.js';

/** A part of a repository that cannot be read: a chain, a definition of a job, a record, a lease. The rest is not touched by it. */
export interface UnreadablePart {
  readonly path: string;
  readonly code: ErrorCode;
  readonly reason: string;
}

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
