import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import type { Failure, ScheduledActivity } from './execution.js';

const { RetryState, TimeoutType } = proto.temporal.api.enums.v1;

/** What the server says of an activity that has failed for good. */
function retryStateOf(
  { command: { retryPolicy }, attempt }: ScheduledActivity,
  { applicationFailureInfo }: Failure,
): proto.temporal.api.enums.v1.RetryState {
  if (
    applicationFailureInfo?.nonRetryable === true ||
    (retryPolicy?.nonRetryableErrorTypes ?? []).includes(applicationFailureInfo?.type ?? '')
  )
    return RetryState.RETRY_STATE_NON_RETRYABLE_FAILURE;
  const most = retryPolicy?.maximumAttempts ?? 0;
  return most > 0 && attempt >= most
    ? RetryState.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED
    : RetryState.RETRY_STATE_TIMEOUT;
}

/** As the Temporal server decides it. null: it has failed for good. */
export function nextAttemptAtMs(
  { command, attempt, scheduledAtMs }: ScheduledActivity,
  { applicationFailureInfo }: Failure,
  nowMs: number,
): number | null {
  const policy = command.retryPolicy;
  const isFinal =
    applicationFailureInfo?.nonRetryable === true ||
    (policy?.nonRetryableErrorTypes ?? []).includes(applicationFailureInfo?.type ?? '');
  const attempts = policy?.maximumAttempts ?? 0;
  if (isFinal || (attempts > 0 && attempt >= attempts)) return null;
  const firstMs = optionalTsToMs(policy?.initialInterval) ?? 1_000;
  const mostMs = optionalTsToMs(policy?.maximumInterval) ?? firstMs * 100;
  const dueAtMs = nowMs + Math.min(mostMs, firstMs * 2 ** (attempt - 1));
  const limitMs = optionalTsToMs(command.scheduleToCloseTimeout);
  return limitMs !== undefined && dueAtMs > scheduledAtMs + limitMs ? null : dueAtMs;
}

/** How an activity that no worker takes up ends, and when, in epoch milliseconds. */
export function untakenEnd({ command, scheduledAtMs }: ScheduledActivity): {
  readonly atMs: number;
  readonly failure: Failure;
} {
  const startMs = optionalTsToMs(command.scheduleToStartTimeout) ?? Infinity;
  const closeMs = optionalTsToMs(command.scheduleToCloseTimeout) ?? Infinity;
  const timeoutType =
    startMs < closeMs
      ? TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START
      : TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE;
  const failure = { message: 'activity timeout', timeoutFailureInfo: { timeoutType } };
  return { atMs: scheduledAtMs + Math.min(startMs, closeMs), failure };
}

/** As a workflow is told that its activity has failed for good. */
export function activityFailure(activity: ScheduledActivity, cause: Failure): Failure {
  const { activityType, activityId } = activity.command;
  const retryState = retryStateOf(activity, cause);
  return {
    message: 'Activity task failed',
    cause,
    activityFailureInfo: { activityType: { name: activityType }, activityId, retryState },
  };
}
