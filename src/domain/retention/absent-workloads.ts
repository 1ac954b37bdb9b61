/** Which workloads of a job its sources do not show any more, and which of those looks are to be believed. */

import { isSuspicious, type Removal } from './absence.js';
import { idOfAnyDate } from '../sources/any-date.js';
import type { CopyJob } from '../jobs/copy-job.js';
import type { UnreadablePart } from '../targets/unreadable-part.js';
import type { WorkloadType } from '../sources/source-workload.js';
import { excludedBy, type NamedWorkload } from '../jobs/source-scope.js';

/** A workload of which the target keeps copies. */
export interface KeptWorkload extends NamedWorkload {
  /** Source of its newest copy. */
  readonly repositoryId: string;
  /** The look before did not show it. */
  readonly wasMissed: boolean;
  /** The last look that did not show it and was counted; RFC 3339 UTC. Absent: none was. */
  readonly lastMissedAt?: string;
}

/** A source that lacks too many of its workloads at once to be believed. */
export interface DoubtedSource {
  readonly repositoryId: string;
  readonly known: number;
  readonly missing: number;
  /** Names of some that are missing. */
  readonly examples: readonly string[];
}

export interface LookedFor {
  readonly id: string;
  /** A source shows it. */
  readonly isSeen: boolean;
}

const MAX_EXAMPLES = 5;

/** @param seen ids of all workloads that the sources show; every source was read
 *  @returns `workloads`: those that are seen again, then those that are missed, the one first whose last look lies back furthest: however few of them a session gets
 *    to, each has its turn */
export function absentWorkloads(
  { sources }: Pick<CopyJob, 'sources'>,
  kept: readonly KeptWorkload[],
  seen: ReadonlySet<string>,
): { readonly doubted: DoubtedSource[]; readonly workloads: LookedFor[] } {
  const doubted: DoubtedSource[] = [];
  const workloads: (LookedFor & { readonly order: string })[] = [];
  // A source that the job has no more was not looked at: what came from there stays.
  for (const repositoryId of new Set(sources.include.map((source) => source.repositoryId))) {
    const own = kept.filter((workload) => workload.repositoryId === repositoryId);
    const doubt = doubtedSource(repositoryId, own, seen, sources.exclude);
    if (doubt !== null) doubted.push(doubt);
    for (const { id, wasMissed, lastMissedAt = '' } of own) {
      const isSeen = isShown(id, seen);
      const order = isSeen ? ` ${id}` : `.${lastMissedAt} ${id}`;
      if (isSeen ? wasMissed : doubt === null) workloads.push({ id, isSeen, order });
    }
  }
  workloads.sort((a, b) => (a.order < b.order ? -1 : 1));
  return { doubted, workloads: workloads.map(({ id, isSeen }) => ({ id, isSeen })) };
}

/** Also one of a date that the source has pruned since all dates are one workload: that is there. */
function isShown(id: string, seen: ReadonlySet<string>): boolean {
  return seen.has(id) || seen.has(idOfAnyDate(id));
}

/** A workload that the job excludes is no surprise when it is missing. */
function doubtedSource(
  repositoryId: string,
  kept: readonly KeptWorkload[],
  seen: ReadonlySet<string>,
  exclude: CopyJob['sources']['exclude'],
): DoubtedSource | null {
  const isExcluded = excludedBy(exclude);
  // Copies of dates that the source has pruned say nothing of whether it is whole.
  const expected = kept.filter(
    (workload) =>
      seen.has(workload.id) ||
      (!isShown(workload.id, seen) && !workload.wasMissed && !isExcluded(workload)),
  );
  const missing = expected.filter(({ id }) => !isShown(id, seen));
  if (!isSuspicious(expected.length, missing.length)) return null;
  return {
    repositoryId,
    known: expected.length,
    missing: missing.length,
    examples: missing.slice(0, MAX_EXAMPLES).map(({ name }) => name),
  };
}

/** A workload of the job that no source shows, or that one shows again. */
export interface AbsentWorkload {
  readonly workload: { readonly id: string; readonly name: string; readonly type: WorkloadType };
  readonly isSeen: boolean;
  /** Its copy is a tree; absent: a chain. */
  readonly isTree?: boolean;
  /** What is to become of its copies, with one plain sentence; `held`: nothing, its backups are there. */
  readonly standing: { readonly state: Removal['state'] | 'held'; readonly text: string };
  /** The record of its chain has to be written. */
  readonly isNews: boolean;
}

export interface KeptPage {
  readonly workloads: readonly KeptWorkload[];
  /** Chains whose record cannot be read, as many as a page holds: whose they are is told by their folder alone. Absent: none. */
  readonly unreadable?: readonly UnreadablePart[];
  /** Folder of the last chain, also of one that cannot be read; null: no others come behind it. */
  readonly next: string | null;
}
