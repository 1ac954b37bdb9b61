import { constants } from 'node:os';
import { BackupError, type ErrorCode } from '../domain/errors.js';
import { quoted } from './repository-path.js';

/** What was being done when the storage refused. */
interface StorageStep {
  readonly repositoryId: string;
  readonly intent: 'read' | 'write';
  /** Verb for the message: `read`, `rename`. */
  readonly verb: string;
  /** Path in the repository; `''` for its root. */
  readonly path: string;
}

type Fault = readonly [whenReading: ErrorCode, whenWriting: ErrorCode, words: string];

function fault(code: ErrorCode, words: string): Fault {
  return [code, code, words];
}

const FAULTS: Readonly<Record<string, Fault>> = {
  ENOSPC: fault('REPOSITORY_FULL', 'no space is left'),
  EDQUOT: fault('REPOSITORY_FULL', 'the quota is used up'),
  EFBIG: fault('DISK_TOO_LARGE', 'its file system cannot hold a file of this size'),
  ENOENT: fault('FILE_MISSING', 'it is not there'),
  EEXIST: fault('FILE_EXISTS', 'it exists already'),
  ENOTEMPTY: fault('FOLDER_NOT_EMPTY', 'the folder is not empty'),
  EROFS: fault('REPOSITORY_READ_ONLY', 'its file system is mounted read-only'),
  EMLINK: fault('REPOSITORY_FULL', 'it cannot have more names, or the folder no more folders'),
  EACCES: ['REPOSITORY_ACCESS_DENIED', 'REPOSITORY_READ_ONLY', 'permission is denied'],
  EPERM: ['REPOSITORY_ACCESS_DENIED', 'REPOSITORY_READ_ONLY', 'the operation is not permitted'],
  ELOOP: fault('PATH_FORBIDDEN', 'it is a symbolic link'),
  ENOTDIR: fault('PATH_FORBIDDEN', 'it is not a folder'),
  EISDIR: fault('PATH_FORBIDDEN', 'it is a folder'),
  ENAMETOOLONG: fault('PATH_FORBIDDEN', 'the name is too long for its file system'),
  EILSEQ: fault('PATH_FORBIDDEN', 'the name has characters that its file system does not take'),
  EINVAL: fault('REPOSITORY_UNSUITED', 'its file system does not support that'),
  ENOTSUP: fault('REPOSITORY_UNSUITED', 'its file system does not support that'),
  EOPNOTSUPP: fault('REPOSITORY_UNSUITED', 'its file system does not support that'),
  ENOSYS: fault('REPOSITORY_UNSUITED', 'its file system does not support that'),
  ENOTTY: fault('REPOSITORY_UNSUITED', 'its file system does not support that'),
  EXDEV: fault('REPOSITORY_UNSUITED', 'the two places lie on different file systems'),
  EOVERFLOW: fault('REPOSITORY_UNSUITED', 'a number is too large for its file system'),
  EIO: fault('REPOSITORY_IO_ERROR', 'the storage reports an input/output error'),
  EUCLEAN: fault('REPOSITORY_IO_ERROR', 'its file system is damaged there'),
  EBADMSG: fault('REPOSITORY_IO_ERROR', 'its file system finds other bytes than were written'),
  ESTALE: fault('REPOSITORY_UNREACHABLE', 'the file server does not know the file any more'),
  ETIMEDOUT: fault('REPOSITORY_UNREACHABLE', 'the file server did not answer in time'),
  ENOTCONN: fault('REPOSITORY_UNREACHABLE', 'the share is not connected'),
  ESHUTDOWN: fault('REPOSITORY_UNREACHABLE', 'the share is shut down'),
  ECONNRESET: fault('REPOSITORY_UNREACHABLE', 'the file server broke the connection'),
  ECONNREFUSED: fault('REPOSITORY_UNREACHABLE', 'the file server refuses the connection'),
  ECONNABORTED: fault('REPOSITORY_UNREACHABLE', 'the connection to the file server broke'),
  EHOSTDOWN: fault('REPOSITORY_UNREACHABLE', 'the file server is down'),
  EHOSTUNREACH: fault('REPOSITORY_UNREACHABLE', 'there is no way to the file server'),
  ENETUNREACH: fault('REPOSITORY_UNREACHABLE', 'there is no way to the network of the file server'),
  ENETDOWN: fault('REPOSITORY_UNREACHABLE', 'the network is down'),
  ENODEV: fault('REPOSITORY_UNREACHABLE', 'the device is gone'),
  ENXIO: fault('REPOSITORY_UNREACHABLE', 'the device is gone'),
};

/** Which code an answer of the operating system gets, and words for it. What may pass by itself is of kind `unavailable` and tried again;
 *  an answer that is not in the table may. Errnos of Linux: errno(3), open(2), fsync(2), rename(2). */
export function faultOfErrno(
  errno: string,
  intent: StorageStep['intent'],
): { readonly code: ErrorCode; readonly words: string } {
  const [whenReading, whenWriting, words] =
    FAULTS[errno] ?? fault('REPOSITORY_IO_ERROR', 'the storage refuses');
  return { code: intent === 'read' ? whenReading : whenWriting, words };
}

/** The error to throw for one that `node:fs` threw: a `BackupError` for everything the operating system answers, REPOSITORY_IO_ERROR
 *  when the answer is not in the table. A `BackupError` or a bug passes unchanged. */
export function storageError(error: unknown, step: StorageStep): unknown {
  const errno = errnoOf(error);
  if (errno === null) return error;
  const { repositoryId, intent, verb, path } = step;
  const { code, words } = faultOfErrno(errno, intent);
  return new BackupError(
    code,
    `Repository ${quoted(repositoryId)}: cannot ${verb} ${path === '' ? 'its root folder' : quoted(path)}: ${words} (${errno}).`,
    { details: { repositoryId, path, errno }, cause: error },
  );
}

/** Symbol of the operating system's answer (`ENOENT`); null for any other error. */
export function errnoOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('errno' in error) || !('code' in error)) return null;
  if (typeof error.code !== 'string') return null;
  const isNamed = !error.code.startsWith('Unknown system error');
  return isNamed ? error.code : (UNNAMED.get(error.errno) ?? error.code);
}

/** What Node has no code for: a full quota is `Unknown system error -122` to it. EUCLEAN is Linux's own, of a damaged file system (errno(3)). */
const UNNAMED: ReadonlyMap<unknown, string> = new Map([
  ...Object.entries(constants.errno).map(([name, number]) => [-number, name] as const),
  ...(process.platform === 'linux' ? [[-117, 'EUCLEAN'] as const] : []),
]);
