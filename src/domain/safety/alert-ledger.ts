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
}

export interface OpenAlert {
  /** As it was seen last. */
  readonly problem: ObservedProblem;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
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

/** What one look changes. Something is told when it was seen for `holdMs`, and again when it was not seen for as long: what comes and goes
 *  between two looks wakes nobody, and what was told always ends with a word. A clock that went back counts from where it is now.
 *  @param isWhole false: what the look does not show may be there still, so nothing ends
 *  @param isSilenced of a problem that is not told as long as this holds; the end of what was told before is told all the same */
export function nextLedger(
  open: readonly OpenAlert[],
  problems: readonly ObservedProblem[],
  {
    nowMs,
    holdMs,
    isWhole,
    isSilenced = () => false,
  }: {
    readonly nowMs: number;
    readonly holdMs: number;
    readonly isWhole: boolean;
    readonly isSilenced?: (problem: ObservedProblem) => boolean;
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
    .map((alert) => ({ ...alert, ...unseenTimes(alert, nowMs, isWhole) }));
  const ended = isWhole ? unseen.filter(({ lastSeenMs }) => nowMs - lastSeenMs >= holdMs) : [];
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
function unseenTimes(
  { firstSeenMs, lastSeenMs }: OpenAlert,
  nowMs: number,
  isWhole: boolean,
): Pick<OpenAlert, 'firstSeenMs' | 'lastSeenMs'> {
  return {
    firstSeenMs: Math.min(firstSeenMs, nowMs),
    lastSeenMs: isWhole ? Math.min(lastSeenMs, nowMs) : nowMs,
  };
}
