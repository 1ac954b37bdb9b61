/** The overview and the workloads as the API shows them. */

import {
  dateOfDayNumber,
  dayNumber,
  dayNumberOf,
  isoDate,
  utcText,
} from '../../domain/schedules/calendar-date.js';
import type { UnreadablePart } from '../../domain/targets/unreadable-part.js';
import { restorePointKey } from '../../domain/targets/repository-view.js';
import type { SafetyProblem, WorkloadName } from '../../domain/safety/problem-groups.js';
import {
  countLeftovers,
  keptChains,
  type Copies,
  type FoundChain,
  type ProtectedWorkload,
  type RepositoryFacts,
} from '../../domain/safety/protection.js';
import { sightOf } from '../../domain/safety/sight.js';
import { sourceProblem } from '../../domain/safety/source-problem.js';
import type { ChainFacts } from '../../domain/safety/workload-facts.js';
import type { KnownFacts, KnownSafety } from './safety-reader.js';
import type { RunningSessions } from '../sessions/session-schemas.js';
import type {
  ComingRun,
  CopiesView,
  KeptView,
  LeftoverView,
  Night,
  Overview,
  ProblemView,
  RepositoryState,
  WorkloadView,
} from './overview-schemas.js';
import { DAY_MS } from '../../domain/elapsed.js';

const SHOWN_PROBLEMS = 100;
const SHOWN_WORKLOADS = 20;

export function overviewOf(
  { facts, safety, nowMs }: KnownSafety,
  { sessions, omitted }: RunningSessions,
): Overview {
  const { verdict, problems, workloads, uncopied } = safety;
  const { sinceMs, ...said } = verdict;
  const chains = keptChains(workloads);
  const leftovers = countLeftovers(workloads);
  const inState = (state: ProtectedWorkload['state']) =>
    workloads.filter((workload) => workload.state === state).length;
  const unwatched = inState('unwatched');
  return {
    verdict: { ...said, since: instantOf(sinceMs) },
    asOf: asOf(facts),
    counts: {
      workloads: workloads.length - unwatched,
      ok: inState('ok'),
      late: inState('late'),
      unknown: inState('unknown'),
      unprotected: inState('unprotected'),
      unwatched,
      uncopiedPlaces: uncopied.places.length + uncopied.omittedCount,
      restorePoints: sum(chains, ({ restorePointCount }) => restorePointCount),
      keptWorkloads: workloads.filter((each) => pointsOf(each) > 0).length,
      leftoverRestorePoints: leftovers.restorePoints,
      leftoverWorkloads: leftovers.workloads,
      damagedRestorePoints: sum(chains, ({ damagedCount }) => damagedCount),
      neverVerifiedRestorePoints: sum(chains, ({ neverVerifiedCount }) => neverVerifiedCount),
    },
    oldestVerifiedAt: earliest(chains.map(({ oldestVerifiedAt }) => oldestVerifiedAt)),
    problems: problems.slice(0, SHOWN_PROBLEMS).map(problemView),
    omittedProblems: Math.max(0, problems.length - SHOWN_PROBLEMS),
    running: sessions,
    omittedRunning: omitted,
    next: comingRuns(facts, nowMs),
    repositories: facts.repositories.map(repositoryState),
  };
}

function pointsOf(workload: ProtectedWorkload): number {
  return sum(keptChains([workload]), ({ restorePointCount }) => restorePointCount);
}

/** Of the oldest of the looks that all of it comes from. */
export function asOf({ repositories }: Pick<KnownFacts, 'repositories'>): string | null {
  const seen = repositories.flatMap(({ seenAtMs }) => (seenAtMs === null ? [] : [seenAtMs]));
  return seen.length === 0 ? null : instantOf(Math.min(...seen));
}

/** What the looks did not see: workloads of it may be missing, or may be other than they are told. */
export function unseenParts({ repositories }: Pick<KnownFacts, 'repositories'>): UnreadablePart[] {
  return repositories.flatMap((repository) => {
    const { id, seenAtMs, awaySinceMs, code, unreadable } = repository;
    const isSeen = seenAtMs !== null && awaySinceMs === null;
    const since = seenAtMs === null ? '' : `; what it holds is told as of ${utcText(seenAtMs)}`;
    const reason = `${unseenReason(repository)}${since}`;
    const away = { path: id, code: code ?? 'REPOSITORY_UNREACHABLE', reason };
    return [
      ...(isSeen ? [] : [away]),
      ...unreadable.map((part) => ({ ...part, path: `${id}/${part.path}` })),
    ];
  });
}

