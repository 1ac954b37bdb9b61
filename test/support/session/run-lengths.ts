import type { Client } from '@temporalio/client';

/** Events in each run of a workflow, the first run first. */
export async function runLengths(client: Client, workflowId: string): Promise<number[]> {
  const lengths: number[] = [];
  const { raw } = await client.workflow.getHandle(workflowId).describe();
  let runId = raw.workflowExecutionInfo?.firstRunId ?? undefined;
  while (runId !== undefined) {
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    lengths.push(events!.length);
    const next = events!.at(-1)?.workflowExecutionContinuedAsNewEventAttributes;
    runId = next?.newExecutionRunId ?? undefined;
  }
  return lengths;
}
