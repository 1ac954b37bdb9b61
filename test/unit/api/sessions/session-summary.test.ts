import { expect, it } from 'vitest';
import { SessionStore } from '../../../../src/api/sessions/session-store.js';
import { tryToCome } from '../../../../src/api/sessions/session-summary.js';
import { MemoryExecutions } from '../../../support/temporal/memory-executions.js';

const DUE = '2026-11-24T22:10:00Z';
const DUE_MS = Date.parse(DUE);

// A try that could not be started is made ten minutes later (workflows/session/retry-sessions.ts).
it('shows when a session is tried again until that is over', () => {
  expect(tryToCome(null, DUE_MS)).toBeNull();
  expect(tryToCome(DUE, DUE_MS - 3_600_000)).toBe(DUE);
  expect(tryToCome(DUE, DUE_MS + 11 * 60_000)).toBe(DUE);
  expect(tryToCome(DUE, DUE_MS + 11 * 60_000 + 1)).toBeNull();
});

it.each([
  ['while another began before that was due', -1_000, true],
  ['no more when another began since', 1_000, false],
])('lists a session as to be tried again %s', async (_, afterDueMs, isShown) => {
  const site = new MemoryExecutions();
  const dueMs = Date.now() - 5_000;
  const due = new Date(dueMs).toISOString();
  const session = { type: 'copySession', status: 'Completed', jobId: 'nightly' } as const;
  site.executions.push(
    {
      ...{ ...session, workflowId: 'session/nightly-20261124T220000Z', runId: 'a' },
      ...{ startMs: dueMs - 60_000, closeMs: dueMs - 59_000 },
      ...{ result: 'failed', memo: { nextTryAt: due } },
    },
    {
      ...{ ...session, workflowId: 'session/nightly-20261124T220100Z', runId: 'b' },
      ...{ startMs: dueMs + afterDueMs, closeMs: dueMs + 2_000, result: 'success' },
    },
  );
  const { items } = await new SessionStore(site.client()).list({});
  const first = items.find(({ result }) => result === 'failed');
  expect(first?.nextTryAt).toBe(isShown ? due : null);
});

it('says of no session of long ago that it is tried again, in lists and for its job', async () => {
  const site = new MemoryExecutions();
  const startMs = Date.parse('2026-11-24T22:00:00Z');
  site.executions.push({
    ...{ workflowId: 'session/nightly-20261124T220000Z', runId: 'a', type: 'copySession' },
    ...{ status: 'Completed', startMs, closeMs: startMs + 1_000, jobId: 'nightly' },
    ...{ result: 'failed', memo: { nextTryAt: DUE } },
  });
  const store = new SessionStore(site.client());
  expect((await store.list({})).items.map(({ nextTryAt }) => nextTryAt)).toEqual([null]);
  expect((await store.latestOf('nightly'))?.newest.nextTryAt).toBeNull();
});
