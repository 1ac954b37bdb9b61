/** The list of all jobs. What the list of Schedules carries is taken from it; a job's definition is read once for each of its versions, so that a
 *  list of hundreds of jobs is a few calls and not one for each. */

import type { Client, ScheduleDescription, ScheduleSummary } from '@temporalio/client';
import { LRUCache } from 'lru-cache';
import { isWholeOutcome, type JobOutcome } from '../../domain/sessions/job-outcome.js';
import type { UnreadablePart } from '../../domain/targets/unreadable-part.js';
import { jsonBytes } from '../../domain/sessions/task-brief.js';
import { jobIdOfSchedule, versionOf } from './job-schedule.js';
import type { JobView, ListedJob } from './job-schemas.js';
import { definitionOf, unreadViewOf, viewOf, type KnownJob } from './job-view.js';
import { enabledAtMs, missedStartAt } from './missed-start.js';
import { toProblem } from '../problem.js';
import type { LatestSessions } from '../sessions/latest-sessions.js';
import type { RecordedOutcomes } from '../sessions/recorded-outcomes.js';
import type { SessionStore } from '../sessions/session-store.js';
import { toBackupError } from '../executions/temporal-errors.js';

/** Definitions read at once while listing. */
const DESCRIBE_WINDOW = 8;

/** A list waits so long for all definitions together: under load each may take seconds, and a client gives up on a list that takes a minute. */
const LIST_DEADLINE_MS = 20_000;

/** A definition may have a megabyte, of which nearly all are names of workloads. */
const KNOWN_BYTES = 64 * 1024 * 1024;

/** The list of Schedules is behind by less than this: what this process has written since is read from the Schedule itself. */
const LIST_LAG_MS = 5_000;

/** A job of which the newest thousand sessions of all do not tell enough is asked for itself so seldom, as long as they show nothing new of it. */
const SESSIONS_KEPT_MS = 60_000;

/** A definition, and what of its Schedule the list of Schedules does not carry. */
interface ReadJob extends Pick<KnownJob, 'job' | 'skippedStarts' | 'createdAtMs' | 'writtenAtMs'> {
  readonly version: string;
  /** First of the times ahead when it was read: starts are left out only when a time has passed. */
  readonly nextTimeMs: number | null;
}

interface AskedSessions {
  readonly newest: string;
  readonly sessions: LatestSessions | null;
}

export interface JobsListed {
  readonly items: ListedJob[];
  readonly unreadable: UnreadablePart[];
  /** By job: when its definition last changed or it was enabled. Epoch milliseconds; none of a job that was not read. */
  readonly standsSinceMs: ReadonlyMap<string, number>;
  /** By job: what its sessions have left. None of a job that has none, or whose sessions could not be asked for. */
  readonly outcomes: ReadonlyMap<string, JobOutcome>;
  /** False: records of a job whose sessions Temporal has forgotten were not read yet, so that it may have left something all the same. */
  readonly areOutcomesKnown: boolean;
}

