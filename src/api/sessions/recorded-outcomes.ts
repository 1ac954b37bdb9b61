/** What jobs have left whose sessions Temporal has forgotten (it remembers them for 30 days), from the records beside their copies. */

import { setTimeout } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import type { CopySession } from '../../domain/sessions/copy-session.js';
import {
  isWholeOutcome,
  jobOutcome,
  sessionLeft,
  type EndedSession,
  type JobOutcome,
} from '../../domain/sessions/job-outcome.js';
import type { RepositoryBrowser } from '../repositories/repository-browser.js';

/** A job without sessions gets no new records. */
const KEPT_MS = 30 * 60_000;
/** What could not be read is tried again after. */
const PAUSE_MS = 60_000;
/** Of a job that was made since then Temporal has forgotten nothing: no namespace remembers for less than a day. */
const SHORTEST_MEMORY_MS = 24 * 60 * 60_000;
/** Whoever asks for one job waits so long for the first look. */
const WAIT_MS = 2_000;
/** Each is a question to the workers of its target; a session over all is among the first ones. */
const MAX_RECORDS = 10;

interface Known {
  readonly outcome: JobOutcome | null;
  /** The records were there to be read once. */
  readonly isRead: boolean;
  readonly untilMs: number;
}

interface RecordedJob {
  readonly job: Pick<CopyJob, 'id' | 'target'>;
  /** Records of before are of another job of its id. Epoch milliseconds. */
  readonly createdAtMs: number;
}

export class RecordedOutcomes {
  readonly #browser: Pick<RepositoryBrowser, 'sessionRecords' | 'sessionRecord'>;
  readonly #now: () => number;
  readonly #known = new LRUCache<string, Known>({ max: 1_000 });
  readonly #looks = new Map<string, Promise<void>>();

  constructor(
    browser: Pick<RepositoryBrowser, 'sessionRecords' | 'sessionRecord'>,
    now: () => number,
  ) {
    this.#browser = browser;
    this.#now = now;
  }

  /** What is known by now; a look that is due is begun. null: nothing. */
  known(recorded: RecordedJob): JobOutcome | null {
    void this.#lookIfDue(recorded);
    return this.#known.get(keyOf(recorded))?.outcome ?? null;
  }

  /** False: that `known` has nothing does not say that nothing was left. */
  isKnown(recorded: RecordedJob): boolean {
    return this.#isYoung(recorded) || this.#known.get(keyOf(recorded))?.isRead === true;
  }

  /** The same as `known`, after a moment for the first look. */
  async of(recorded: RecordedJob): Promise<JobOutcome | null> {
    const look = this.#lookIfDue(recorded);
    if (!this.#known.has(keyOf(recorded)))
      await Promise.race([look, setTimeout(WAIT_MS, null, { ref: false })]);
    return this.#known.get(keyOf(recorded))?.outcome ?? null;
  }

  /** Never rejects: a target that is away is told for itself. */
  #lookIfDue(recorded: RecordedJob): Promise<void> {
    if (this.#isYoung(recorded)) return Promise.resolve();
    const key = keyOf(recorded);
    const known = this.#known.get(key);
    if (known !== undefined && this.#now() < known.untilMs) return Promise.resolve();
    const running = this.#looks.get(key);
    if (running !== undefined) return running;
    const look = this.#read(recorded)
      .then((outcome) => ({ outcome, isRead: true, untilMs: this.#now() + KEPT_MS }))
      .catch(() => ({ outcome: null, isRead: false, ...known, untilMs: this.#now() + PAUSE_MS }))
      .then((found) => void this.#known.set(key, found))
      .finally(() => this.#looks.delete(key));
    this.#looks.set(key, look);
    return look;
  }

  #isYoung({ createdAtMs }: RecordedJob): boolean {
    return this.#now() - createdAtMs < SHORTEST_MEMORY_MS;
  }

  async #read({ job, createdAtMs }: RecordedJob): Promise<JobOutcome | null> {
    const { id: jobId, target } = job;
    const filter = { jobId, fromMs: createdAtMs, toMs: null, result: null };
    const { items } = await this.#browser.sessionRecords(target.repositoryId, filter);
    const ended: EndedSession[] = [];
    for (const { id: sessionId } of items.slice(0, MAX_RECORDS)) {
      const session = { jobId, sessionId };
      const record = await this.#browser.sessionRecord(target.repositoryId, session);
      if (record !== null) ended.push(endedSession(record));
      const outcome = jobOutcome(ended);
      if (isWholeOutcome(outcome)) return outcome;
    }
    return ended.length === 0 ? null : jobOutcome(ended);
  }
}

function keyOf({ job, createdAtMs }: RecordedJob): string {
  return JSON.stringify([job.target.repositoryId, job.id, createdAtMs]);
}

/** A record does not say whether its session was over all: those of watches and retries are over what is new, or failed. */
function endedSession(record: CopySession): EndedSession {
  const { id, result, startedAt, trigger, taskCounts, tasks } = record;
  const isPartial = trigger === 'watch' || trigger === 'retry';
  return {
    ...{ id, result: result ?? 'failed', startedAt, isPartial },
    actionRequired: taskCounts.actionRequired,
    left: sessionLeft(tasks, taskCounts, isPartial),
  };
}
