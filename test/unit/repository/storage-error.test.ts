import { getSystemErrorName } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  BackupError,
  isBackupError,
  isUnreadable,
  type ErrorCode,
} from '../../../src/domain/errors.js';
import { storageError } from '../../../src/repository/storage-error.js';

function answerOfSystem(code: string): Error {
  return Object.assign(new Error(`${code}: as Node words it`), { code, errno: -1 });
}

function translated(error: unknown, intent: 'read' | 'write'): BackupError {
  const step = { repositoryId: 'nas', intent, verb: 'open', path: 'jobs/disk' };
  const result = storageError(error, step);
  if (!isBackupError(result)) throw new Error('not a BackupError');
  return result;
}

describe('storageError', () => {
  it('names the root folder where the path is empty', () => {
    const step = { repositoryId: 'nas', intent: 'read', verb: 'list', path: '' } as const;
    expect(storageError(answerOfSystem('EIO'), step)).toMatchObject({
      code: 'REPOSITORY_IO_ERROR',
      message:
        'Repository "nas": cannot list its root folder: the storage reports an input/output error (EIO).',
    });
  });

  it.each<[string, ErrorCode, ErrorCode]>([
    ['ENOSPC', 'REPOSITORY_FULL', 'REPOSITORY_FULL'],
    ['EDQUOT', 'REPOSITORY_FULL', 'REPOSITORY_FULL'],
    ['EFBIG', 'DISK_TOO_LARGE', 'DISK_TOO_LARGE'],
    ['ENOENT', 'FILE_MISSING', 'FILE_MISSING'],
    ['EEXIST', 'FILE_EXISTS', 'FILE_EXISTS'],
    ['EROFS', 'REPOSITORY_READ_ONLY', 'REPOSITORY_READ_ONLY'],
    ['EACCES', 'REPOSITORY_ACCESS_DENIED', 'REPOSITORY_READ_ONLY'],
    ['EPERM', 'REPOSITORY_ACCESS_DENIED', 'REPOSITORY_READ_ONLY'],
    ['ELOOP', 'PATH_FORBIDDEN', 'PATH_FORBIDDEN'],
    ['EIO', 'REPOSITORY_IO_ERROR', 'REPOSITORY_IO_ERROR'],
    ['ESTALE', 'REPOSITORY_UNREACHABLE', 'REPOSITORY_UNREACHABLE'],
    ['ETIMEDOUT', 'REPOSITORY_UNREACHABLE', 'REPOSITORY_UNREACHABLE'],
    ['ENOTCONN', 'REPOSITORY_UNREACHABLE', 'REPOSITORY_UNREACHABLE'],
    ['EHOSTDOWN', 'REPOSITORY_UNREACHABLE', 'REPOSITORY_UNREACHABLE'],
    ['EXDEV', 'REPOSITORY_UNSUITED', 'REPOSITORY_UNSUITED'],
    ['EINVAL', 'REPOSITORY_UNSUITED', 'REPOSITORY_UNSUITED'],
    ['ENOTSUP', 'REPOSITORY_UNSUITED', 'REPOSITORY_UNSUITED'],
    ['EOPNOTSUPP', 'REPOSITORY_UNSUITED', 'REPOSITORY_UNSUITED'],
    ['ENOSYS', 'REPOSITORY_UNSUITED', 'REPOSITORY_UNSUITED'],
    ['ENAMETOOLONG', 'PATH_FORBIDDEN', 'PATH_FORBIDDEN'],
    ['EILSEQ', 'PATH_FORBIDDEN', 'PATH_FORBIDDEN'],
    ['EAGAIN', 'REPOSITORY_IO_ERROR', 'REPOSITORY_IO_ERROR'],
  ])('%s is %s while reading and %s while writing', (errno, whenReading, whenWriting) => {
    expect(translated(answerOfSystem(errno), 'read').code).toBe(whenReading);
    expect(translated(answerOfSystem(errno), 'write').code).toBe(whenWriting);
  });

  it.each(['EINVAL', 'ENOTSUP', 'ENOSYS', 'EROFS', 'EPERM', 'EACCES', 'ENAMETOOLONG', 'EXDEV'])(
    '%s, which never passes, is no outage that is waited for',
    (errno) => {
      for (const intent of ['read', 'write'] as const)
        expect(translated(answerOfSystem(errno), intent).kind).not.toBe('unavailable');
    },
  );

  it.runIf(process.platform === 'linux').each<[string, number, ErrorCode, boolean]>([
    ['EBADMSG', 74, 'REPOSITORY_IO_ERROR', true],
    ['ESTALE', 116, 'REPOSITORY_UNREACHABLE', false],
    ['EUCLEAN', 117, 'REPOSITORY_IO_ERROR', true],
    ['EDQUOT', 122, 'REPOSITORY_FULL', false],
  ])('knows %s by its number, for which Node has no code', (errno, number, code, isDamage) => {
    const unnamed = getSystemErrorName(-number);
    expect(unnamed).toBe(`Unknown system error -${number}`);
    const answer = Object.assign(new Error(unnamed), { code: unnamed, errno: -number });
    const error = translated(answer, 'read');
    expect(error).toMatchObject({ code, details: { errno } });
    expect(isUnreadable(error)).toBe(isDamage);
  });

  it('says what failed where, and keeps the cause', () => {
    const cause = answerOfSystem('ENOSPC');
    const error = translated(cause, 'write');
    expect(error.message).toBe(
      'Repository "nas": cannot open "jobs/disk": no space is left (ENOSPC).',
    );
    expect(error.details).toEqual({ repositoryId: 'nas', path: 'jobs/disk', errno: 'ENOSPC' });
    expect(error.cause).toBe(cause);
  });

  it('passes a BackupError and a bug unchanged', () => {
    const step = { repositoryId: 'nas', intent: 'read', verb: 'open', path: 'x' } as const;
    const known = new BackupError('PATH_FORBIDDEN', 'known');
    const bug = new TypeError('bug');
    expect(storageError(known, step)).toBe(known);
    expect(storageError(bug, step)).toBe(bug);
  });
});
