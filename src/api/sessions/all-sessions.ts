/** Sessions of all times: those that Temporal knows, then those of which only the records beside the data tell. */

import { bottleneckOfAll } from '../../domain/sessions/bottleneck.js';
import { workflowIdOfSession } from '../../domain/sessions/copy-session.js';
import { isBackupError, type BackupError } from '../../domain/errors.js';
import type { UnreadablePart } from '../../domain/targets/unreadable-part.js';
import { toProblem } from '../problem.js';
import type { RepositoryBrowser } from '../repositories/repository-browser.js';
import { invalidRequest } from '../route.js';
import type { SessionSummary, SessionView } from './session-schemas.js';
import type { SessionFilter, SessionStore } from './session-store.js';
import { taskViews } from './task-view.js';
import { toBackupError } from '../executions/temporal-errors.js';

/** Before the number of the target and the place in it. */
const STORED = 'stored/';
/** Whoever asks waits so long at most for the first of many targets that has something. */
const FOLLOW_MS = 5_000;

interface SessionPage {
  readonly items: SessionSummary[];
  readonly nextCursor?: string;
  readonly unreadable?: UnreadablePart[];
}

interface SessionSources {
  readonly live: SessionStore;
  readonly browser: RepositoryBrowser;
  readonly targets: readonly string[];
  readonly now: () => number;
}

export class AllSessions {
  readonly #live: SessionStore;
  readonly #browser: RepositoryBrowser;
  readonly #targets: readonly string[];
  readonly #now: () => number;

  constructor({ live, browser, targets, now }: SessionSources) {
    this.#now = now;
    this.#live = live;
    this.#browser = browser;
    this.#targets = targets;
  }

  /** Running ones, then the ended ones by their end, then, target by target, the recorded ones by their start; the newest first. A target that cannot be
   *  asked is named in `unreadable`. A page is empty only when there is nothing on any later one, or finding that out takes too long. */
  async list(filter: SessionFilter): Promise<SessionPage> {
    const endMs = this.#now() + FOLLOW_MS;
    const unreadable: UnreadablePart[] = [];
    for (let cursor = filter.cursor; ;) {
      const page = await this.#page(cursor === undefined ? filter : { ...filter, cursor });
      unreadable.push(...(page.unreadable ?? []));
      const isLast = page.nextCursor === undefined;
      if (page.items.length > 0 || isLast || this.#now() > endMs)
        return { ...page, ...(unreadable.length === 0 ? {} : { unreadable }) };
      cursor = page.nextCursor;
    }
  }

  async #page(filter: SessionFilter): Promise<SessionPage> {
    const { cursor } = filter;
    if (cursor?.startsWith(STORED) === true)
      return this.#recorded(filter, cursor.slice(STORED.length));
    const { items, nextCursor } = await this.#live.list(filter);
    if (nextCursor !== null) return { items, nextCursor };
    const hasRecords = filter.state === undefined || filter.state === 'ended';
    return hasRecords && this.#targets.length > 0
      ? { items, nextCursor: `${STORED}0/` }
      : { items };
  }

  /** @throws SESSION_MISSING; what keeps a target from being asked, when no other one has it */
  async get(sessionId: string): Promise<SessionView> {
    try {
      return await this.#live.get(sessionId);
    } catch (error) {
      if (!isBackupError(error, 'SESSION_MISSING')) throw error;
      return this.#record(sessionId, error);
    }
  }

  async #record(sessionId: string, missing: BackupError): Promise<SessionView> {
    const jobId = sessionId.slice(0, -'-20261124T220000Z'.length);
    if (workflowIdOfSession(sessionId) === null) throw missing;
    const faults: unknown[] = [];
    for (const target of this.#targets) {
      const session = await this.#browser
        .sessionRecord(target, { jobId, sessionId })
        .catch((error: unknown) => {
          faults.push(error);
          return null;
        });
      if (session === null) continue;
      const tasks = taskViews(session.tasks);
      const bottleneck = bottleneckOfAll(tasks);
      return { ...session, tasks, retry: null, waits: null, bottleneck, live: true };
    }
    // It may lie in the one that could not be asked.
    const [fault] = faults;
    throw fault instanceof Error ? fault : missing;
  }

  async #recorded(filter: SessionFilter, place: string): Promise<SessionPage> {
    const [, index = '', after = ''] = /^(\d{1,4})\/(.*)$/s.exec(place) ?? [];
    const target = this.#targets[Number(index === '' ? NaN : index)];
    if (target === undefined)
      throw invalidRequest([{ path: 'query.cursor', message: 'not a cursor of this list' }]);
    const isLast = Number(index) + 1 === this.#targets.length;
    const following = isLast ? {} : { nextCursor: `${STORED}${Number(index) + 1}/` };
    try {
      const { items, nextCursor, unreadable } = await this.#browser.sessionRecords(
        target,
        {
          jobId: filter.jobId ?? null,
          fromMs: filter.from === undefined ? null : Date.parse(filter.from),
          toMs: filter.to === undefined ? null : Date.parse(filter.to),
          result: filter.result ?? null,
        },
        after === '' ? undefined : after,
      );
      // Temporal has shown them already.
      const known = await this.#live.shown(
        filter,
        items.map(({ id }) => id),
      );
      return {
        items: items.filter(({ id }) => !known.has(id)),
        ...(nextCursor === undefined
          ? following
          : { nextCursor: `${STORED}${index}/${nextCursor}` }),
        ...(unreadable === undefined ? {} : { unreadable: [...unreadable] }),
      };
    } catch (error) {
      const known = toBackupError(error);
      if (known === null) throw error;
      const part = { path: target, code: known.code, reason: toProblem(error).detail };
      return { items: [], unreadable: [part], ...following };
    }
  }
}
