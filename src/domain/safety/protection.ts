/** Every workload with its copies, from looks into all repositories and the definitions of all jobs. Pure. */

import { idOfAnyDate } from '../sources/any-date.js';
import type { CopyJob } from '../jobs/copy-job.js';
import type { ErrorCode } from '../errors.js';
import type { UnreadablePart } from '../targets/unreadable-part.js';
import type { CopyLimits } from './rpo-policy.js';
import { machineLimits, withMachines } from './machine-status.js';
import { limitsOf, rpoStatus, type RpoStatus } from './rpo.js';
import { excludedBy, sourceScope, type NamedWorkload } from '../jobs/source-scope.js';
import { sightOf, type Sight } from './sight.js';
import type { UncopiedPlaces } from './uncopied-places.js';
import type { ChainFacts, SourceFacts, WorkloadFacts } from './workload-facts.js';

/** What is known of a repository: as of the last look that was answered. */
export interface RepositoryFacts {
  readonly id: string;
  readonly role: 'primary' | 'target' | 'external';
  /** When it was last seen; epoch milliseconds; null: never. */
  readonly seenAtMs: number | null;
  /** Since when it cannot be looked at; null: it can. */
  readonly awaySinceMs: number | null;
  /** When the look began that is the first one, and has not ended; absent: there is none. */
  readonly firstLookSinceMs?: number;
  readonly code: ErrorCode | null;
  /** Why it cannot be looked at; null: it can. */
  readonly reason: string | null;
  readonly totalBytes: number | null;
  readonly freeBytes: number | null;
  /** When a target is full at its pace; epoch milliseconds; null: not within ten years, or not known. */
  readonly fullAtMs: number | null;
  /** Why nothing can be copied here; empty: it can. */
  readonly storageFaults: readonly string[];
  readonly workloads: readonly WorkloadFacts[];
  readonly unreadable: readonly UnreadablePart[];
  readonly uncopied: UncopiedPlaces;
}

/** The copies that one job keeps, or is to keep, of a workload. */
export interface Copies {
  readonly job: CopyJob;
  /** Where they are. */
  readonly repositoryId: string;
  /** Under which they lie there: that of the workload as its job sees it, which for a copy of a copy is not that of the machine at its source. */
  readonly workloadId: string;
  /** Of that repository. */
  readonly target: Sight;
  readonly chain: ChainFacts | null;
  /** No source of the job shows it any more, and copies of it are kept. */
  readonly isGone: boolean;
  readonly limits: CopyLimits;
  readonly status: RpoStatus;
}

export interface ProtectedWorkload {
  /** Of the source it comes from, unless that is not known. */
  readonly repositoryId: string;
  readonly id: string;
  readonly name: string;
  readonly type: SourceFacts['type'];
  /** null: no source shows it. */
  readonly source: SourceFacts | null;
  /** Worst of its copies. `unprotected`: no job copies it; while the definition of a job cannot be read that is `unknown`. `unwatched`: none is to:
   *  every job that copies its repository excludes it, or no source shows it and no job keeps it. */
  readonly state: RpoStatus['state'] | 'unprotected' | 'unwatched';
  readonly sinceMs: number | null;
  /** Of the source that it comes from. */
  readonly sight: Sight;
  readonly copies: readonly Copies[];
  /** Chains that no job makes any more, or one of another service does. */
  readonly leftovers: readonly FoundChain[];
}

/** All that is kept of them, also by no job: it is as good to restore from, and is damaged as easily. */
export function keptChains(workloads: readonly ProtectedWorkload[]): ChainFacts[] {
  return workloads.flatMap(({ copies, leftovers }) => [
    ...copies.flatMap(({ chain }) => chain ?? []),
    ...leftovers.map(({ chain }) => chain),
  ]);
}

/** What is kept by no job: its restore points, and of how many workloads. */
export interface LeftoverCount {
  readonly restorePoints: number;
  readonly workloads: number;
}

