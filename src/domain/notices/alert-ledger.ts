/** What is wrong since when, what was told of it, and what ended: the memory of the watch. Pure. */

import { jsonBytes } from '../sessions/task-brief.js';
import { SEVERITIES, type SafetyCode, type SafetySeverity } from '../safety/safety-codes.js';

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
  /** In which something is wrong; null: in none alone. Absent: an earlier build did not say. */
  readonly repositoryId?: string | null;
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
  /** Of the first look since then that saw all but what hides it; looks that are not whole count on. Absent: there was none. */
  readonly hiddenSinceMs?: number;
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

/** How one look is taken. */
interface LedgerLook {
  readonly nowMs: number;
  readonly holdMs: number;
  /** false: what the look does not show may be there still, so nothing ends */
  readonly isWhole: boolean;
  /** Whether what is open is still there, though the look had no room to show it. Absent: it showed all. */
  readonly isThere?: (key: string) => boolean;
  /** Whether it may be there still, though the look does not show it. Absent: nothing is hidden. */
  readonly isHidden?: (problem: ObservedProblem) => boolean;
  /** How long what is hidden counts as there. Absent: as long as it is hidden, as in earlier builds. */
  readonly hiddenMostMs?: (problem: ObservedProblem) => number;
  /** Whether a look that is not whole hides all that it does not show, so that it counts for `hiddenMostMs`. Absent: such a look ends nothing, however many follow, as in earlier builds. */
  readonly hidesUnlessWhole?: boolean;
  /** Of a problem that is not told as long as this holds; the end of what was told before is told all the same. */
  readonly isSilenced?: (problem: ObservedProblem) => boolean;
  /** As earlier builds counted: from the last look that showed it. */
  readonly endsSinceSeen?: boolean;
  /** Of what is open, as JSON: what goes beyond is not followed, the least grave and the newest first. Absent: all is. */
  readonly mostBytes?: number;
}

/** What one look changes. Something is told when it was seen for `holdMs`, and again when it was not seen for as long, which counts from the first look
 *  without it: what comes and goes between two looks wakes nobody, and what was told always ends with a word. A clock that went back counts from
 *  where it is now. */
export function nextLedger(
  open: readonly OpenAlert[],
  problems: readonly ObservedProblem[],
  look: LedgerLook,
): LedgerStep {
  const { nowMs, holdMs, isWhole, endsSinceSeen = false, hiddenMostMs = () => Infinity } = look;
  const tells = isWhole || look.hidesUnlessWhole === true;
  const { isThere = () => false, isHidden = () => false, isSilenced = () => false } = look;
  const known = new Map(open.map((alert) => [alert.problem.key, alert]));
  const shown = problems.map((problem) => seenNow(problem, known.get(problem.key), nowMs));
  for (const { problem } of shown) known.delete(problem.key);
  const there: OpenAlert[] = [];
  const stays: OpenAlert[] = [];
  const ended: OpenAlert[] = [];
  for (const alert of known.values()) {
    const { problem, isTold, hiddenSinceMs = nowMs } = alert;
    if (isThere(problem.key)) {
      there.push(seenNow(problem, alert, nowMs));
      continue;
    }
    const isHiddenNow = tells && (!isWhole || isHidden(problem));
    const mayEnd = tells && (!isHiddenNow || nowMs - hiddenSinceMs >= hiddenMostMs(problem));
    // What was over before anybody was told is told to nobody.
    if (!isTold && mayEnd) continue;
    // To earlier builds a look that is not whole says neither that it is hidden nor that it is not.
    const isStillHidden = tells ? isHiddenNow : alert.hiddenSinceMs !== undefined;
    const unseen = {
      ...unseenNow(alert, nowMs, mayEnd),
      ...(isStillHidden ? hiddenNow(alert, nowMs) : {}),
    };
    const { lastSeenMs, unseenSinceMs = nowMs } = unseen;
    const passedMs = nowMs - (endsSinceSeen ? lastSeenMs : unseenSinceMs);
    (mayEnd && passedMs >= holdMs ? ended : stays).push(unseen);
  }
  const seen = [...shown, ...there];
  const followed = within(look.mostBytes ?? Infinity, [...seen, ...stays]);
  const isSeen = new Set(seen);
  const isBegun = (alert: OpenAlert) =>
    !alert.isTold &&
    nowMs - alert.firstSeenMs >= holdMs &&
    isSeen.has(alert) &&
    !isSilenced(alert.problem);
  const begun = new Set<OpenAlert>();
  const next = followed.map((alert) => {
    if (!isBegun(alert)) return alert;
    const told = { ...alert, isTold: true };
    begun.add(told);
    return told;
  });
  return { open: next, begun: [...begun], ended };
}

function seenNow(
  problem: ObservedProblem,
  before: OpenAlert | undefined,
  nowMs: number,
): OpenAlert {
  return {
    problem,
    firstSeenMs: Math.min(before?.firstSeenMs ?? nowMs, nowMs),
    lastSeenMs: nowMs,
    isTold: before?.isTold ?? false,
  };
}

function hiddenNow({ hiddenSinceMs = Infinity }: OpenAlert, nowMs: number) {
  return { hiddenSinceMs: Math.min(hiddenSinceMs, nowMs) };
}

/** In their order. What was told stays before what was not, so that its end is told, too. */
function within(mostBytes: number, alerts: readonly OpenAlert[]): readonly OpenAlert[] {
  if (mostBytes === Infinity || jsonBytes(alerts) <= mostBytes) return alerts;
  const rank = ({ problem }: OpenAlert) => SEVERITIES.indexOf(problem.severity);
  const byRank = alerts.toSorted(
    (a, b) =>
      rank(a) - rank(b) || Number(b.isTold) - Number(a.isTold) || a.firstSeenMs - b.firstSeenMs,
  );
  let bytes = 0;
  const end = byRank.findIndex((alert) => (bytes += jsonBytes(alert)) > mostBytes);
  const kept = new Set(byRank.slice(0, end));
  return alerts.filter((alert) => kept.has(alert));
}

/** What may be there still was seen now, as far as is known. */
function unseenNow(
  { problem, firstSeenMs, lastSeenMs, unseenSinceMs = Infinity, isTold }: OpenAlert,
  nowMs: number,
  mayEnd: boolean,
): OpenAlert {
  const known = { problem, firstSeenMs: Math.min(firstSeenMs, nowMs), isTold };
  if (!mayEnd) return { ...known, lastSeenMs: nowMs };
  const times = [lastSeenMs, unseenSinceMs].map((ms) => Math.min(ms, nowMs));
  return { ...known, lastSeenMs: times[0]!, unseenSinceMs: times[1]! };
}