export class JobList {
  readonly #client: Client;
  readonly #sessions: SessionStore;
  readonly #now: () => number;
  /** Of jobs whose sessions Temporal has forgotten. */
  readonly #recorded: RecordedOutcomes | null;
  /** Of the last list that was whole. */
  #listed: ReadonlyMap<string, ScheduleSummary> = new Map();
  readonly #read = new LRUCache<string, ReadJob>({
    maxSize: KNOWN_BYTES,
    sizeCalculation: ({ job }) => jsonBytes(job),
  });
  /** Until when the list of Schedules may lack what this process has written of a job. */
  readonly #written = new LRUCache<string, true>({ max: 1_000, ttl: LIST_LAG_MS });
  /** By job, with what the list of all sessions showed of it then. */
  readonly #asked = new LRUCache<string, AskedSessions>({ max: 1_000, ttl: SESSIONS_KEPT_MS });

  constructor(
    client: Client,
    sessions: SessionStore,
    now: () => number,
    recorded: RecordedOutcomes | null = null,
  ) {
    this.#client = client;
    this.#sessions = sessions;
    this.#now = now;
    this.#recorded = recorded;
  }

  /** A write of this process: the next lists ask for the job itself. */
  noteWrite(jobId: string): void {
    this.#written.set(jobId, true);
    this.#asked.delete(jobId);
  }

  /** Sorted by id. A job that another process wrote within the last moment may still be missing, or be as it was; one that is not read in time is
   *  listed with what the list of Schedules tells of it. `unreadable` names what could not be asked.
   *  @param describe null: there is no such job any more
   *  @throws what Temporal answers when not even the names of the jobs are known */
  async all(describe: (jobId: string) => Promise<ScheduleDescription | null>): Promise<JobsListed> {
    const unreadable: UnreadablePart[] = [];
    const standsSinceMs = new Map<string, number>();
    const outcomes = new Map<string, JobOutcome>();
    let areOutcomesKnown = true;
    const summaries = await this.#summaries(unreadable);
    const latest = await this.#sessions.latestByJob().catch((error: unknown) => {
      const lacks = 'no job shows its last session, a decision that it waits for or a missed start';
      unreadable.push(unanswered('sessions', lacks, error));
      return null;
    });
    const deadlineMs = Date.now() + LIST_DEADLINE_MS;
    const viewed = async ([id, summary]: [string, ScheduleSummary]): Promise<ListedJob[]> => {
      const known = latest?.sessions.get(id) ?? null;
      try {
        return await this.#client.withDeadline(deadlineMs, async () => {
          const job = this.#known(id, summary) ?? this.#remember(id, await describe(id));
          if (job === null) return [];
          standsSinceMs.set(id, Math.max(job.writtenAtMs, enabledAtMs(job.note)));
          // Without its sessions nobody can tell which of its starts came.
          if (latest === null) return [viewOf(job, null, null, null)];
          const isEnough = latest.isComplete || (known !== null && isWholeOutcome(known.outcome));
          const sessions = isEnough ? known : await this.#sessionsOf(id, known);
          if (sessions === null && this.#recorded?.isKnown(job) === false) areOutcomesKnown = false;
          const outcome = sessions?.outcome ?? this.#recorded?.known(job) ?? null;
          if (outcome !== null) outcomes.set(id, outcome);
          return [await this.#view(job, sessions, outcome)];
        });
      } catch (error) {
        return [unreadViewOf(id, summary, known, error)];
      }
    };
    const jobs: ListedJob[] = [];
    for (let start = 0; start < summaries.length; start += DESCRIBE_WINDOW) {
      const window = summaries.slice(start, start + DESCRIBE_WINDOW);
      jobs.push(...(await Promise.all(window.map(viewed))).flat());
    }
    return { items: jobs, unreadable, standsSinceMs, outcomes, areOutcomesKnown };
  }

  /** @param shown by the list of all sessions, which is cut */
  async #sessionsOf(jobId: string, shown: LatestSessions | null): Promise<LatestSessions | null> {
    const newest = shown === null ? '' : `${shown.newest.id} ${shown.newest.state}`;
    const last = this.#asked.get(jobId);
    if (last?.newest === newest) return last.sessions;
    const sessions = await this.#sessions.latestOf(jobId);
    this.#asked.set(jobId, { newest, sessions });
    return sessions;
  }

  async view(job: KnownJob, sessions: LatestSessions | null): Promise<JobView> {
    const outcome = sessions?.outcome ?? (await this.#recorded?.of(job)) ?? null;
    return this.#view(job, sessions, outcome);
  }

  async #view(
    job: KnownJob,
    sessions: LatestSessions | null,
    outcome: JobOutcome | null,
  ): Promise<JobView> {
    const newest = sessions?.newest ?? null;
    const missedAt = await missedStartAt(this.#client, job, newest, this.#now());
    return viewOf(job, sessions, missedAt, outcome);
  }

  /** null: its Schedule has to be asked. */
  #known(id: string, summary: ScheduleSummary): KnownJob | null {
    const read = this.#read.get(id);
    if (read === undefined || this.#written.has(id)) return null;
    if (read.version !== versionOf(summary)) return null;
    const { nextActionTimes } = summary.info;
    const hasPassed = read.nextTimeMs !== timeOf(nextActionTimes);
    if (read.job.missedStarts === 'skip' && hasPassed) return null;
    const { paused, note } = summary.state;
    const lastActionMs = lastActionMsOf(summary);
    return { ...read, isPaused: paused, note, nextActionTimes, lastActionMs };
  }

  #remember(id: string, description: ScheduleDescription | null): KnownJob | null {
    if (description === null) return null;
    const known = knownJobOf(description);
    const version = versionOf(description);
    const nextTimeMs = timeOf(known.nextActionTimes);
    if (version !== null) this.#read.set(id, { ...known, version, nextTimeMs });
    return known;
  }

  /** By id. When they cannot be listed, those of the last list: each is still asked for itself. */
  async #summaries(unreadable: UnreadablePart[]): Promise<[string, ScheduleSummary][]> {
    const found = new Map<string, ScheduleSummary>();
    try {
      for await (const summary of this.#client.schedule.list()) {
        const id = jobIdOfSchedule(summary.scheduleId);
        if (id !== null) found.set(id, summary);
      }
      this.#listed = found;
    } catch (error) {
      if (this.#listed.size === 0) throw error;
      for (const [id, summary] of this.#listed) if (!found.has(id)) found.set(id, summary);
      unreadable.push(unanswered('jobs', 'jobs made since the last list are missing', error));
    }
    return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

export function knownJobOf(description: ScheduleDescription): KnownJob {
  return { job: definitionOf(description), ...scheduledOf(description) };
}

/** What a Schedule tells of its starts. */
export function scheduledOf({ state, info }: ScheduleDescription): Omit<KnownJob, 'job'> {
  return {
    isPaused: state.paused,
    nextActionTimes: info.nextActionTimes,
    skippedStarts: info.numActionsMissedCatchupWindow,
    lastActionMs: lastActionMsOf({ info }),
    createdAtMs: info.createdAt.getTime(),
    writtenAtMs: (info.lastUpdatedAt ?? info.createdAt).getTime(),
    note: state.note,
  };
}

function lastActionMsOf({ info: { recentActions } }: Pick<ScheduleSummary, 'info'>): number {
  return Math.max(0, ...recentActions.map(({ takenAt }) => takenAt.getTime()));
}

function timeOf([next]: readonly Date[]): number | null {
  return next?.getTime() ?? null;
}

/** @param consequence what the list lacks for it */
function unanswered(path: string, consequence: string, error: unknown): UnreadablePart {
  const code = toBackupError(error)?.code ?? 'TEMPORAL_UNREACHABLE';
  return { path, code, reason: `${consequence}: ${toProblem(error).detail}` };
}
