import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterEach, expect, it } from 'vitest';
import { problemHandler } from '../../../../src/api/problem.js';
import { SessionStreams } from '../../../../src/api/sessions/session-events.js';
import type { SessionView } from '../../../../src/api/sessions/session-schemas.js';
import type { Caller } from '../../../../src/domain/access/access.js';

const NOW_MS = Date.parse('2026-11-27T12:00:00Z');
const RUNNING = { id: 'nightly-20261126T220000Z', state: 'running', tasks: [] };
const ENDED = { ...RUNNING, state: 'ended', result: 'success' };

let server: Server | null = null;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A service that streams one session, as `read` has it at each look. */
async function serviceOf(
  read: () => object,
  {
    expiresAt = null,
    maxFollowers = 10,
  }: { expiresAt?: string | null; maxFollowers?: number } = {},
) {
  const warnings: string[] = [];
  const logger = {
    ...{ info: () => undefined, error: () => undefined },
    warn: (_: object, text: string) => void warnings.push(text),
  };
  const streams = new SessionStreams({ now: () => NOW_MS, logger, intervalMs: 2, maxFollowers });
  const caller: Caller = { name: 'anna', role: 'viewer', scope: null, subject: null, expiresAt };
  const app = express();
  app.get('/events', (request, response) =>
    streams.follow(request, response, caller, async () => Promise.resolve(read() as SessionView)),
  );
  app.use(problemHandler(logger));
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`;
  return { url, warnings };
}

const eventsIn = (text: string) => [...text.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name);

it('the stream of a session ends with it', async () => {
  let looks = 0;
  const { url } = await serviceOf(() => (looks++ < 3 ? { ...RUNNING, looks } : ENDED));
  const text = await (await fetch(url)).text();
  expect(eventsIn(text)).toEqual(['progress', 'progress', 'progress', 'progress', 'end']);
  expect(text).toMatch(/^retry: 2000\n\n/);
});

it('the stream of a session ends with the time of the token', async () => {
  const { url } = await serviceOf(() => RUNNING, { expiresAt: '2026-11-27T11:59:59Z' });
  expect(eventsIn(await (await fetch(url)).text())).toEqual(['progress']);
});

it('the stream of a session is not kept for somebody who does not take it', async () => {
  let looks = 0;
  const text = 'x'.repeat(256 * 1024);
  const { url, warnings } = await serviceOf(() => ({ ...RUNNING, text, looks: looks++ }));
  const { body } = await fetch(url);
  await expect.poll(() => warnings).toEqual(['cut off: it takes no events']);
  const seen = looks;
  await body?.cancel().catch(() => undefined);
  expect(looks).toBeLessThan(seen + 3);
});

it('sessions are followed by so many at once, and by the next when one leaves', async () => {
  const { url } = await serviceOf(() => RUNNING, { maxFollowers: 1 });
  const gone = new AbortController();
  await fetch(url, { signal: gone.signal });
  const crowded = await fetch(url);
  expect([crowded.status, await crowded.json()]).toMatchObject([503, { code: 'EVENTS_CROWDED' }]);
  gone.abort();
  await expect.poll(async () => (await fetch(url)).status).toBe(200);
});
