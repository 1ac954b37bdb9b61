/** What happened between two looks at the site, as events. Pure. */

import type { TokenScope } from '../access/access.js';
import type { ErrorCode } from '../errors.js';
import { nextLedger, seesAll, type OpenAlert } from '../notices/alert-ledger.js';
import { hiddenMostMs, isBehind, unreadOf } from '../notices/hidden-problems.js';
import type { SafetyProblem } from '../safety/problem-groups.js';
import type { RecordedSession } from '../sessions/recorded-session.js';

/** A job as a list shows it. */
export interface JobSight {
  readonly id: string;
  readonly name: string;
  readonly revision: number;
  readonly state: 'enabled' | 'disabled' | 'actionRequired';
}

export interface JobsSight {
  readonly items: readonly JobSight[];
  /** Jobs that are there and were not read. */
  readonly unreadIds: readonly string[];
  /** Whether a job that it does not show is not there. */
  readonly isWhole: boolean;
}

/** What one look saw. */
export interface SiteSight {
  /** When it began; epoch milliseconds. */
  readonly atMs: number;
  /** The same object as of the look before: the list was not read anew. */
  readonly jobs: JobsSight;
  /** All that run, and those that ended lately. */
  readonly sessions: readonly RecordedSession[];
  /** False: there were more of them than one look reads. */
  readonly isEverySession: boolean;
  readonly problems: readonly SafetyProblem[];
  /** False: what some jobs have left is not read yet, so what is not shown may only not be known. Absent: true. */
  readonly areOutcomesKnown?: boolean;
  /** File-backup jobs of which no run is remembered. Absent: none. */
  readonly unjudgedRuns?: readonly string[];
}

/** Why whoever listens must look at everything again. `begun`: he was told nothing yet. `unknownId`: his last id is of another run, or none.
 *  `forgotten`: more happened since than is remembered. `missed`: more happened at once than one look reads. */
export type ResetReason = 'begun' | 'unknownId' | 'forgotten' | 'missed';

export type SiteEvent =
  | { readonly type: 'reset'; readonly reason: ResetReason }
  | {
      readonly type: 'sessionBegan' | 'sessionChanged' | 'sessionEnded';
      readonly session: RecordedSession;
    }
  | {
      readonly type: 'jobMade' | 'jobChanged' | 'jobEnabled' | 'jobDisabled' | 'jobRemoved';
      readonly job: JobSight;
    }
  | {
      readonly type: 'problemBegan' | 'problemChanged' | 'problemEnded';
      readonly problem: SafetyProblem;
    }
  | { readonly type: 'lookFailed'; readonly code: ErrorCode | null; readonly detail: string }
  | { readonly type: 'lookSucceeded' };

/** What is known of the site, from all looks so far. */
export interface KnownSite {
  readonly lastLookMs: number;
  /** Of the last look. */
  readonly jobsSight: JobsSight;
  readonly jobs: ReadonlyMap<string, JobSight>;
  /** Jobs that were there at the first look, and could not be read until now. */
  readonly unreadJobs: ReadonlySet<string>;
  /** Jobs that the last list did not show. */
  readonly absentJobs: ReadonlySet<string>;
  readonly sessions: ReadonlyMap<string, RecordedSession>;
  readonly problems: ReadonlyMap<string, SafetyProblem>;
  readonly alerts: readonly OpenAlert[];
}

interface SiteStep {
  readonly known: KnownSite;
  readonly events: readonly SiteEvent[];
}

/** What a look changes. The first one is where everything begins: nothing of it is an event. */
export function nextSite(before: KnownSite | null, sight: SiteSight): SiteStep {
  const jobs = nextJobs(before, sight.jobs);
  const sessions = nextSessions(before?.sessions ?? new Map(), sight.sessions);
  const problems = nextProblems(before, sight);
  const missed: SiteEvent[] = sight.isEverySession ? [] : [{ type: 'reset', reason: 'missed' }];
  const known: KnownSite = {
    lastLookMs: sight.atMs,
    jobsSight: sight.jobs,
    ...jobs.known,
    sessions: sessions.known,
    ...problems.known,
  };
  const events = [...jobs.events, ...sessions.events, ...problems.events, ...missed];
  return { known, events: before === null ? [] : events };
}

