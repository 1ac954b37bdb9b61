/** The running tasks of a session, fresher than the session itself knows: each child workflow is asked, the last heartbeat of its running
 *  batch is added, and so is what it waits for, which the server tells without any worker. */

import { sumMoved } from '../../domain/targets/moved-bytes.js';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { z } from 'zod';
import { progressOf } from '../../domain/sessions/session-result.js';
import { newTask, type CopyProgress, type CopyTask } from '../../domain/sessions/copy-session.js';
import { taskQuery, workloadIdOfChain } from '../../../workflows/messages.js';
import type { CopyBlocksHeartbeat } from '../../domain/sessions/operation.js';
import type { TaskView } from './session-schemas.js';
import { sumTimes } from '../../domain/sessions/mover-times.js';
import { taskView, taskViews } from './task-view.js';
import { retryOf } from '../executions/step-retry.js';
import { storageHoldOf } from '../executions/step-storage.js';

/** The others show what the session knows. Those that the session names first are asked first: they are at work. */
const ASKED_CHILDREN = 50;
const DEADLINE_MS = 2_000;

const heartbeatSchema: z.ZodType<CopyBlocksHeartbeat> = z.object({
  processedBytes: z.number(),
  readBytes: z.number(),
  transferredBytes: z.number(),
  reusedBytes: z.number(),
  storedBytes: z.number(),
  bytesPerSecond: z.number(),
  times: z
    .object({
      sourceMs: z.number(),
      targetMs: z.number(),
      limitMs: z.number(),
      processorMs: z.number(),
    })
    .optional(),
});

type PendingActivities = WorkflowExecutionDescription['raw']['pendingActivities'];

/** `tasks` in their order, those of the running children brought up to date; of a child that does not answer only what it waits for. A
 *  child that the session has not told of is added.
 *  @param sessionWorkflowId whose children they are */
export async function refreshTasks(
  client: Client,
  sessionWorkflowId: string,
  children: readonly { readonly workflowId?: string | null }[],
  tasks: readonly CopyTask[],
): Promise<TaskView[]> {
  const views = taskViews(tasks);
  const placeOf = new Map(views.map(({ workloadId }, index) => [workloadId, index]));
  const asked = children.flatMap(({ workflowId }) => workflowId ?? []);
  for (const id of asked.map(workloadIdOfChain)) {
    if (placeOf.has(id)) continue;
    placeOf.set(id, views.length);
    views.push(taskView({ ...newTask(id, id), state: 'waiting' }));
  }
  const placeIn = (workflowId: string): number => placeOf.get(workloadIdOfChain(workflowId))!;
  asked.sort((a, b) => placeIn(a) - placeIn(b));
  await client.withDeadline(Date.now() + DEADLINE_MS, () =>
    Promise.all(
      asked.slice(0, ASKED_CHILDREN).map(async (workflowId) => {
        const place = placeIn(workflowId);
        views[place] = await readTask(client, { workflowId, sessionWorkflowId }, views[place]!);
      }),
    ),
  );
  return views;
}

/** Never rejects: `known` is what is left when nobody answers, or when the child of that id is another session's. Its id is the lock of a chain, so
 *  a session may have asked for one that another session runs. */
async function readTask(
  client: Client,
  { workflowId, sessionWorkflowId }: Record<'workflowId' | 'sessionWorkflowId', string>,
  known: TaskView,
): Promise<TaskView> {
  const description = await client.workflow
    .getHandle(workflowId)
    .describe()
    .catch(() => null);
  const raw = description?.raw;
  // Not by the run that the session has started: a task that goes on in a new run keeps its parent, and not its run.
  if (raw?.workflowExecutionInfo?.parentExecution?.workflowId !== sessionWorkflowId) return known;
  const { runId } = description!;
  const answer = client.workflow.getHandle(workflowId, runId).query(taskQuery);
  const task = await answer.catch(() => known);
  const beats = heartbeatsOf(client, raw.pendingActivities);
  const measured = beats.flatMap(({ times }) => times ?? []);
  const recent = measured.length === 0 ? null : sumTimes(measured);
  const moving = {
    ...task,
    progress: withHeartbeats(task.progress, beats),
    moverTimes: recent === null ? (task.moverTimes ?? null) : sumTimes([task.moverTimes, recent]),
  };
  const retry = await retryOf(client, workflowId, raw).catch(() => null);
  const waits = storageHoldOf(client, raw.pendingActivities);
  return taskView(moving, { retry, waits, recent });
}

function heartbeatsOf(client: Client, activities: PendingActivities): CopyBlocksHeartbeat[] {
  const converter = client.options.loadedDataConverter.payloadConverter;
  return (activities ?? []).flatMap(({ heartbeatDetails }) => {
    const payload = heartbeatDetails?.payloads?.[0];
    if (payload === undefined || payload === null) return [];
    const parsed = heartbeatSchema.safeParse(converter.fromPayload(payload));
    return parsed.success ? [parsed.data] : [];
  });
}

function withHeartbeats(
  progress: CopyProgress,
  heartbeats: readonly CopyBlocksHeartbeat[],
): CopyProgress {
  if (heartbeats.length === 0) return progress;
  const sum = (field: 'processedBytes' | 'bytesPerSecond') =>
    heartbeats.reduce((total, heartbeat) => total + heartbeat[field], 0);
  const { totalBytes } = progress;
  const processedBytes = Math.min(totalBytes, progress.processedBytes + sum('processedBytes'));
  const moved = sumMoved([progress, ...heartbeats]);
  return progressOf({ processedBytes, totalBytes, ...moved }, sum('bytesPerSecond'));
}