export function countLeftovers(workloads: readonly ProtectedWorkload[]): LeftoverCount {
  const counts = workloads
    .map(({ leftovers }) => leftovers.reduce((sum, { chain }) => sum + chain.restorePointCount, 0))
    .filter((count) => count > 0);
  return { restorePoints: counts.reduce((sum, count) => sum + count, 0), workloads: counts.length };
}

/** In the order of their names, then of their repositories.
 *  @param isEveryJobRead false: there may be jobs beside these */
export function protectedWorkloads(
  repositories: readonly RepositoryFacts[],
  jobs: readonly CopyJob[],
  isEveryJobRead: boolean,
  nowMs: number,
): ProtectedWorkload[] {
  const known = new KnownWorkloads(repositories, jobs);
  const scopes = jobs.map((job) => ({
    job,
    isInScope: sourceScope(job),
    isExcluded: excludedBy(job.sources.exclude),
  }));
  const uncopied = isEveryJobRead ? 'unprotected' : 'unknown';
  const workloads = known.rows().map((row) => protect(row, scopes, { known, uncopied, nowMs }));
  return workloads.sort((a, b) =>
    a.name === b.name ? compare(a.repositoryId, b.repositoryId) : compare(a.name, b.name),
  );
}

/** The copies of one workload that lie under one job, and where. */
export interface FoundChain {
  readonly repositoryId: string;
  readonly chain: ChainFacts;
}

interface Row {
  readonly repositoryId: string;
  readonly id: string;
  source: SourceFacts | null;
  readonly chains: FoundChain[];
}

interface ScopedJob {
  readonly job: CopyJob;
  readonly isInScope: ReturnType<typeof sourceScope>;
  readonly isExcluded: (workload: NamedWorkload) => boolean;
}

class KnownWorkloads {
  readonly #repositories: ReadonlyMap<string, RepositoryFacts>;
  readonly #rows = new Map<string, Row>();
  /** By the repository and the id that a job which copies it on would see. */
  readonly #chains = new Map<string, FoundChain>();

  /** By the repository and an id that something which it shows may have had. */
  readonly #otherIds = new Set<string>();
  readonly #jobs: ReadonlyMap<string, CopyJob>;

  constructor(repositories: readonly RepositoryFacts[], jobs: readonly CopyJob[]) {
    this.#jobs = new Map(jobs.map((job) => [job.id, job]));
    this.#repositories = new Map(repositories.map((repository) => [repository.id, repository]));
    for (const { id, workloads } of repositories)
      for (const facts of workloads)
        if (facts.is === 'source') {
          this.#rowOf(id, facts.id).source = facts;
          for (const otherId of facts.otherIds ?? []) this.#otherIds.add(keyOf(id, otherId));
        } else this.#chains.set(keyOf(id, facts.idAsSource), { repositoryId: id, chain: facts });
    for (const found of this.#chains.values()) {
      const root = this.#rootOf(found);
      this.#rowOf(root.repositoryId, root.id).chains.push(found);
    }
  }

