import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import type { Failure, ScheduledActivity } from './execution.js';

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
