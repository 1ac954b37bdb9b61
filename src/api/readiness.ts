/** Whether the server can do its work: Temporal answers, and a living worker polls every queue in use. */

import type { Client } from '@temporalio/client';
import type { RepositoryConfig } from '../config/config.js';
import { CONTROL_TASK_QUEUE, repositoryTaskQueue } from '../../workflows/messages.js';
import { toProblem } from './problem.js';
import { workerPresence } from './worker-presence.js';

const DEADLINE_MS = 5_000;

export interface Readiness {
  readonly ready: boolean;
  /** One plain sentence for each thing that is missing. */
  readonly missing: readonly string[];
}

export async function readiness(
  client: Client,
  repositories: readonly RepositoryConfig[],
  nowMs: number,
): Promise<Readiness> {
  const queues = [CONTROL_TASK_QUEUE, ...repositories.map(({ id }) => repositoryTaskQueue(id))];
  try {
    const presences = await client.withDeadline(Date.now() + DEADLINE_MS, () =>
      Promise.all(queues.map((queue) => workerPresence(client, queue, nowMs))),
    );
    const missing = queues
      .filter((_queue, index) => presences[index]?.isAlive !== true)
      .map((queue) => `no worker polls ${queue}`);
    return { ready: missing.length === 0, missing };
  } catch (error) {
    return { ready: false, missing: [`Temporal does not answer: ${toProblem(error).detail}`] };
  }
}
