/** The list of all jobs. What the list of Schedules carries is taken from it; a job's definition is read once for each of its versions, so that a
 *  list of hundreds of jobs is a few calls and not one for each. */

import type { Client, ScheduleDescription, ScheduleSummary } from '@temporalio/client';
import { LRUCache } from 'lru-cache';
import { isWholeOutcome, type JobOutcome } from '../../domain/sessions/job-outcome.js';
import type { UnreadablePart } from '../../domain/targets/unreadable-part.js';
import { jobIdOfSchedule } from './job-schedule.js';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import type { DefinitionMemory } from './definition-memory.js';
import type { JobView, ListedJob } from './job-schemas.js';
import { KnownDefinitions, scheduledOf } from './known-definitions.js';
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

/** A job of which the newest thousand sessions of all do not tell enough is asked for itself so seldom, as long as they show nothing new of it. */
const SESSIONS_KEPT_MS = 60_000;

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

/** What is known of jobs from before this process, or from before what Temporal remembers. */
export interface JobsBefore {
  readonly recorded?: RecordedOutcomes;
  readonly memory?: DefinitionMemory;
}

export class JobList {
  readonly #client: Client;
  readonly #sessions: SessionStore;
  readonly #now: () => number;
  /** Of jobs whose sessions Temporal has forgotten. */
  readonly #recorded: RecordedOutcomes | null;
  /** Of the last list that was whole. */
  #listed: ReadonlyMap<string, ScheduleSummary> = new Map();
  readonly #definitions: KnownDefinitions<CopyJob>;
  /** By job, with what the list of all sessions showed of it then. */
  readonly #asked = new LRUCache<string, AskedSessions>({ max: 1_000, ttl: SESSIONS_KEPT_MS });

  constructor(
    client: Client,
    sessions: SessionStore,
    now: () => number,
    { recorded, memory }: JobsBefore = {},
  ) {
    this.#client = client;
    this.#sessions = sessions;
    this.#now = now;
    this.#recorded = recorded ?? null;
    this.#definitions = new KnownDefinitions(definitionOf, memory);
  }

  /** A write of this process: the next lists ask for the job itself. */
  noteWrite(jobId: string): void {
    this.#definitions.noteWrite(jobId);
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
          const job = await this.#definitions.of(id, summary, () => describe(id));
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

  /** By id. When they cannot be listed, those of the last list: each is still asked for itself. */
  async #summaries(unreadable: UnreadablePart[]): Promise<[string, ScheduleSummary][]> {
    const found = new Map<string, ScheduleSummary>();
    try {
      for await (const summary of this.#client.schedule.list()) {
        const id = jobIdOfSchedule(summary.scheduleId);
        if (id !== null) found.set(id, summary);
      }
      this.#listed = found;
      await this.#definitions.noteListed(found.keys());
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

/** @param consequence what the list lacks for it */
function unanswered(path: string, consequence: string, error: unknown): UnreadablePart {
  const code = toBackupError(error)?.code ?? 'TEMPORAL_UNREACHABLE';
  return { path, code, reason: `${consequence}: ${toProblem(error).detail}` };
}
