import { expect, it } from 'vitest';
import type { Activities } from '../../../activities/activities.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalServer } from '../../support/workflows/local-server.js';

const STARTED_AT_MS = Date.parse('2026-11-26T22:00:00Z');
/** Source: Temporal, historyCountSuggestContinueAsNew. */
const SUGGESTED_EVENTS = 4_096;

it('a watch that waits for a session of many hours goes on in new runs', async () => {
  const endMs = STARTED_AT_MS + 20 * 3_600_000;
  const readWatchedJob = () =>
    Promise.resolve({ isEnabled: server.nowMs < endMs, hasSession: server.nowMs < endMs });
  const activities = { readWatchedJob } as unknown as Activities;
  const server = new LocalServer({ activities, activity: '', isDead: () => false }, STARTED_AT_MS);
  server.longAtEvents = SUGGESTED_EVENTS;
  server.begin('watchSources', 'watch/nightly', { job: testJob({ mode: 'immediate' }) });
  await server.end('watch/nightly');
  const lengths = server.runLengths('watch/nightly');
  expect(lengths.length).toBeGreaterThan(1);
  expect(Math.max(...lengths)).toBeLessThan(SUGGESTED_EVENTS + 100);
});