function unseenReason({ awaySinceMs, firstLookSinceMs, reason }: RepositoryFacts): string {
  if (awaySinceMs !== null) return `it cannot be looked at: ${reason ?? 'no answer'}`;
  if (firstLookSinceMs === undefined) return 'it has not been looked at yet';
  return `it is still being looked at, since ${utcText(firstLookSinceMs)}`;
}

export function problemView({
  sinceMs,
  workloads,
  jobIds: _jobIds,
  onlyOf: _onlyOf,
  ...problem
}: SafetyProblem): ProblemView {
  return {
    ...problem,
    since: instantOf(sinceMs),
    workloads: workloads.slice(0, SHOWN_WORKLOADS).map((name) => ({ key: keyOf(name), ...name })),
    workloadCount: workloads.length,
  };
}

function comingRuns({ listed, fileBackups }: KnownFacts, nowMs: number): ComingRun[] {
  const ofCopies = listed.flatMap((job): ComingRun[] => {
    if (job.state === 'unknown' || job.nextRunAt === null) return [];
    const { id, name, nextRunAt, timeZone } = job;
    return [{ of: 'copyJob', jobId: id, jobName: name, at: nextRunAt, timeZone }];
  });
  const ofBackups = fileBackups.flatMap(({ id, name, next = null }): ComingRun[] =>
    next === null ? [] : [{ of: 'fileBackupJob', jobId: id, jobName: name, ...next }],
  );
  return [...ofCopies, ...ofBackups]
    .filter(({ at }) => Date.parse(at) <= nowMs + DAY_MS)
    .sort((a, b) => (a.at < b.at ? -1 : 1));
}

function repositoryState(facts: RepositoryFacts): RepositoryState {
  const { id, role, seenAtMs, awaySinceMs, reason, totalBytes, freeBytes } = facts;
  return {
    id,
    role,
    reachable: seenAtMs !== null && awaySinceMs === null,
    reason,
    asOf: instantOf(seenAtMs),
    awaySince: instantOf(awaySinceMs),
    totalBytes,
    freeBytes,
  };
}

export function workloadView(
  workload: ProtectedWorkload,
  { facts, nowMs }: Pick<KnownSafety, 'facts' | 'nowMs'>,
): WorkloadView {
  const { id, name, type, repositoryId, state, sinceMs, source, sight, leftovers } = workload;
  const kept = keptChains([workload]);
  return {
    key: keyOf(workload),
    ...{ id, name, type, repositoryId, state },
    since: instantOf(sinceMs),
    newestSourceAt: newestOf(source?.recentAtSeconds ?? []),
    sourcePointCount: source?.restorePointCount ?? null,
    sourceState: sight.state,
    sourceProblem: sourceProblem(workload),
    newestCopyAt: latest(kept.map(({ recentAtSeconds }) => newestOf(recentAtSeconds))),
    oldestCopyAt: earliest(kept.map(({ oldestAt }) => oldestAt)),
    restorePointCount: pointsOf(workload),
    damagedCount: sum(kept, ({ damagedCount }) => damagedCount),
    oldestVerifiedAt: earliest(kept.map(({ oldestVerifiedAt }) => oldestVerifiedAt)),
    storedBytes: sum(kept, ({ storedBytes }) => storedBytes),
    copies: workload.copies.map(copiesView),
    leftovers: leftovers.map(leftoverView),
    nights: nightsOf(workload, facts, nowMs),
  };
}

function leftoverView({ repositoryId, chain }: FoundChain): LeftoverView {
  return { jobId: chain.jobId, repositoryId, workloadId: chain.id, ...keptView(chain) };
}

/** What is kept in one place, whoever keeps it. */
function keptView(chain: ChainFacts | null): KeptView {
  return {
    newestAt: newestOf(chain?.recentAtSeconds ?? []),
    newestCopiedAt: chain?.newestCopiedAt ?? null,
    oldestAt: chain?.oldestAt ?? null,
    restorePointCount: chain?.restorePointCount ?? 0,
    damagedCount: chain?.damagedCount ?? 0,
    neverVerifiedCount: chain?.neverVerifiedCount ?? 0,
    oldestVerifiedAt: chain?.oldestVerifiedAt ?? null,
    storedBytes: chain?.storedBytes ?? 0,
  };
}

