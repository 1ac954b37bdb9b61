/** A session as server-sent events (HTML Living Standard, 9.2), until it ends or the listener leaves. */

import { setTimeout } from 'node:timers/promises';
import type { Request, Response } from 'express';
import type { Logger } from '../api-dependencies.js';
import { toProblem } from '../problem.js';
import type { SessionView, TaskView } from './session-schemas.js';

const DEFAULT_INTERVAL_MS = 1_000;
/** Proxies close connections that are silent for a minute or less. */
const HEARTBEAT_MS = 15_000;
/** A worker or Temporal that is away comes back; a client need not notice. */
const TOLERATED_FAILURES = 30;

export interface SessionStream {
  readonly read: () => Promise<SessionView>;
  readonly intervalMs: number | undefined;
  readonly logger: Logger;
}

/** The first look happens before the answer starts, so that a missing session is still a plain 404. */
export async function streamSession(
  request: Request,
  response: Response,
  { read, intervalMs = DEFAULT_INTERVAL_MS, logger }: SessionStream,
): Promise<void> {
  let session = await read();
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  response.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store',
    // Proxies that buffer would hold the events back (nginx, X-Accel-Buffering).
    'X-Accel-Buffering': 'no',
  });
  const heartbeat = setInterval(() => response.write(': alive\n\n'), HEARTBEAT_MS);
  const sent = new Map<string, string>();
  let failures = 0;
  try {
    while (!gone.signal.aborted) {
      sendChanges(response, session, sent);
      if (session.state === 'ended') {
        send(response, 'end', session);
        break;
      }
      // Rejects when the listener leaves, and only then.
      await setTimeout(intervalMs, undefined, { signal: gone.signal }).catch(() => undefined);
      if (gone.signal.aborted) break;
      try {
        session = await read();
        failures = 0;
      } catch (error) {
        failures += 1;
        const { code, detail } = toProblem(error);
        logger.warn({ code, path: request.path, failures }, `session not readable: ${detail}`);
        if (failures > TOLERATED_FAILURES) break;
      }
    }
  } finally {
    clearInterval(heartbeat);
    response.end();
  }
}

function sendChanges(response: Response, session: SessionView, sent: Map<string, string>): void {
  const { tasks, ...overview } = session;
  sendIfNew(response, 'progress', '', overview, sent);
  for (const task of tasks)
    sendIfNew(response, 'task', task.workloadId ?? `\n${task.workload}`, task, sent);
}

function sendIfNew(
  response: Response,
  event: 'progress' | 'task',
  key: string,
  data: Omit<SessionView, 'tasks'> | TaskView,
  sent: Map<string, string>,
): void {
  const text = JSON.stringify(data);
  const name = `${event} ${key}`;
  if (sent.get(name) === text) return;
  sent.set(name, text);
  send(response, event, data);
}

function send(response: Response, event: string, data: object): void {
  response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
