/** Whether the server can do its work: its state directory is there, Temporal answers what the API asks it, a living worker polls every queue in use, and
 *  every target is fit for copies. */

import type { Client } from '@temporalio/client';
import type { RepositoryConfig } from '../config/config.js';
import { CONTROL_TASK_QUEUE, repositoryTaskQueue } from '../../workflows/messages.js';
import type { BackupError } from '../domain/errors.js';
import { withTwins } from '../domain/targets/marker-twins.js';
import type { RepositoryDescription } from '../domain/targets/repository-view.js';
import { toProblem } from './problem.js';
import type { RepositoryBrowser } from './repositories/repository-browser.js';
import { workerPresence } from './executions/worker-presence.js';

const DEADLINE_MS = 5_000;

/** A look is a workflow that stays in history, and probes come every few seconds: what was seen within this time counts. */
const STORAGE_SEEN_MS = 10 * 60_000;

interface Readiness {
  readonly ready: boolean;
  /** One plain sentence for each thing that is missing. */
  readonly missing: readonly string[];
  /** What does not keep the server from its work, but should be known. */
  readonly warnings: readonly string[];
}

export async function readiness(
  client: Client,
  browser: RepositoryBrowser,
  repositories: readonly RepositoryConfig[],
  nowMs: number,
  stateFault: () => Promise<BackupError | null> = async () => null,
): Promise<Readiness> {
  const fault = await stateFault();
  if (fault !== null) return { ready: false, missing: [fault.message], warnings: [] };
  const queues = [CONTROL_TASK_QUEUE, ...repositories.map(({ id }) => repositoryTaskQueue(id))];
  try {
    const presences = await client.withDeadline(Date.now() + DEADLINE_MS, async () => {
      await answersTheApi(client);
      return Promise.all(queues.map((queue) => workerPresence(client, queue, nowMs)));
    });
    const missing = queues
      .filter((_queue, index) => presences[index]?.isAlive !== true)
      .map((queue) => `no worker polls ${queue}`);
    if (missing.length > 0) return { ready: false, missing, warnings: [] };
    const targets = repositories.filter(({ role }) => role === 'target');
    const seen = await Promise.all(
      targets.map(async ({ id }) => {
        const description = await browser.describeSeenWithin(id, STORAGE_SEEN_MS);
        return [id, description] as const;
      }),
    );
    const known = seen.flatMap(([id, description]) =>
      description === null ? [] : [[id, description] as const],
    );
    const storage = seen.map(([id, description]) =>
      storageFindings(id, description && withTwins(id, description, known)),
    );
    const unfit = storage.flatMap(({ faults }) => faults);
    const warnings = storage.flatMap((found) => found.warnings);
    return { ready: unfit.length === 0, missing: unfit, warnings };
  } catch (error) {
    const missing = [`Temporal does not answer: ${toProblem(error).detail}`];
    return { ready: false, missing, warnings: [] };
  }
}

/** Lists of workers come from memory, also while the database is away: what the API reads is tried itself. */
async function answersTheApi({ options: { namespace }, workflowService }: Client): Promise<void> {
  await workflowService.listSchedules({ namespace, maximumPageSize: 1 });
  await workflowService.listWorkflowExecutions({ namespace, pageSize: 1 });
}

/** A target that is away comes back by itself, so it is a warning; one whose storage is not fit stays so. */
function storageFindings(
  id: string,
  seen: RepositoryDescription | null,
): { faults: string[]; warnings: string[] } {
  const named = (sentence: string) => `repository ${id}: ${sentence}`;
  if (seen === null) return { faults: [], warnings: [named('not looked at yet')] };
  const { reachable, reason, storage } = seen;
  const faults = storage?.faults ?? [];
  const away = reachable || faults.length > 0 ? [] : [reason ?? 'not reached'];
  return {
    faults: faults.map(named),
    warnings: [...away, ...(storage?.warnings ?? [])].map(named),
  };
}
