/** What a workflow waits for: a step of it that failed and is tried again, or itself. Known to the server, so no worker is asked. */

import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { isErrorCode } from '../../domain/errors.js';
import type { StepRetry } from '../../domain/sessions/operation.js';
import { sentences } from '../../domain/sentences.js';
import { TURN_ACTIVITY } from '../../domain/sessions/turn.js';

type Raw = WorkflowExecutionDescription['raw'];

export async function retryOf(
  client: Client,
  workflowId: string,
  { pendingActivities, pendingWorkflowTask, workflowExecutionInfo }: Raw,
): Promise<StepRetry | null> {
  return (
    retryOfStep(client, pendingActivities) ??
    (await retryOfItself(client, pendingWorkflowTask, {
      workflowId,
      runId: workflowExecutionInfo?.execution?.runId ?? null,
    }))
  );
}

/** The one that has failed most often; null: none has failed. */
function retryOfStep(client: Client, activities: Raw['pendingActivities']): StepRetry | null {
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

/** A worker that dies costs one try, or two. */
const STUCK_ATTEMPT = 3;
/** The failure stands right at the end of the history: tries behind the first leave no event. */
const LOOKED_AT_EVENTS = 10;
/** It may carry the whole id that is too long. */
const SHOWN_CHARACTERS = 300;

/** What a workflow decides can be refused again and again, by the server or by its own code: it runs then, for ever, and does nothing. */
async function retryOfItself(
  client: Client,
  task: Raw['pendingWorkflowTask'],
  execution: { readonly workflowId: string; readonly runId: string | null },
): Promise<StepRetry | null> {
  const attempt = task?.attempt ?? 1;
  if (attempt < STUCK_ATTEMPT) return null;
  const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
    namespace: client.options.namespace,
    execution,
    maximumPageSize: LOOKED_AT_EVENTS,
  });
  const [failed] = (history?.events ?? []).flatMap(
    ({ workflowTaskFailedEventAttributes: event }) => event ?? [],
  );
  const cause = (failed?.failure?.message ?? 'nothing says why').slice(0, SHOWN_CHARACTERS);
  const reason = `the workflow itself cannot go on, and does nothing until it can: ${cause}`;
  return { attempt, code: null, reason, nextTryAt: null };
}

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
