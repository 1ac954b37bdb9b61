/** What the channels were told, as Temporal remembers it. */

import type { Client } from '@temporalio/client';
import type { DeliveryFact } from '../../domain/notices/channel-health.js';
import { noticeOfWorkflow, WORKFLOW_NOTIFY } from '../../../workflows/messages.js';
import { quoted } from '../executions/visibility-query.js';

export interface DeliveryView extends DeliveryFact {
  readonly noticeId: string;
  readonly endedAt: string | null;
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
