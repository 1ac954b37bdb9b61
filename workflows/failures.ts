import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowFailure,
  isCancellation,
  TimeoutFailure,
} from '@temporalio/workflow';
import { sentences } from '../src/domain/sentences.js';
import { storageHold, storageWaitIn } from '../src/domain/sessions/storage-wait.js';

/** How workflows read failures: by the error code that the activity edge put into `type`, never by class. */

/** Also true for an activity that timed out because its worker was gone when the stop came. */
export function isStop(error: unknown): boolean {
  return isCancellation(error) || CancellationScope.current().consideredCancelled;
}

/** The failure of an activity carries ours as its cause, that of a child what the child, or a child of it, failed with; an activity that ran out of time for
 *  another try carries that of the last try. */
export function causeOf(error: unknown): unknown {
  let own = error;
  while (own instanceof ChildWorkflowFailure) own = own.cause;
  const cause = own instanceof ActivityFailure ? own.cause : own;
  return cause instanceof TimeoutFailure ? (cause.cause ?? cause) : cause;
}

/** Whether an activity failed with something that may pass, as often as it may be tried. */
export function isOutOfTries(error: unknown): boolean {
  return error instanceof ActivityFailure && error.retryState === 'MAXIMUM_ATTEMPTS_REACHED';
}

/** Whether no worker took an activity up for as long as it may lie in its queue. */
export function isUntaken(error: unknown): boolean {
  return error instanceof ActivityFailure && isOfQueue(error.cause);
}

function isOfQueue(cause: unknown): boolean {
  return cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START';
}

/** Error code, or the empty string. */
export function codeOf(error: unknown): string {
  const cause = causeOf(error);
  return cause instanceof ApplicationFailure ? (cause.type ?? '') : '';
}

/** What happened and what to do, in plain words. */
export function reasonOf(error: unknown): string {
  const cause = causeOf(error);
  if (cause instanceof ApplicationFailure) {
    const hint = (cause.details?.[0] as { hint?: string } | undefined)?.hint;
    return hint === undefined ? cause.message : sentences(cause.message, hint);
  }
  if (isOfQueue(cause)) return NO_WORKER;
  if (cause instanceof TimeoutFailure && cause.timeoutType !== 'HEARTBEAT') {
    const waits = storageWaitIn(cause.lastHeartbeatDetails);
    if (waits !== null) return storageHold(waits, stepOf(error)).reason;
  }
  return cause instanceof Error ? cause.message : String(cause);
}

/** Name of the activity that failed, of a child the one that it failed with. */
function stepOf(error: unknown): string {
  if (error instanceof ChildWorkflowFailure) return stepOf(error.cause);
  return error instanceof ActivityFailure ? error.activityType : 'a step';
}

const NO_WORKER = 'no worker that reaches the repository takes it up';
