/** What the channels were told, as Temporal remembers it. */

import { WorkflowFailedError, type Client } from '@temporalio/client';
import type { DeliveryFact } from '../../domain/notices/channel-health.js';
import {
  noticeOfWorkflow,
  noticeWorkflowId,
  WORKFLOW_NOTIFY,
} from '../../../workflows/messages.js';
import { retryOf } from '../executions/step-retry.js';
import { quoted } from '../executions/visibility-query.js';

export interface DeliveryView extends DeliveryFact {
  readonly noticeId: string;
  readonly endedAt: string | null;
}

/** A delivery with what became of it. */
export interface ExplainedDelivery extends DeliveryView {
  /** Why its last try failed; null: none has, or it is one of many that failed and was not asked. */
  readonly reason: string | null;
}

/** The newest that a list shows; Temporal keeps them for 30 days. */
export const MAX_DELIVERIES = 100;

/** The newest `MAX_DELIVERIES`, the newest first. */
export async function deliveriesOf(client: Client): Promise<DeliveryView[]> {
  const found: DeliveryView[] = [];
  const query = `WorkflowType = ${quoted(WORKFLOW_NOTIFY)}`;
  for await (const { workflowId, status, startTime, closeTime } of client.workflow.list({
    query,
  })) {
    const running = status.name === 'RUNNING';
    found.push({
      ...noticeOfWorkflow(workflowId),
      state: running ? 'delivering' : status.name === 'COMPLETED' ? 'delivered' : 'failed',
      startedAt: startTime.toISOString(),
      endedAt: closeTime?.toISOString() ?? null,
    });
    if (found.length === MAX_DELIVERIES) break;
  }
  // Temporal lists what runs before what has ended.
  return found.sort((a, b) => b.startedAt.localeCompare(a.startedAt));
}

/** One call for each: a channel that takes nothing leaves as many as there are problems. */
const MAX_EXPLAINED = 20;

/** Each with its reason, as far as it has one. */
export async function explainedDeliveries(client: Client): Promise<ExplainedDelivery[]> {
  const deliveries = await deliveriesOf(client);
  const asked = new Set(
    deliveries.filter(({ state }) => state !== 'delivered').slice(0, MAX_EXPLAINED),
  );
  return Promise.all(
    deliveries.map(async (delivery) => ({
      ...delivery,
      reason: asked.has(delivery) ? await reasonOf(client, delivery) : null,
    })),
  );
}

/** null also when it cannot be asked for: the list is worth more than its reasons. */
async function reasonOf(
  client: Client,
  { noticeId, channelId, state }: DeliveryView,
): Promise<string | null> {
  const workflowId = noticeWorkflowId(noticeId, channelId);
  const handle = client.workflow.getHandle(workflowId);
  try {
    if (state === 'failed') {
      await handle.result();
      return null;
    }
    const { raw } = await handle.describe();
    return (await retryOf(client, workflowId, raw))?.reason ?? null;
  } catch (error) {
    return error instanceof WorkflowFailedError ? rootMessage(error) : null;
  }
}

function rootMessage(error: Error): string {
  return error.cause instanceof Error ? rootMessage(error.cause) : error.message;
}
