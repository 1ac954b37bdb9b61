/** Which answers of storage are about one file or folder, so that what reads or writes others beside it goes on. All others are about the storage or about
 *  this machine (no room, no answer, no open files left): they say nothing of any file, and fail the work that met them. */

import { isBackupError, isUnreadable, type BackupError } from '../errors.js';

/** What the copy lacks of one file, and whose word that is. */
export type OneFileFault = 'unreadable' | 'denied' | TargetFileFault;

/** What the storage of a target refuses. */
export type TargetFileFault = 'nameRefused' | 'sizeRefused' | 'writeRefused';

/** What the storage of a source says of one of its files or folders; null: it says it of itself. */
export function faultOfSourceFile(error: unknown): 'unreadable' | 'denied' | null {
  if (!isBackupError(error)) return null;
  switch (error.code) {
    case 'REPOSITORY_ACCESS_DENIED':
      return 'denied';
    case 'REPOSITORY_IO_ERROR':
      return isUnreadable(error) ? 'unreadable' : null;
    case 'PATH_FORBIDDEN':
      return 'unreadable';
    case 'REPOSITORY_UNSUITED':
      return ['EINVAL', 'EOVERFLOW'].includes(errnoOf(error) ?? '') ? 'unreadable' : null;
    default:
      return null;
  }
}

/** What the storage of a target says of one file that is to be written; null: it says it of itself. */
export function faultOfTargetFile(error: unknown): TargetFileFault | null {
  if (!isBackupError(error)) return null;
  switch (error.code) {
    case 'PATH_FORBIDDEN':
    case 'FILE_EXISTS':
    case 'FOLDER_NOT_EMPTY':
      return 'nameRefused';
    case 'DISK_TOO_LARGE':
      return 'sizeRefused';
    case 'REPOSITORY_UNSUITED':
      return errnoOf(error) === 'EINVAL' ? 'nameRefused' : null;
    case 'REPOSITORY_READ_ONLY':
    case 'REPOSITORY_ACCESS_DENIED':
      return ['EACCES', 'EPERM'].includes(errnoOf(error) ?? '') ? 'writeRefused' : null;
    default:
      return null;
  }
}

function errnoOf({ details }: BackupError): string | undefined {
  return typeof details.errno === 'string' ? details.errno : undefined;
}

/** As the end of a sentence: why a file was not copied. */
export const FAULT_REASONS: Readonly<Record<OneFileFault, string>> = {
  unreadable: 'its storage cannot read it',
  denied: 'its storage does not let the account that Longhaul runs as read it',
  nameRefused: 'the target does not take its name or path, or has something else there',
  sizeRefused: 'the target takes no file of its size',
  writeRefused: 'the target does not let the account that Longhaul runs as write it',
};