function copiesView(copies: Copies): CopiesView {
  const { job, repositoryId, workloadId, chain, limits, status } = copies;
  return {
    jobId: job.id,
    jobName: job.name,
    repositoryId,
    workloadId,
    state: status.state,
    since: instantOf(status.sinceMs),
    reasons: status.reasons,
    ...limits,
    ...keptView(chain),
    missedSince: chain?.missedSince ?? null,
  };
}

const SHOWN_NIGHTS = 14;
const DAY_SECONDS = DAY_MS / 1_000;

/** Of all its copies together, those of no job among them: a day on which one of them has a restore point is copied. */
function nightsOf(workload: ProtectedWorkload, facts: KnownFacts, nowMs: number): Night[] {
  const [first] = workload.copies;
  const [left] = workload.leftovers;
  const timeZone = first?.job.timeZone ?? left?.chain.timeZone ?? 'UTC';
  const today = dayNumberOf(nowMs, timeZone);
  const shownFrom = nowMs / 1_000 - (SHOWN_NIGHTS + 1) * DAY_SECONDS;
  const sourceDays = new Set(
    (workload.source?.recentAtSeconds ?? [])
      .filter((seconds) => seconds > shownFrom)
      .map((seconds) => dayNumberOf(seconds * 1_000, timeZone)),
  );
  const chains = workload.copies.flatMap(({ chain }) => (chain === null ? [] : [chain]));
  const kept = keptChains([workload]);
  // What a job copies has its days from there; only where none does, those of the leftovers are all that could be known.
  const places = first === undefined ? workload.leftovers : workload.copies;
  const awayDays = places.map(({ repositoryId }) => {
    const { state, sinceMs } = sightOf(facts.repositories.find(({ id }) => id === repositoryId));
    if (state === 'seen') return Infinity;
    // Where nobody has seen anything, no night is known.
    return state === 'away' && sinceMs !== null ? dayNumberOf(sinceMs, timeZone) : -Infinity;
  });
  return Array.from({ length: SHOWN_NIGHTS }, (_, index) => {
    const day = today - SHOWN_NIGHTS + 1 + index;
    const date = isoDate(dateOfDayNumber(day));
    const restorePoints = sum(kept, (chain) => pointsOn(chain, day));
    if (restorePoints > 0) return { date, state: 'copied', restorePoints };
    if (awayDays.some((awayDay) => day >= awayDay))
      return { date, state: 'unknown', restorePoints };
    const isKept = chains.some((chain) => isWithin(chain, date));
    if (!isKept && !(chains.length === 0 && first !== undefined && sourceDays.has(day)))
      return { date, state: 'outside', restorePoints };
    if (!sourceDays.has(day)) return { date, state: 'none', restorePoints };
    return { date, state: day === today ? 'waiting' : 'missed', restorePoints };
  });
}

function pointsOn({ today, days }: ChainFacts, day: number): number {
  const [year = 1, month = 1, date = 1] = today.split('-').map(Number);
  const last = dayNumber({ year, month, day: date });
  return days[days.length - 1 - (last - day)] ?? 0;
}

/** Whether a copy of this day would be kept still, had there been one. */
function isWithin({ oldestAt, keptSince }: ChainFacts, date: string): boolean {
  if (oldestAt === null) return true;
  return date >= oldestAt.slice(0, date.length) && (keptSince === null || date >= keptSince);
}

export function keyOf({ repositoryId, id }: Pick<WorkloadName, 'repositoryId' | 'id'>): string {
  return restorePointKey([repositoryId, id]);
}

function instantOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

function newestOf([seconds]: readonly number[]): string | null {
  return seconds === undefined ? null : new Date(seconds * 1_000).toISOString();
}

function earliest(instants: readonly (string | null)[]): string | null {
  return instants.reduce((a, b) => (a === null || (b !== null && b < a) ? b : a), null);
}

function latest(instants: readonly (string | null)[]): string | null {
  return instants.reduce((a, b) => (a === null || (b !== null && b > a) ? b : a), null);
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