  rows(): Row[] {
    return [...this.#rows.values()];
  }

  sightOf(repositoryId: string): Sight {
    return sightOf(this.#repositories.get(repositoryId));
  }

  /** Whether each source of the job was seen, with all that it shows, and none shows the workload: what cannot be read, or moved from one source to
   *  another, is not gone. A source that shows nothing at all is a fault of its own. */
  isInNoSourceOf(job: CopyJob, workloadId: string): boolean {
    return job.sources.include.every(
      ({ repositoryId }) =>
        isSeenWhole(this.#repositories.get(repositoryId)) &&
        (this.#rows.get(keyOf(repositoryId, workloadId))?.source ?? null) === null,
    );
  }

  /** Whether a source of the job shows something that may have had this id: it counts as seen, as in sessions. */
  isUnderOtherId(job: CopyJob, workloadId: string): boolean {
    return job.sources.include.some(({ repositoryId }) =>
      this.#isOtherId(repositoryId, workloadId),
    );
  }

  #isOtherId(repositoryId: string, id: string): boolean {
    return [id, idOfAnyDate(id)].some((one) => this.#otherIds.has(keyOf(repositoryId, one)));
  }

  /** Copies of copies are copies of what those were made of. */
  #rootOf(found: FoundChain): { repositoryId: string; id: string } {
    const passed = new Set<FoundChain>();
    let at = found;
    for (;;) {
      passed.add(at);
      const { id } = at.chain;
      const repositoryId = this.#sourceOf(at) ?? at.repositoryId;
      const below = this.#chains.get(keyOf(repositoryId, id));
      if (below === undefined || passed.has(below)) return { repositoryId, id };
      at = below;
    }
  }

  /** A chain without a copy does not say what it is of: its job does, as long as one of its sources shows that workload. */
  #sourceOf({ chain }: FoundChain): string | null {
    if (chain.sourceRepositoryId !== null) return chain.sourceRepositoryId;
    const included = this.#jobs.get(chain.jobId)?.sources.include ?? [];
    const source = included.find(({ repositoryId }) => {
      const key = keyOf(repositoryId, chain.id);
      return (
        this.#rows.has(key) || this.#chains.has(key) || this.#isOtherId(repositoryId, chain.id)
      );
    });
    return source?.repositoryId ?? null;
  }

  #rowOf(repositoryId: string, id: string): Row {
    const key = keyOf(repositoryId, id);
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const row: Row = { repositoryId, id, source: null, chains: [] };
    this.#rows.set(key, row);
    return row;
  }
}

interface Surroundings {
  readonly known: KnownWorkloads;
  /** What a workload is that no known job copies, although one should. */
  readonly uncopied: 'unprotected' | 'unknown';
  readonly nowMs: number;
}

function protect(
  row: Row,
  scopes: readonly ScopedJob[],
  { known, uncopied, nowMs }: Surroundings,
): ProtectedWorkload {
  const first = row.source ?? row.chains[0]?.chain;
  const { otherIds = [] } = row.source ?? {};
  const name = first?.name ?? row.id;
  const named = { id: row.id, name, otherIds };
  const copies: Copies[] = [];
  const kept = new Set<FoundChain>();
  let isExcluded = false;
  for (const { job, isInScope, isExcluded: excludes } of scopes) {
    const source = sourceOf(row, named, job, isInScope);
    if (source === null) {
      isExcluded ||=
        excludes(named) &&
        job.sources.include.some(({ repositoryId }) => repositoryId === row.repositoryId);
      continue;
    }
    const found = row.chains.find(
      ({ repositoryId, chain }) =>
        isOwnChain(chain, job) && repositoryId === job.target.repositoryId,
    );
    // What no source shows is nothing to be copied, unless a job keeps copies of it.
    if (row.source === null && found === undefined) continue;
    if (found !== undefined) kept.add(found);
    copies.push(copiesOf(job, named, source, found?.chain ?? null, known, nowMs));
  }
  const { state, sinceMs } = worstOf(
    copies,
    row.source !== null && !isExcluded ? uncopied : 'unwatched',
  );
  return {
    repositoryId: row.repositoryId,
    ...{ id: row.id, name },
    type: first?.type ?? 'unknown',
    source: row.source,
    state,
    sinceMs,
    sight: known.sightOf(row.repositoryId),
    copies,
    leftovers: row.chains.filter((chain) => !kept.has(chain)),
  };
}

/** Under the id of a job may lie copies of another one, of which its sessions leave off (`COPIES_OF_OTHER_JOB`). */
function isOwnChain({ jobId, jobOrigin }: ChainFacts, { id, origin }: CopyJob): boolean {
  return jobId === id && (jobOrigin === undefined || jobOrigin === (origin ?? null));
}

interface CopiedFrom {
  readonly repositoryId: string;
  /** Of the workload in that repository. */
  readonly id: string;
  readonly facts: WorkloadFacts | null;
}

/** What the job copies the workload from: its source, or the chain of another job; null: the job does not copy it. */
function sourceOf(
  row: Row,
  named: NamedWorkload,
  job: CopyJob,
  isInScope: ScopedJob['isInScope'],
): CopiedFrom | null {
  if (isInScope(row.repositoryId, named))
    return { repositoryId: row.repositoryId, id: row.id, facts: row.source };
  for (const { repositoryId, chain } of row.chains) {
    const asSource = { id: chain.idAsSource, name: chain.name };
    if (repositoryId !== job.target.repositoryId && isInScope(repositoryId, asSource))
      return { repositoryId, id: chain.idAsSource, facts: chain };
  }
  return null;
}

function isSeenWhole(repository: RepositoryFacts | undefined): boolean {
  if (repository === undefined || sightOf(repository).state !== 'seen') return false;
  const { workloads, uncopied } = repository;
  return workloads.length > 0 && uncopied.places.every(({ fileCount }) => fileCount !== null);
}

function copiesOf(
  job: CopyJob,
  named: NamedWorkload,
  source: CopiedFrom,
  chain: ChainFacts | null,
  known: KnownWorkloads,
  nowMs: number,
): Copies {
  const { repositoryId } = job.target;
  const target = known.sightOf(repositoryId);
  const limits = limitsOf(job.rpo, named);
  const [newestSeconds] = chain?.recentAtSeconds ?? [];
  const copiedUntilMs = newestSeconds === undefined ? null : newestSeconds * 1_000;
  const sights = { source: known.sightOf(source.repositoryId), target };
  const ofAll = rpoStatus(
    {
      ...sights,
      sourceAtMs: awaitedSeconds(source.facts, job).map((seconds) => seconds * 1_000),
      copiedUntilMs,
      newestCopyAtMs:
        copiedUntilMs === null
          ? null
          : Math.min(copiedUntilMs, Date.parse(chain?.newestCopiedAt ?? '') || copiedUntilMs),
    },
    limits,
    nowMs,
  );
  const machines = { shown: source.facts?.machines, copied: chain?.machines };
  const limitsOfMachine = (machine: string) => machineLimits(job.rpo, named, machine);
  const status = withMachines(ofAll, machines, limitsOfMachine, { ...sights, nowMs });
  const isKept = chain !== null && chain.restorePointCount > 0;
  // By the looks of the job's sessions, or by those of now.
  const isMissed = () =>
    (chain?.missedSince ?? null) !== null || known.isInNoSourceOf(job, named.id);
  const isGone =
    isKept && source.facts === null && !known.isUnderOtherId(job, named.id) && isMissed();
  const workloadId = chain?.id ?? source.id;
  return { job, repositoryId, workloadId, target, chain, isGone, limits, status };
}

/** What no session of the job copies waits for nothing. */
function awaitedSeconds(
  facts: WorkloadFacts | null,
  { transactionLogs }: CopyJob,
): readonly number[] {
  if (facts === null) return [];
  const { recentAtSeconds } = facts;
  if (transactionLogs || facts.is === 'chain') return recentAtSeconds;
  return facts.recentBackupsAtSeconds ?? recentAtSeconds;
}

const WORST_FIRST = ['late', 'unknown', 'ok'] as const;

function worstOf(
  copies: readonly Copies[],
  otherwise: ProtectedWorkload['state'],
): Pick<ProtectedWorkload, 'state' | 'sinceMs'> {
  for (const state of WORST_FIRST) {
    const own = copies.filter(({ status }) => status.state === state);
    if (own.length === 0) continue;
    const sinces = own.flatMap(({ status }) => (status.sinceMs === null ? [] : [status.sinceMs]));
    return { state, sinceMs: sinces.length === 0 ? null : Math.min(...sinces) };
  }
  return { state: otherwise, sinceMs: null };
}

function keyOf(repositoryId: string, workloadId: string): string {
  return JSON.stringify([repositoryId, workloadId]);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
