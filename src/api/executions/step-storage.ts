/** The storage that a step of a workflow waits for, as the last heartbeat of its attempt told it. Known to the server, so no worker is asked. */

import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import {
  storageHold,
  storageWaitIn,
  type StorageHold,
} from '../../domain/sessions/storage-wait.js';

type PendingActivities = WorkflowExecutionDescription['raw']['pendingActivities'];

/** Of the one that has waited for longest; null: none has told of any. */
export function storageHoldOf(client: Client, activities: PendingActivities): StorageHold | null {
  let longest: StorageHold | null = null;
  for (const pending of activities ?? []) {
    const payload = pending.heartbeatDetails?.payloads?.[0];
    if (payload === undefined || payload === null || !isOfThisAttempt(pending)) continue;
    const { payloadConverter } = client.options.loadedDataConverter;
    const waits = storageWaitIn(payloadConverter.fromPayload(payload));
    if (waits === null || waits.seconds <= (longest?.seconds ?? -1)) continue;
    longest = storageHold(waits, pending.activityType?.name ?? 'a step');
  }
  return longest;
}

/** What an attempt told that was lost with its worker stays until the next one has told something. */
function isOfThisAttempt({
  state,
  lastHeartbeatTime: told,
  lastStartedTime: begun,
}: NonNullable<PendingActivities>[number]): boolean {
  const begunMs = millisecondsOf(begun);
  return AT_WORK.includes(Number(state)) && begunMs > 0 && millisecondsOf(told) >= begunMs;
}

type Timestamp = NonNullable<PendingActivities>[number]['lastHeartbeatTime'];

function millisecondsOf(at: Timestamp): number {
  return Number(at?.seconds ?? 0) * 1_000 + Math.floor((at?.nanos ?? 0) / 1e6);
}

/** Of Temporal's PendingActivityState: at work, and at work although it was asked to stop. */
const AT_WORK: readonly number[] = [2, 3];
