/** Progress of a running session's tasks, fresher than the session itself knows: each child workflow is asked, and the last heartbeat of
 *  its running batches is added. */

import type { Client } from '@temporalio/client';
import { z } from 'zod';
import type { CopyProgress, CopyTask } from '../domain/copy-session.js';
import { taskQuery } from '../../workflows/messages.js';
import type { CopyBlocksHeartbeat } from '../domain/operation.js';

/** More tasks than these run only in very large sessions; the others show what the session knows. */
const ASKED_CHILDREN = 20;
const DEADLINE_MS = 2_000;

const heartbeatSchema: z.ZodType<CopyBlocksHeartbeat> = z.object({
  processedBytes: z.number(),
  readBytes: z.number(),
  transferredBytes: z.number(),
  bytesPerSecond: z.number(),
});

/** `tasks` in their order, those of the running children brought up to date. A child that does not answer keeps its task as it is. */
export async function refreshTasks(
  client: Client,
  children: readonly { readonly workflowId?: string | null }[],
  tasks: readonly CopyTask[],
): Promise<CopyTask[]> {
  const ids = children.flatMap(({ workflowId }) => workflowId ?? []).slice(0, ASKED_CHILDREN);
  const deadline = Date.now() + DEADLINE_MS;
  const answers = await client.withDeadline(deadline, () =>
    Promise.allSettled(ids.map((workflowId) => readTask(client, workflowId))),
  );
  const fresh = new Map(
    answers.flatMap((answer) =>
      answer.status === 'fulfilled' ? [[answer.value.workload, answer.value] as const] : [],
    ),
  );
  return tasks.map((task) => fresh.get(task.workload) ?? task);
}

/** Sum over the tasks; `fallback` when no task knows its size yet. */
export function totalProgress(tasks: readonly CopyTask[], fallback: CopyProgress): CopyProgress {
  const sum = (field: 'processedBytes' | 'totalBytes' | 'readBytes' | 'transferredBytes') =>
    tasks.reduce((total, { progress }) => total + progress[field], 0);
  const totalBytes = sum('totalBytes');
  if (totalBytes === 0) return fallback;
  const running = tasks.filter(({ state }) => state !== 'ended');
  return progressOf({
    processedBytes: sum('processedBytes'),
    totalBytes,
    readBytes: sum('readBytes'),
    transferredBytes: sum('transferredBytes'),
    bytesPerSecond: running.reduce((total, { progress }) => total + progress.bytesPerSecond, 0),
  });
}

async function readTask(client: Client, workflowId: string): Promise<CopyTask> {
  const handle = client.workflow.getHandle(workflowId);
  const [task, { raw }] = await Promise.all([handle.query(taskQuery), handle.describe()]);
  const converter = client.options.loadedDataConverter.payloadConverter;
  const heartbeats = (raw.pendingActivities ?? []).flatMap(({ heartbeatDetails }) => {
    const payload = heartbeatDetails?.payloads?.[0];
    if (payload === undefined || payload === null) return [];
    const parsed = heartbeatSchema.safeParse(converter.fromPayload(payload));
    return parsed.success ? [parsed.data] : [];
  });
  return { ...task, progress: withHeartbeats(task.progress, heartbeats) };
}

function withHeartbeats(
  progress: CopyProgress,
  heartbeats: readonly CopyBlocksHeartbeat[],
): CopyProgress {
  if (heartbeats.length === 0) return progress;
  const sum = (field: keyof CopyBlocksHeartbeat) =>
    heartbeats.reduce((total, heartbeat) => total + heartbeat[field], 0);
  return progressOf({
    processedBytes: Math.min(progress.totalBytes, progress.processedBytes + sum('processedBytes')),
    totalBytes: progress.totalBytes,
    readBytes: progress.readBytes + sum('readBytes'),
    transferredBytes: progress.transferredBytes + sum('transferredBytes'),
    bytesPerSecond: sum('bytesPerSecond'),
  });
}

function progressOf(counters: Omit<CopyProgress, 'percent' | 'etaSeconds'>): CopyProgress {
  const { processedBytes, totalBytes, bytesPerSecond } = counters;
  const leftBytes = totalBytes - processedBytes;
  return {
    ...counters,
    percent: totalBytes === 0 ? 0 : Math.round((processedBytes / totalBytes) * 1_000) / 10,
    etaSeconds: bytesPerSecond > 0 ? Math.ceil(leftBytes / bytesPerSecond) : null,
  };
}
