/** What is wrong since when, what was told of it, and what ended: the memory of the watch. Pure. */

import type { SafetyCode, SafetySeverity } from './safety-codes.js';

/** A problem as one look shows it. */
export interface ObservedProblem {
  /** Names its cause from look to look. */
  readonly key: string;
  readonly code: SafetyCode;
  readonly severity: SafetySeverity;
  readonly text: string;
  readonly nextStep: string;
  /** Epoch milliseconds; null: not known. */
  readonly sinceMs: number | null;
  readonly jobId: string | null;
  /** Those that it concerns, as many as are of use. Absent: an earlier build named none. */
  readonly jobIds?: readonly string[];
  /** Whose alone it is: one job, and the file-backup job whose copy that is. Absent: an earlier build did not say. */
  readonly onlyOf?: readonly string[];
}

/** Copy jobs and file-backup jobs that something concerns. */
export function concernedJobs({
  jobId,
  jobIds,
}: Pick<ObservedProblem, 'jobId' | 'jobIds'>): readonly string[] {
  return jobIds ?? (jobId === null ? [] : [jobId]);
}

export interface OpenAlert {
  /** As it was seen last. */
  readonly problem: ObservedProblem;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  /** Of the first look since then that saw all and did not show it. Absent: there was none. */
  readonly unseenSinceMs?: number;
  readonly isTold: boolean;
}

export interface LedgerStep {
  readonly open: readonly OpenAlert[];
  /** To be told now. */
  readonly begun: readonly OpenAlert[];
  /** Told once, and well again now. */
  readonly ended: readonly OpenAlert[];
}

export function keysOf(alerts: readonly OpenAlert[]): Set<string> {
  return new Set(alerts.map(({ problem }) => problem.key));
}

/** What keeps a look from seeing all: behind it other problems may lie that are not shown. */
const BLIND: readonly SafetyCode[] = [
  'NOT_LOOKED_AT',
  'REPOSITORY_AWAY',
  'REPOSITORY_MISSING',
  'JOB_UNREAD',
  'CHANNELS_UNREAD',
];

/** Whether what a look does not show is not there. */
export function seesAll(problems: readonly Pick<ObservedProblem, 'code'>[]): boolean {
  return problems.every(({ code }) => !BLIND.includes(code));
}

/** What one look changes. Something is told when it was seen for `holdMs`, and again when it was not seen for as long, which counts from the first look
 *  without it: what comes and goes between two looks wakes nobody, and what was told always ends with a word. A clock that went back counts from
 *  where it is now.
 *  @param isWhole false: what the look does not show may be there still, so nothing ends
 *  @param endsSinceSeen as earlier builds counted: from the last look that showed it
 *  @param isSilenced of a problem that is not told as long as this holds; the end of what was told before is told all the same */
export function nextLedger(
  open: readonly OpenAlert[],
  problems: readonly ObservedProblem[],
  {
    nowMs,
    holdMs,
    isWhole,
    isSilenced = () => false,
    endsSinceSeen = false,
  }: {
    readonly nowMs: number;
    readonly holdMs: number;
    readonly isWhole: boolean;
    readonly isSilenced?: (problem: ObservedProblem) => boolean;
    readonly endsSinceSeen?: boolean;
  },
): LedgerStep {
  const known = new Map(open.map((alert) => [alert.problem.key, alert]));
  const seen = problems.map((problem): OpenAlert => {
    const before = known.get(problem.key);
    known.delete(problem.key);
    return {
      problem,
      firstSeenMs: Math.min(before?.firstSeenMs ?? nowMs, nowMs),
      lastSeenMs: nowMs,
      isTold: before?.isTold ?? false,
    };
  });
  const begun = seen.filter(
    (alert) => !alert.isTold && nowMs - alert.firstSeenMs >= holdMs && !isSilenced(alert.problem),
  );
  const unseen = [...known.values()]
    .filter(({ isTold }) => isTold || !isWhole)
    .map((alert) => unseenNow(alert, nowMs, isWhole));
  const ended = unseen.filter(({ lastSeenMs, unseenSinceMs = nowMs }) => {
    const passedMs = nowMs - (endsSinceSeen ? lastSeenMs : unseenSinceMs);
    return isWhole && passedMs >= holdMs;
  });
  return {
    open: [
      ...seen.map((alert) => (begun.includes(alert) ? { ...alert, isTold: true } : alert)),
      ...unseen.filter((alert) => !ended.includes(alert)),
    ],
    begun: begun.map((alert) => ({ ...alert, isTold: true })),
    ended,
  };
}

/** What may be there still was seen now, as far as is known. */
function unseenNow(
  { problem, firstSeenMs, lastSeenMs, unseenSinceMs = Infinity, isTold }: OpenAlert,
  nowMs: number,
  isWhole: boolean,
): OpenAlert {
  const known = { problem, firstSeenMs: Math.min(firstSeenMs, nowMs), isTold };
  if (!isWhole) return { ...known, lastSeenMs: nowMs };
  const times = [lastSeenMs, unseenSinceMs].map((ms) => Math.min(ms, nowMs));
  return { ...known, lastSeenMs: times[0]!, unseenSinceMs: times[1]! };
}
