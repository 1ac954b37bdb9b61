import { chainFolder } from '../../chain/chain-paths.js';
import { availablePoints } from '../../chain/chain-record.js';
import { findOwnChains } from '../../chain/find-chains.js';
import { readJobDefinition } from '../../chain/sessions/session-record.js';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import { chainFacts, sourceFacts } from '../../domain/safety/find-facts.js';
import { copiedMachines, shownMachines } from '../../domain/safety/machine-facts.js';
import { withCorrupt } from '../../domain/targets/damage.js';
import type { BrowseRepositoryInput } from '../../domain/targets/repository-view.js';
import { settlePoints } from '../../domain/sources/settle.js';
import { uncopiedPlaces } from '../../domain/safety/uncopied-places.js';
import type { FactsPage, WorkloadFacts } from '../../domain/safety/workload-facts.js';
import type { UnreadablePart } from '../../domain/targets/unreadable-part.js';
import type { TreeRules } from '../../domain/trees/tree-rules.js';
import { treeLayoutOf } from '../../layout/tree-layouts.js';
import type { SourceRepository } from '../../repository/backup-repository.js';
import { findTrees } from '../../tree/find-trees.js';
import { pointsAsRestorePoints, totalsOf } from '../../tree/show-tree.js';
import type { MoverContext } from '../task/mover-context.js';
import { LookedAtFiles } from './looked-at-files.js';
import { page } from './page.js';
import { scanWhole } from './whole-scan.js';

/** A page has at most 1 MiB: with one restore point a day, about 1 KiB for each. */
const PAGE_FACTS = 2_000;

/** What is known of all workloads of a repository, for the question whether they are safe.
 *  @param input.settleMs of the repository */
export async function listWorkloadFacts(
  context: MoverContext,
  input: BrowseRepositoryInput & { readonly nowMs: number; readonly settleMs: number },
): Promise<FactsPage> {
  const { nowMs, settleMs } = input;
  const repository = await context.source(input.repositoryId);
  const rule = { nowMs, settleMs };
  const { sources, unseen, unrecognised } = await scanWhole(repository, context.facts);
  const items: WorkloadFacts[] = sources.map((workload) => {
    const restorePoints = settlePoints(workload.restorePoints, rule);
    const machineOf = machineRuleOf(workload.tree?.layout);
    return {
      ...sourceFacts({ ...workload, restorePoints }, nowMs),
      ...(machineOf && { machines: shownMachines(restorePoints, machineOf) }),
    };
  });
  const { chains, unreadable } = await findOwnChains(repository);
  const policies = new StoredPolicies(repository);
  const unread: UnreadablePart[] = [...unreadable];
  const found = await findTrees(repository);
  const copies = { chains: recordsOf(chains), trees: recordsOf(found.trees) };
  const files = await LookedAtFiles.of(context.facts, repository, copies, nowMs);
  for (const listed of copies.chains) {
    const { record, lost } = files.chain(listed);
    const policy = await policies.of(record.jobId);
    const idAsSource = chainFolder(record.jobId, record.workload.id).replace('/', ':');
    const points = withCorrupt(availablePoints(record), lost);
    items.push(chainFacts(record, points, policy, idAsSource, nowMs));
  }
  for (const { folder, record: listed } of found.trees) {
    const record = files.tree(listed);
    const policy = await policies.of(record.jobId);
    const points = pointsAsRestorePoints(record);
    const facts = chainFacts(record, points, policy, folder.replace('/', ':'), nowMs);
    const machineOf = machineRuleOf(record.layout);
    items.push({
      ...facts,
      storedBytes: totalsOf(record).sizeBytes,
      ...(machineOf && { machines: copiedMachines(points, machineOf, nowMs) }),
    });
  }
  unread.push(...files.unreadable);
  unread.push(...found.unreadable);
  const uncopied = uncopiedPlaces(unseen, unrecognised);
  return {
    ...page(items, idOf, input.cursor, PAGE_FACTS, unread),
    ...(input.cursor === undefined && uncopied.places.length > 0 ? { uncopied } : {}),
  };
}

function machineRuleOf(layout: string | undefined): TreeRules['machineOf'] {
  return layout === undefined ? undefined : treeLayoutOf(layout)?.rules.machineOf;
}

function recordsOf<T>(found: readonly { readonly record: T }[]): T[] {
  return found.map(({ record }) => record);
}

/** Definitions beside the data, each read once. One that cannot be read costs its chains only the job's calendar: lists of what is stored
 *  name it. */
class StoredPolicies {
  readonly #known = new Map<string, CopyJob | null>();

  constructor(private readonly repository: SourceRepository) {}

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
