/** Which task queues have a living worker. Poller lists do not tell (dead workers stay listed, busy ones do not poll); heartbeats do. */

import type { Client } from '@temporalio/client';
import { quoted } from './visibility-query.js';

/** Workers report every 10 s; three missed reports mean gone. A killed worker stays listed as running, so the age decides. */
const ALIVE_MS = 30_000;

interface WorkerPresence {
  readonly isAlive: boolean;
  /** Activities that the queue's workers run now; null: none reports. */
  readonly usedSlots: number | null;
}

export async function workerPresence(
  client: Client,
  taskQueue: string,
  nowMs: number,
): Promise<WorkerPresence> {
  const { workersInfo } = await client.workflowService.listWorkers({
    namespace: client.options.namespace,
    pageSize: 100,
    query: `TaskQueue=${quoted(taskQueue)} AND Status='Running'`,
  });
  const alive = (workersInfo ?? []).flatMap(({ workerHeartbeat }) => {
    const seenMs = Number(workerHeartbeat?.heartbeatTime?.seconds ?? 0) * 1_000;
    return workerHeartbeat && nowMs - seenMs < ALIVE_MS ? [workerHeartbeat] : [];
  });
  return {
    isAlive: alive.length > 0,
    usedSlots:
      alive.length === 0
        ? null
        : alive.reduce(
            (sum, { activityTaskSlotsInfo }) =>
              sum + (activityTaskSlotsInfo?.currentUsedSlots ?? 0),
            0,
          ),
  };
}