/** A job is gone when two lists after each other do not show it: one that was read while it changed may pass over one. */
function nextJobs(
  before: KnownSite | null,
  sight: JobsSight,
): { known: Pick<KnownSite, 'jobs' | 'unreadJobs' | 'absentJobs'>; events: SiteEvent[] } {
  if (before?.jobsSight === sight) {
    const { jobs, unreadJobs, absentJobs } = before;
    return { known: { jobs, unreadJobs, absentJobs }, events: [] };
  }
  const jobs = new Map(before?.jobs);
  const unreadJobs = new Set(before === null ? sight.unreadIds : before.unreadJobs);
  const events: SiteEvent[] = [];
  for (const job of sight.items) {
    if (!unreadJobs.delete(job.id)) events.push(...changesOfJob(jobs.get(job.id), job));
    jobs.set(job.id, job);
  }
  const shown = new Set([...sight.items.map(({ id }) => id), ...sight.unreadIds]);
  const absentJobs = new Set<string>();
  for (const [id, job] of before?.jobs ?? []) {
    if (shown.has(id)) continue;
    if (sight.isWhole && before?.absentJobs.has(id) === true) {
      jobs.delete(id);
      events.push({ type: 'jobRemoved', job });
    } else if (sight.isWhole || before?.absentJobs.has(id) === true) absentJobs.add(id);
  }
  return { known: { jobs, unreadJobs, absentJobs }, events };
}

function changesOfJob(before: JobSight | undefined, job: JobSight): SiteEvent[] {
  if (before === undefined) return [{ type: 'jobMade', job }];
  const events: SiteEvent[] = [];
  if (before.revision !== job.revision) events.push({ type: 'jobChanged', job });
  const wasDisabled = before.state === 'disabled';
  const isDisabled = job.state === 'disabled';
  if (wasDisabled !== isDisabled)
    events.push({ type: isDisabled ? 'jobDisabled' : 'jobEnabled', job });
  return events;
}

/** One that ran and is not shown runs still, as far as is known: lists lag. One that has ended is forgotten when it is not shown any more. */
function nextSessions(
  before: ReadonlyMap<string, RecordedSession>,
  seen: readonly RecordedSession[],
): { known: ReadonlyMap<string, RecordedSession>; events: SiteEvent[] } {
  const known = new Map([...before].filter(([, { state }]) => state !== 'ended'));
  const events: SiteEvent[] = [];
  for (const session of seen) {
    const last = before.get(session.id);
    // A list that lags shows one running that was seen to end.
    const isBehind = last?.state === 'ended' && session.state !== 'ended';
    known.set(session.id, isBehind ? last : session);
    if (isBehind || last?.state === session.state) continue;
    if (last === undefined) events.push({ type: 'sessionBegan', session });
    if (session.state === 'ended') events.push({ type: 'sessionEnded', session });
    else if (last !== undefined) events.push({ type: 'sessionChanged', session });
  }
  return { known, events };
}

/** What is not shown is well again only when the look saw all, as for messages. */
function nextProblems(
  before: KnownSite | null,
  { atMs, problems: seen, areOutcomesKnown = true, unjudgedRuns }: SiteSight,
): { known: Pick<KnownSite, 'problems' | 'alerts'>; events: SiteEvent[] } {
  const unread = { ...unreadOf(seen), unjudgedRuns };
  const alerts = nextLedger(before?.alerts ?? [], seen, {
    nowMs: atMs,
    holdMs: 0,
    isWhole: areOutcomesKnown && seesAll(seen),
    isHidden: (problem) => isBehind(unread, problem),
    hiddenMostMs,
    hidesUnlessWhole: true,
  });
  const problems = new Map(before?.problems);
  const events: SiteEvent[] = [];
  for (const problem of seen) {
    const last = problems.get(problem.key);
    problems.set(problem.key, problem);
    if (last === undefined) events.push({ type: 'problemBegan', problem });
    else if (concernedBy(last) !== concernedBy(problem))
      events.push({ type: 'problemChanged', problem });
  }
  for (const { problem } of alerts.ended) {
    const last = problems.get(problem.key);
    problems.delete(problem.key);
    if (last !== undefined) events.push({ type: 'problemEnded', problem: last });
  }
  return { known: { problems, alerts: alerts.open }, events };
}

/** Its sentence tells how long it lasts, so that it is another one at each look; whom it concerns is not. */
function concernedBy({ workloads }: SafetyProblem): string {
  return JSON.stringify(workloads.map(({ repositoryId, id }) => [repositoryId, id]).sort());
}

/** Whether somebody whose token is for some jobs and repositories may know of it: of a job or its session, by the job; of a repository alone, by that. */
export function isEventFor(scope: TokenScope | null, event: SiteEvent): boolean {
  if (scope === null) return true;
  switch (event.type) {
    case 'sessionBegan':
    case 'sessionChanged':
    case 'sessionEnded':
      return scope.jobs.includes(event.session.jobId);
    case 'jobMade':
    case 'jobChanged':
    case 'jobEnabled':
    case 'jobDisabled':
    case 'jobRemoved':
      return scope.jobs.includes(event.job.id);
    case 'problemBegan':
    case 'problemChanged':
    case 'problemEnded': {
      const { jobId, repositoryId } = event.problem;
      if (jobId !== null) return scope.jobs.includes(jobId);
      return repositoryId !== null && scope.repositories.includes(repositoryId);
    }
    case 'reset':
    case 'lookFailed':
    case 'lookSucceeded':
      return true;
  }
}
