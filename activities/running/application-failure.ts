import { ApplicationFailure } from '@temporalio/common';
import type { ErrorKind } from '../../src/domain/error-entry.js';
import { BackupError } from '../../src/domain/errors.js';

/** Only what may pass by itself is retried by Temporal. A conflict is for the workflow to decide: it plans again or skips. */
const IS_RETRYABLE: Record<ErrorKind, boolean> = {
  invalid: false,
  not_found: false,
  conflict: false,
  unavailable: true,
  exhausted: false,
  corrupt: false,
  unsupported: false,
};

/** A bug is tried this often, in case it was the machine (memory, a dying process), then it fails the task. So is what ended with a thread that had no more memory: another task of
 *  that thread may have taken it. */
const BUG_ATTEMPTS = 5;

/** The one translation at the activity edge: `type` is the error code, `details[0]` what a reader needs besides the message. */
export function toApplicationFailure(error: unknown, attempt: number): ApplicationFailure {
  if (error instanceof BackupError) {
    const isRetryable =
      error.code === 'WORKER_OUT_OF_MEMORY' ? attempt < BUG_ATTEMPTS : IS_RETRYABLE[error.kind];
    return ApplicationFailure.create({
      type: error.code,
      message: error.message,
      nonRetryable: !isRetryable,
      details: [{ hint: error.hint, ...error.details }],
      cause: error,
    });
  }
  const bug = error instanceof Error ? error : new Error(String(error));
  return ApplicationFailure.create({
    type: 'BUG',
    message: bug.message,
    nonRetryable: attempt >= BUG_ATTEMPTS,
    cause: bug,
  });
}
