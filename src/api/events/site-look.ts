/** One look at the site, on what is known and kept already: jobs and problems of the safety reader, and the list of sessions. */

import type { JobsSight, SiteSight } from '../../domain/events/site-events.js';
import { unjudgedRuns } from '../../domain/safety/file-backup-problems.js';
import type { RecordedSession } from '../../domain/sessions/recorded-session.js';
import type { ListedJob } from '../jobs/job-schemas.js';
import type { KnownFacts, SafetyReader } from '../safety/safety-reader.js';
import type { SessionStore } from '../sessions/session-store.js';

/** Of 100 sessions each. */
const MAX_PAGES = 10;
/** Temporal's clock may be another one, and its lists lag. */
const SESSION_SLACK_MS = 300_000;

export class SiteLook {
  readonly #reader: Pick<SafetyReader, 'safety'>;
  readonly #sessions: Pick<SessionStore, 'list'>;
  readonly #now: () => number;
  #jobs: { readonly listed: readonly ListedJob[]; readonly sight: JobsSight } | null = null;

  constructor({
    reader,
    sessions,
    now,
  }: {
    readonly reader: Pick<SafetyReader, 'safety'>;
    readonly sessions: Pick<SessionStore, 'list'>;
    readonly now: () => number;
  }) {
    this.#reader = reader;
    this.#sessions = sessions;
    this.#now = now;
  }

  /** @param sinceMs when the last look that succeeded began; null: there was none @throws what Temporal answers when nothing can be listed */
  async look(sinceMs: number | null): Promise<SiteSight> {
    const atMs = this.#now();
    const [{ facts, safety }, { sessions, isEverySession }] = await Promise.all([
      this.#reader.safety(),
      this.#sessionsSince(Math.min(sinceMs ?? atMs, atMs) - SESSION_SLACK_MS),
    ]);
    const { problems } = safety;
    const { areOutcomesKnown, fileBackups } = facts;
    return {
      atMs,
      jobs: this.#jobsOf(facts),
      sessions,
      isEverySession,
      problems,
      areOutcomesKnown,
      unjudgedRuns: unjudgedRuns(fileBackups),
    };
  }

  #jobsOf({ listed, unreadLists }: KnownFacts): JobsSight {
    if (this.#jobs?.listed === listed) return this.#jobs.sight;
    const sight: JobsSight = {
      items: listed.flatMap((job) => {
        if (job.state === 'unknown') return [];
        const { id, name, revision, state } = job;
        return [{ id, name, revision, state }];
      }),
      unreadIds: listed.flatMap(({ id, state }) => (state === 'unknown' ? [id] : [])),
      isWhole: unreadLists.every(({ path }) => path !== 'jobs'),
    };
    this.#jobs = { listed, sight };
    return sight;
  }

  /** Those that run come first, then the ended ones, newest end first. */
  async #sessionsSince(
    endedAfterMs: number,
  ): Promise<{ sessions: RecordedSession[]; isEverySession: boolean }> {
    const sessions: RecordedSession[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < MAX_PAGES; page++) {
      const found = await this.#sessions.list(cursor === null ? {} : { cursor });
      for (const session of found.items) {
        const { endedAt } = session;
        if (endedAt !== null && Date.parse(endedAt) < endedAfterMs)
          return { sessions, isEverySession: true };
        sessions.push(session);
      }
      cursor = found.nextCursor;
      if (cursor === null) return { sessions, isEverySession: true };
    }
    return { sessions, isEverySession: false };
  }
}
