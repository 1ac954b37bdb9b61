/** What the Temporal client throws, in the words of Longhaul. Workflows carry an error code as the type of their failure. */

import {
  ActivityFailure,
  isGrpcServiceError,
  QueryNotRegisteredError,
  ServiceError,
  WorkflowFailedError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  TimeoutFailure,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { BackupError, isErrorCode } from '../../domain/errors.js';
import {
  storageHold,
  storageWaitIn,
  type StorageHold,
} from '../../domain/sessions/storage-wait.js';

/** Transport conditions of gRPC under which the server may answer next time (grpc/doc/statuscodes.md). */
const UNAVAILABLE_STATUS: readonly number[] = [
  1, // CANCELLED: nobody here cancels a call; a deadline that passes on its way, or a proxy, does
  4, // DEADLINE_EXCEEDED
  8, // RESOURCE_EXHAUSTED
  14, // UNAVAILABLE
];

/** Under which it will refuse the next call, too, until somebody changes what Longhaul is let in with. */
const REFUSED_STATUS: readonly number[] = [
  7, // PERMISSION_DENIED
  16, // UNAUTHENTICATED
];

const FAILED_PRECONDITION = 9;

/** null: not an error that a user can do something about, so a bug. */
export function toBackupError(error: unknown): BackupError | null {
  if (error instanceof BackupError) return error;
  if (error instanceof WorkflowFailedError || error instanceof WorkflowUpdateFailedError) {
    return failureOf(error);
  }
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || isUnavailable(error)) {
    return new BackupError('TEMPORAL_UNREACHABLE', 'Temporal did not answer in time', {
      cause: error,
    });
  }
  const refusal = refusalIn(error);
  return refusal === null
    ? null
    : new BackupError('TEMPORAL_REFUSED', `Temporal refuses it: ${refusal}`, { cause: error });
}

/** What the server says; null: it refused nothing. */
function refusalIn(error: unknown): string | null {
  const cause = error instanceof ServiceError ? error.cause : error;
  if (!isGrpcServiceError(cause) || !REFUSED_STATUS.includes(cause.code)) return null;
  return cause.details === '' ? cause.message : cause.details;
}

/** The same call, which throws what a user can do something about in our words: raw, it looks like a bug. */
export function translated<Args extends unknown[], Answer>(
  ask: (...args: Args) => Promise<Answer>,
): (...args: Args) => Promise<Answer> {
  return async (...args) => {
    try {
      return await ask(...args);
    } catch (error) {
      throw toBackupError(error) ?? error;
    }
  };
}

/** Whether the call did not reach Temporal, or no worker answered it in time. */
export function isUnavailable(error: unknown): boolean {
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) && UNAVAILABLE_STATUS.includes(cause.code);
}

/** Whether a query found no worker: it timed out, or the server knows of none (FAILED_PRECONDITION). The SDK calls every query that a worker
 *  refused one that is not registered: also one whose answer is too large, or that came before the workflow's first step. */
export function isNoAnswer(error: unknown): boolean {
  if (error instanceof QueryNotRegisteredError) return true;
  const cause = error instanceof ServiceError ? error.cause : error;
  return (
    isUnavailable(error) ||
    (isGrpcServiceError(cause) && Number(cause.code) === FAILED_PRECONDITION)
  );
}

const TIMED_OUT = {
  notBegun: {
    text: 'no worker that reaches the repository answered in time',
    hint: 'Check that a worker runs near the repository (`GET /readyz`).',
  },
  begun: {
    text: 'a worker reads the repository, and was not done in time',
    hint: 'The storage is slow, or much is done there at once; the next look begins anew.',
  },
  whole: {
    text: 'the repository was not read in time: no worker runs near it, or its storage is slow',
    hint: 'Check that a worker runs near the repository (`GET /readyz`), and what else reads or writes there.',
  },
} as const;

/** Of a workflow that had its time as a whole nobody knows how far it came. */
function whereTimedOut(cause: TimeoutFailure, error: Error): keyof typeof TIMED_OUT {
  if (cause === error.cause) return 'whole';
  return cause.timeoutType === 'START_TO_CLOSE' || cause.timeoutType === 'HEARTBEAT'
    ? 'begun'
    : 'notBegun';
}

/** The innermost cause has the code; activities and children wrap it. */
function failureOf(error: WorkflowFailedError | WorkflowUpdateFailedError): BackupError | null {
  let step = 'a look';
  for (let cause: Error | undefined = error.cause; cause !== undefined; cause = causeOf(cause)) {
    if (cause instanceof ApplicationFailure && isErrorCode(cause.type)) {
      return new BackupError(cause.type, cause.message, { cause: error });
    }
    if (cause instanceof TimeoutFailure) {
      // A worker that is gone may have waited for something, too.
      const isGone = cause.timeoutType === 'HEARTBEAT';
      const waits = isGone ? null : storageWaitIn(cause.lastHeartbeatDetails);
      if (waits !== null) return storageSilent(storageHold(waits, step), error);
      const { text, hint } = TIMED_OUT[whereTimedOut(cause, error)];
      return new BackupError('REPOSITORY_UNREACHABLE', text, { cause: error, hint });
    }
    if (cause instanceof ActivityFailure) step = cause.activityType;
  }
  return null;
}

function storageSilent({ code, reason }: StorageHold, cause: Error): BackupError {
  return new BackupError(code, reason, { cause });
}

function causeOf(error: Error): Error | undefined {
  return error.cause instanceof Error ? error.cause : undefined;
}
