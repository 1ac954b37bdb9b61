import { beforeEach, expect, it } from 'vitest';
import { SessionStore } from '../../../../src/api/sessions/session-store.js';
import { NO_TASKS } from '../../../../src/domain/sessions/copy-session.js';
import {
  MemoryExecutions,
  type MemoryExecution,
} from '../../../support/temporal/memory-executions.js';

const START_MS = Date.parse('2026-11-01T00:00:00Z');
const MINUTE_MS = 60_000;

let site: MemoryExecutions;
beforeEach(() => {
  site = new MemoryExecutions();
});

/** A session of a minute that began in that minute of the month. */
function session(
  jobId: string,
  minute: number,
  result: string,
  memo: object = {},
  changes: Partial<MemoryExecution> = {},
): MemoryExecution {
  const startMs = START_MS + minute * MINUTE_MS;
  const time = new Date(startMs).toISOString().slice(0, 19);
  return {
    ...{ workflowId: `session/${jobId}-${time}Z`, runId: `${jobId}-${minute}` },
    ...{ type: 'copySession', status: 'Completed', startMs, closeMs: startMs + MINUTE_MS },
    ...{ jobId, result, memo },
    ...changes,
  };
}

/** Over one workload, which went well, as immediate jobs have them by the thousand. */
function partials(jobId: string, workload: string, from: number, count: number) {
  const left = { well: [workload], unwell: [], undecided: [] };
  return Array.from({ length: count }, (_, index) =>
    session(jobId, from + index, 'success', { isPartial: true, left }),
  );
}

const UNDECIDED = {
  ...{ isPartial: false, taskCounts: { ...NO_TASKS, success: 1, actionRequired: 1 } },
  left: { well: null, unwell: ['db07'], undecided: ['db07'] },
};

const store = () => new SessionStore(site.client());

it('finds what waits for a decision behind more sessions of other workloads than a page has', async () => {
  const first = session('watched', 0, 'actionRequired', UNDECIDED);
  site.executions = [first, ...partials('watched', 'web10', 1, 120)];
  expect((await store().latestOf('watched'))?.outcome).toMatchObject({
    ...{ undecided: { id: 'watched-20261101T000000Z' }, fault: null },
  });
  site.executions.push(...partials('watched', 'db07', 200, 1));
  expect((await store().latestOf('watched'))?.outcome.undecided).toBeNull();
});

it('finds a failure behind as many, unless a session before the page has made it good', async () => {
  const left = { well: [], unwell: ['db07'], undecided: [] };
  const failed = session('watched', 0, 'failed', { isPartial: true, left });
  site.executions = [failed, ...partials('watched', 'web10', 2, 120)];
  expect((await store().latestOf('watched'))?.outcome.fault?.id).toBe('watched-20261101T000000Z');
  site.executions.push(...partials('watched', 'db07', 1, 1));
  expect((await store().latestOf('watched'))?.outcome.fault).toBeNull();
});

it('asks no further when a session over all is among the newest, nor again within a minute', async () => {
  site.executions = [
    ...partials('watched', 'web10', 1, 120),
    session('watched', 200, 'success', { isPartial: false }),
  ];
  await store().latestOf('watched');
  expect(site.queries).toHaveLength(1);
  site.executions = partials('other', 'web10', 1, 120);
  const twice = store();
  await twice.latestOf('other');
  const asked = site.queries.length;
  await twice.latestOf('other');
  expect(site.queries).toHaveLength(asked + 1);
});

it('tells of a list that is cut whether a job has more than its part shows', async () => {
  site.executions = [
    session('nightly', 0, 'actionRequired', UNDECIDED),
    ...partials('watched', 'web10', 1, 1_000),
  ];
  const { sessions, isComplete } = await store().latestByJob();
  expect([isComplete, [...sessions.keys()]]).toEqual([false, ['watched']]);
  expect(sessions.get('watched')?.outcome).toMatchObject({ isFaultKnown: false });
});

it('takes a session of some workloads that Temporal ended for none over all', async () => {
  const left = { well: [], unwell: ['db07'], undecided: [] };
  const failed = session('watched', 0, 'failed', { isPartial: true, left });
  for (const memo of [{ trigger: 'api', isPartial: true }, { trigger: 'watch' }]) {
    const ended = session('watched', 1, '', memo, { status: 'TimedOut' });
    site.executions = [failed, ended, ...partials('watched', 'web10', 2, 1)];
    expect((await store().latestOf('watched'))?.outcome.fault?.id).toBe('watched-20261101T000000Z');
  }
});
