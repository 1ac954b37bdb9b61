import { expect, it } from 'vitest';
import { SessionStore } from '../../../../src/api/sessions/session-store.js';
import { MemoryExecutions } from '../../../support/temporal/memory-executions.js';

it.each([
  [99, 99, 0],
  [100, 100, 0],
  [104, 100, 4],
])('of %d sessions that run %d are shown, and %d are counted', async (count, shown, omitted) => {
  const known = new MemoryExecutions();
  known.executions = Array.from({ length: count }, (_, second) => ({
    workflowId: `session/nightly-2026-11-26T22:${String(10 + Math.floor(second / 60))}:${String(10 + (second % 50))}Z`,
    ...{ runId: `run-${second}`, type: 'copySession', status: 'Running' as const },
    ...{ startMs: second, closeMs: null, jobId: 'nightly' },
  }));
  const client = known.client({ workflow: { count: async () => ({ count }) } });
  const running = await new SessionStore(client).running();
  expect([running.sessions.length, running.omitted]).toEqual([shown, omitted]);
});
