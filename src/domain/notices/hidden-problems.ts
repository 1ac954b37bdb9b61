/** What cannot be read in a repository hides what is wrong with all that lies there, and what is forgotten says nothing of how it was: what a look does not
 *  show of it may be there still. Pure. */

import { concernedJobs, type ObservedProblem } from './alert-ledger.js';
import type { SafetyProblem } from '../safety/problem-groups.js';
import type { SafetyCode } from '../safety/safety-codes.js';
import { DAY_MS } from '../elapsed.js';

/** Where a look could not read all. Plain JSON. */
export interface Unread {
  /** Repositories that hold something of ours which cannot be read. */
  readonly repositoryIds: readonly string[];
  /** Those that copy from there or to there. */
  readonly jobIds: readonly string[];
  /** Sources with a place that nobody could look into. Absent: none. */
  readonly sources?: Pick<Unread, 'repositoryIds' | 'jobIds'> | undefined;
  /** File-backup jobs of which no run is remembered. Absent: none. */
  readonly unjudgedRuns?: readonly string[] | undefined;
}

export const NOTHING_UNREAD: Unread = { repositoryIds: [], jobIds: [] };

/** What is judged by what lies in repositories, workload by workload and point by point. */
const JUDGED_BY_CONTENT: readonly SafetyCode[] = [
  'COPY_LATE',
  'COPY_DAMAGED',
  'LEFTOVER_DAMAGED',
  'SOURCE_STOPPED',
  'WORKLOAD_GONE',
  'WORKLOAD_IN_NO_JOB',
  'WORKLOAD_NOT_COPYABLE',
  'FILES_NOT_COPIED',
  'COPY_MISSING',
  'SOURCE_WITHOUT_POINT',
  'HEALTH_CHECK_LATE',
  'COPY_OF_FUTURE',
  'COPY_NOT_VERIFIED',
];

/** What is judged by what a source shows. How old copies are is seen in the target, whatever else cannot be read in the source. */
const JUDGED_BY_SOURCE: readonly SafetyCode[] = [
  'SOURCE_STOPPED',
  'SOURCE_WITHOUT_POINT',
  'WORKLOAD_GONE',
  'WORKLOAD_IN_NO_JOB',
  'WORKLOAD_NOT_COPYABLE',
  'FILES_NOT_COPIED',
];

/** How long what is hidden counts as there: a second time of it is not told as long as the first one is open. A run that failed stays so until a later one. */
export function hiddenMostMs({ code }: Pick<ObservedProblem, 'code'>): number {
  return code === 'JOB_FAILED' ? Infinity : DAY_MS;
}

type Finding = Pick<SafetyProblem, 'code' | 'errorCode' | 'repositoryId' | 'jobIds'>;

export function unreadOf(problems: readonly Finding[]): Unread {
  const isPart = ({ code }: Finding) => code === 'PART_UNREADABLE';
  const places = problems.filter(
    (problem) => !isPart(problem) && problem.errorCode === 'SOURCE_PART_UNREADABLE',
  );
  return {
    ...whereOf(problems.filter(isPart)),
    ...(places.length === 0 ? {} : { sources: whereOf(places) }),
  };
}

/** Whether anything hides what lies in a repository. */
export function hidesContent({ repositoryIds, jobIds, sources }: Unread): boolean {
  return repositoryIds.length + jobIds.length > 0 || sources !== undefined;
}

function whereOf(problems: readonly Finding[]): Pick<Unread, 'repositoryIds' | 'jobIds'> {
  return {
    repositoryIds: distinct(problems.flatMap(({ repositoryId }) => repositoryId ?? [])),
    jobIds: distinct(problems.flatMap(({ jobIds }) => jobIds)),
  };
}

export function isBehind(
  { repositoryIds, jobIds, sources, unjudgedRuns = [] }: Unread,
  problem: Pick<ObservedProblem, 'code' | 'repositoryId' | 'jobId' | 'jobIds'>,
): boolean {
  // Only a later run says that what failed went well; Temporal forgets runs after some days.
  if (problem.code === 'JOB_FAILED' && problem.jobId === null)
    return concernedJobs(problem).some((id) => unjudgedRuns.includes(id));
  if (sources !== undefined && JUDGED_BY_SOURCE.includes(problem.code))
    if (isBehind(sources, problem)) return true;
  if (!JUDGED_BY_CONTENT.includes(problem.code)) return false;
  const { repositoryId = null } = problem;
  if (repositoryId !== null) return repositoryIds.includes(repositoryId);
  return concernedJobs(problem).some((id) => jobIds.includes(id));
}

function distinct(ids: readonly string[]): string[] {
  return [...new Set(ids)].sort();
}
