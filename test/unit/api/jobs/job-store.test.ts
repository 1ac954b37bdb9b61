import {
  ScheduleNotFoundError,
  ServiceError,
  type Client,
  type ScheduleSummary,
} from '@temporalio/client';
import { expect, it } from 'vitest';
import { listedJobSchema } from '../../../../src/api/jobs/job-schemas.js';
import { JobStore } from '../../../../src/api/jobs/job-store.js';
import type { SessionStore } from '../../../../src/api/sessions/session-store.js';

const NEXT = new Date('2026-11-27T22:00:00Z');

function summary(id: string, workflowType: string, paused: boolean): ScheduleSummary {
  return {
    scheduleId: `job/${id}`,
    action: { type: 'startWorkflow', workflowType },
    typedSearchAttributes: { get: () => `Name of ${id}` },
    state: { paused },
    info: { recentActions: [], nextActionTimes: [NEXT] },
  } as unknown as ScheduleSummary;
}

const timedOut = new ServiceError('Failed to describe schedule', {
  cause: Object.assign(new Error('deadline exceeded'), { code: 4, details: '', metadata: {} }),
});

function storeOf(
  summaries: readonly ScheduleSummary[],
  failure: (id: string) => Error,
  fails: { schedules?: boolean; sessions?: boolean } = {},
): JobStore {
  const client = {
    withDeadline: (_deadline: number, call: () => unknown) => call(),
    schedule: {
      async *list() {
        const [first, ...rest] = summaries;
        if (first !== undefined) yield first;
        if (fails.schedules === true) throw timedOut;
        yield* rest;
      },
      getHandle: (scheduleId: string) => ({
        describe: async () => Promise.reject(failure(scheduleId)),
      }),
    },
  } as unknown as Client;
  const sessions = {
    latestByJob: async () => {
      if (fails.sessions === true) throw timedOut;
      return { sessions: new Map(), isComplete: true };
    },
  } as unknown as SessionStore;
  return new JobStore(client, sessions, () => 0);
}

it('lists a job that cannot be read with what is known of it', async () => {
  const store = storeOf(
    [summary('watched', 'watchSources', true), summary('nightly', 'copySession', false)],
    () => timedOut,
  );

  const { items: jobs, unreadable } = await store.list();
  expect(unreadable).toEqual([]);

  const unknown = {
    state: 'unknown',
    lastSession: null,
    reason: 'Temporal did not answer in time',
  };
  expect(jobs).toEqual([
    {
      ...unknown,
      id: 'nightly',
      name: 'Name of nightly',
      mode: 'periodic',
      paused: false,
      nextRunAt: '2026-11-27T22:00:00.000Z',
    },
    {
      ...unknown,
      id: 'watched',
      name: 'Name of watched',
      mode: 'immediate',
      paused: true,
      nextRunAt: null,
    },
  ]);
  for (const job of jobs) expect(listedJobSchema.parse(job)).toEqual(job);
});

const twoJobs = [
  summary('nightly', 'copySession', false),
  summary('watched', 'watchSources', true),
];

it('lists the jobs when their sessions cannot be asked for, and says so', async () => {
  const { items, unreadable } = await storeOf(twoJobs, () => timedOut, { sessions: true }).list();

  expect(items.map(({ id }) => id)).toEqual(['nightly', 'watched']);
  expect(unreadable).toEqual([
    {
      path: 'sessions',
      code: 'TEMPORAL_UNREACHABLE',
      reason:
        'no job shows its last session, a decision that it waits for or a missed start: Temporal did not answer in time',
    },
  ]);
});

it('lists the jobs that it knows when they cannot be listed anew, and says so', async () => {
  const fails = { schedules: false };
  const store = storeOf(twoJobs, () => timedOut, fails);
  const before = await store.list();
  fails.schedules = true;

  const { items, unreadable } = await store.list();

  expect(items).toEqual(before.items);
  expect(unreadable).toEqual([
    {
      path: 'jobs',
      code: 'TEMPORAL_UNREACHABLE',
      reason: 'jobs made since the last list are missing: Temporal did not answer in time',
    },
  ]);
});

it('fails when not even the names of the jobs are known: an empty list would say that there are none', async () => {
  const store = storeOf(twoJobs, () => timedOut, { schedules: true });
  await expect(store.list()).rejects.toBe(timedOut);
});

it('leaves out a job that was deleted since the list was made', async () => {
  const store = storeOf(
    [summary('gone', 'copySession', false)],
    (id) => new ScheduleNotFoundError('not found', id),
  );

  expect(await store.list()).toMatchObject({ items: [], unreadable: [] });
});
