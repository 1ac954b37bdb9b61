import { chainFolder } from '../src/chain/chain-paths.js';
import { availablePoints } from '../src/chain/chain-record.js';
import { findOwnChains } from '../src/chain/find-chains.js';
import { readJobDefinition } from '../src/chain/session-record.js';
import type { CopyJob } from '../src/domain/copy-job.js';
import { chainFacts, sourceFacts } from '../src/domain/find-facts.js';
import type { BrowseRepositoryInput } from '../src/domain/repository-view.js';
import { settlePoints } from '../src/domain/settle.js';
import type { FactsPage, WorkloadFacts } from '../src/domain/workload-facts.js';
import { scanRepository } from '../src/layout/scan-repository.js';
import type { DataMover } from '../src/mover/data-mover.js';
import type { BackupRepository } from '../src/repository/backup-repository.js';
import { page } from './browse-page.js';
import { runTask } from './run-task.js';

/** A page has at most 1 MiB: with one restore point a day, about 1 KiB for each. */
const PAGE_FACTS = 2_000;

/** What is known of all workloads of a repository, for the question whether they are safe. Reads only. */
export function createFactsActivities(deps: {
  readonly mover: DataMover;
  readonly settleMs: (repositoryId: string) => number;
}) {
  const { mover, settleMs } = deps;
  return {
    async listWorkloadFacts(input: BrowseRepositoryInput): Promise<FactsPage> {
      return runTask(async () => {
        const nowMs = Date.now();
        const repository = await mover.repository(input.repositoryId);
        const rule = { nowMs, settleMs: settleMs(input.repositoryId) };
        const sources = (await scanRepository(repository, {}, mover.facts)).map((workload) =>
          sourceFacts({ ...workload, restorePoints: settlePoints(workload.restorePoints, rule) }),
        );
        const { chains, unreadable } = await findOwnChains(repository);
        const policies = new StoredPolicies(repository);
        const items: WorkloadFacts[] = [...sources];
        for (const { record } of chains) {
          const policy = await policies.of(record.jobId);
          const idAsSource = chainFolder(record.jobId, record.workload.id).replace('/', ':');
          items.push(chainFacts(record, availablePoints(record), policy, idAsSource, nowMs));
        }
        return page(items, idOf, input.cursor, PAGE_FACTS, unreadable);
      });
    },
  };
}

export type FactsActivities = ReturnType<typeof createFactsActivities>;

/** Definitions beside the data, each read once. One that cannot be read costs its chains only the job's calendar: lists of what is stored
 *  name it. */
class StoredPolicies {
  readonly #known = new Map<string, CopyJob | null>();

  constructor(private readonly repository: BackupRepository) {}

  async of(jobId: string): Promise<CopyJob | null> {
    const known = this.#known.get(jobId);
    if (known !== undefined) return known;
    const job = await readJobDefinition(this.repository, jobId).catch(() => null);
    this.#known.set(jobId, job);
    return job;
  }
}

function idOf(facts: WorkloadFacts): string {
  return JSON.stringify([facts.is === 'chain' ? facts.jobId : null, facts.id]);
}
