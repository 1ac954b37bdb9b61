import { BackupError } from '../../../src/domain/errors.js';
import { storageError } from '../../../src/repository/storage-error.js';

/** What the storage of a target says of a name that a file is to get. */
export function said(errno: string, path: string): Error {
  const error = Object.assign(new Error(errno), { errno: -1, code: errno });
  const step = { repositoryId: 'offsite', intent: 'write', verb: 'rename', path } as const;
  return storageError(error, step) as Error;
}

export function denied(path: string): BackupError {
  return new BackupError('REPOSITORY_ACCESS_DENIED', `may not read ${path}`, { details: { path } });
}

export function unreadable(path: string): BackupError {
  return new BackupError('REPOSITORY_IO_ERROR', `cannot read ${path}`, { details: { path } });
}

export function unreachable(path: string): BackupError {
  return new BackupError('REPOSITORY_UNREACHABLE', `no answer about ${path}`, {
    details: { path },
  });
}
