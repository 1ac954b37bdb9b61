import { DAY_MS } from '../src/domain/calendar-date.js';
import type { WorkloadType } from '../src/domain/restore-point.js';
import type { DataMover } from '../src/mover/data-mover.js';
import { findChains } from '../src/chain/find-chains.js';
import { runTask } from './run-task.js';

/** A chain that got no new restore point for long. */
export interface IdleChain {
  readonly workload: { readonly id: string; readonly name: string; readonly type: WorkloadType };
  /** All of them, dependents first. */
  readonly pointIds: readonly string[];
  /** RFC 3339 UTC. */
  readonly newestCopiedAt: string;
}

/** What a session has to know to remove the data of workloads that are gone. */
export function createRemovedWorkloadActivities(deps: {
  readonly mover: DataMover;
  /** Days during which a repository changes nothing. */
  readonly immutableForDays: (repositoryId: string) => number;
}) {
  return {
    /** Chains of the job whose newest restore point was copied more than `days` days ago, and that no immutable one belongs to. Reads only. */
    async listIdleChains(input: {
      targetRepositoryId: string;
      jobId: string;
      days: number;
      nowMs: number;
    }): Promise<IdleChain[]> {
      return runTask(async () => {
        const { targetRepositoryId, jobId, nowMs } = input;
        const days = Math.max(input.days, deps.immutableForDays(targetRepositoryId));
        const chains = await findChains(await deps.mover.repository(targetRepositoryId));
        return chains.flatMap(({ record: { workload, points, ...record } }) => {
          const newest = Math.max(...points.map(({ copiedAt }) => Date.parse(copiedAt)));
          const isIdle = points.length > 0 && newest + days * DAY_MS < nowMs;
          if (record.jobId !== jobId || !isIdle) return [];
          const pointIds = points.map(({ id }) => id).reverse();
          return [{ workload, pointIds, newestCopiedAt: new Date(newest).toISOString() }];
        });
      });
    },
  };
}

export type RemovedWorkloadActivities = ReturnType<typeof createRemovedWorkloadActivities>;
