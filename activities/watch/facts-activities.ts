import type { BrowseRepositoryInput } from '../../src/domain/targets/repository-view.js';
import type { FactsPage } from '../../src/domain/safety/workload-facts.js';
import type { DataMover } from '../../src/mover/data-mover.js';
import { runTask } from '../running/run-task.js';

/** What is known of all workloads of a repository, for the question whether they are safe. Reads only. */
export function createFactsActivities(deps: {
  readonly mover: DataMover;
  readonly settleMs: (repositoryId: string) => number;
}) {
  const { mover, settleMs } = deps;
  return {
    async listWorkloadFacts(input: BrowseRepositoryInput): Promise<FactsPage> {
      const order = { ...input, nowMs: Date.now(), settleMs: settleMs(input.repositoryId) };
      return runTask((control) => mover.run('listWorkloadFacts', order, control));
    },
  };
}

export type FactsActivities = ReturnType<typeof createFactsActivities>;
