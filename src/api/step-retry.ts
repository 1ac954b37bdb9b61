/** What a workflow waits for: a step of it that failed and is tried again. Known to the server, so no worker is asked. */

import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { isErrorCode } from '../domain/errors.js';
import type { StepRetry } from '../domain/operation.js';
import { sentences } from '../domain/sentences.js';
import { TURN_ACTIVITY } from '../domain/turn.js';

type PendingActivities = WorkflowExecutionDescription['raw']['pendingActivities'];

/** The one that has failed most often; null: none has failed. */
export function retryOf(client: Client, activities: PendingActivities): StepRetry | null {
  const { payloadConverter, failureConverter } = client.options.loadedDataConverter;
  let worst: StepRetry | null = null;
  for (const pending of activities ?? []) {
    const { attempt, lastFailure, nextAttemptScheduleTime, state } = pending;
    // A turn is no step: the work goes on while its worker is replaced.
    if (pending.activityType?.name === TURN_ACTIVITY) continue;
    if (!lastFailure || (attempt ?? 1) <= (worst?.attempt ?? 1)) continue;
    const failure = failureConverter.failureToError(lastFailure, payloadConverter);
    const isWaiting = Number(state) === SCHEDULED && nextAttemptScheduleTime?.seconds;
    worst = {
      attempt: attempt ?? 1,
      ...causeOf(failure),
      nextTryAt: isWaiting
        ? new Date(Number(nextAttemptScheduleTime.seconds) * 1_000).toISOString()
        : null,
    };
  }
  return worst;
}

/** Of Temporal's PendingActivityState: not at work. */
const SCHEDULED = 1;

function causeOf(failure: Error): Pick<StepRetry, 'code' | 'reason'> {
  const { message } = failure;
  if (failure instanceof ApplicationFailure && isErrorCode(failure.type)) {
    const [details] = failure.details ?? [];
    const hasHint = typeof details === 'object' && details !== null && 'hint' in details;
    const reason = hasHint ? sentences(message, String(details.hint)) : message;
    return { code: failure.type, reason };
  }
  return { code: null, reason: `the worker gave no sign of life, or broke off: ${message}` };
}
