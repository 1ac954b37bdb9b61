/** What cannot be read in a repository hides what is wrong with all that lies there, and what is forgotten says nothing of how it was: what a look does not
 *  show of it may be there still. Pure. */

import { concernedJobs, type ObservedProblem } from './alert-ledger.js';
import type { SafetyProblem } from './problem-groups.js';
import type { SafetyCode } from './safety-codes.js';

/** Where a look could not read all. Plain JSON. */
export interface Unread {
  readonly repositoryIds: readonly string[];
  /** Those that copy from there or to there. */
  readonly jobIds: readonly string[];
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
  'COPY_NOT_VERIFIED',
];

export function unreadOf(
  problems: readonly Pick<SafetyProblem, 'code' | 'errorCode' | 'repositoryId' | 'jobIds'>[],
): Unread {
  const unread = problems.filter(
    ({ code, errorCode }) => code === 'PART_UNREADABLE' || errorCode === 'SOURCE_PART_UNREADABLE',
  );
  return {
    repositoryIds: distinct(unread.flatMap(({ repositoryId }) => repositoryId ?? [])),
    jobIds: distinct(unread.flatMap(({ jobIds }) => jobIds)),
  };
}

export function isBehind(
  { repositoryIds, jobIds, unjudgedRuns = [] }: Unread,
  problem: Pick<ObservedProblem, 'code' | 'repositoryId' | 'jobId' | 'jobIds'>,
): boolean {
  // Only a later run says that what failed went well; Temporal forgets runs after some days.
  if (problem.code === 'JOB_FAILED' && problem.jobId === null)
    return concernedJobs(problem).some((id) => unjudgedRuns.includes(id));
  if (!JUDGED_BY_CONTENT.includes(problem.code)) return false;
  const { repositoryId = null } = problem;
  if (repositoryId !== null) return repositoryIds.includes(repositoryId);
  return concernedJobs(problem).some((id) => jobIds.includes(id));
}

function distinct(ids: readonly string[]): string[] {
  return [...new Set(ids)].sort();
}
