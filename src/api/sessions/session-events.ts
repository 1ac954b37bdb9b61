/** A session as server-sent events (HTML Living Standard, 9.2), until it ends or the listener leaves. */

import { setTimeout } from 'node:timers/promises';
import type { Request, Response } from 'express';
import type { Caller } from '../../domain/access/access.js';
import { BackupError } from '../../domain/errors.js';
import type { Logger } from '../api-dependencies.js';
import { EventStream } from '../events/event-stream.js';
import { toProblem } from '../problem.js';
import type { SessionView, TaskView } from './session-schemas.js';

const DEFAULT_INTERVAL_MS = 1_000;
/** A worker or Temporal that is away comes back; a client need not notice. */
const TOLERATED_FAILURES = 30;
/** Each asks for its session once a second. */
const MAX_FOLLOWERS = 100;

interface SessionStreamParts {
  readonly now: () => number;
  readonly logger: Logger;
  /** Between two looks. Default 1,000. */
  readonly intervalMs: number | undefined;
  /** How many may follow a session. Default 100. */
  readonly maxFollowers?: number;
}

/** Sessions that are followed. */
export class SessionStreams {
  readonly #parts: SessionStreamParts;
  #followers = 0;

  constructor(parts: SessionStreamParts) {
    this.#parts = parts;
  }

  /** The first look happens before the answer starts, so that a missing session is still a plain 404. @throws EVENTS_CROWDED, and what `read` throws */
  async follow(
    request: Request,
    response: Response,
    caller: Caller,
    read: () => Promise<SessionView>,
  ): Promise<void> {
    const { maxFollowers = MAX_FOLLOWERS } = this.#parts;
    if (this.#followers >= maxFollowers)
      throw new BackupError('EVENTS_CROWDED', `${this.#followers} follow a session already`);
    this.#followers++;
    try {
      const session = await read();
      const events = new EventStream(request, response, { caller, ...this.#parts });
      events.begin(() => ': alive\n\n');
      try {
        await this.#tell(events, request, session, read);
      } finally {
        events.end();
      }
    } finally {
      this.#followers--;
    }
  }

  async #tell(
    events: EventStream,
    { path }: Request,
    first: SessionView,
    read: () => Promise<SessionView>,
  ): Promise<void> {
    const { logger, intervalMs = DEFAULT_INTERVAL_MS } = this.#parts;
    const sent = new Map<string, string>();
    let session = first;
    for (let failures = 0; failures <= TOLERATED_FAILURES;) {
      sendChanges(events, session, sent);
      if (session.state === 'ended') return send(events, 'end', session);
      // Rejects when the listener leaves, and only then.
      await setTimeout(intervalMs, undefined, { signal: events.gone }).catch(() => undefined);
      if (events.gone.aborted) return;
      try {
        session = await read();
        failures = 0;
      } catch (error) {
        failures += 1;
        const { code, detail } = toProblem(error);
        logger.warn({ code, path, failures }, `session not readable: ${detail}`);
      }
    }
  }
}

function sendChanges(events: EventStream, session: SessionView, sent: Map<string, string>): void {
  const { tasks, ...overview } = session;
  sendIfNew(events, 'progress', '', overview, sent);
  for (const task of tasks)
    sendIfNew(events, 'task', task.workloadId ?? `\n${task.workload}`, task, sent);
}

function sendIfNew(
  events: EventStream,
  event: 'progress' | 'task',
  key: string,
  data: Omit<SessionView, 'tasks'> | TaskView,
  sent: Map<string, string>,
): void {
  const text = JSON.stringify(data);
  const name = `${event} ${key}`;
  if (sent.get(name) === text) return;
  sent.set(name, text);
  send(events, event, data);
}

function send(events: EventStream, event: string, data: object): void {
  events.send(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
