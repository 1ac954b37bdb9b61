import { expect, it } from 'vitest';
import { SessionStore } from '../../../../src/api/sessions/session-store.js';
import { tryToCome } from '../../../../src/api/sessions/session-summary.js';
import { MemoryExecutions } from '../../../support/temporal/memory-executions.js';

const DUE = '2026-11-24T22:10:00Z';
const DUE_MS = Date.parse(DUE);

it('shows when a session is tried again until that is over', () => {
  expect(tryToCome(null, DUE_MS)).toBeNull();
  expect(tryToCome(DUE, DUE_MS - 3_600_000)).toBe(DUE);
  expect(tryToCome(DUE, DUE_MS + 60_000)).toBe(DUE);
  expect(tryToCome(DUE, DUE_MS + 60_001)).toBeNull();
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
