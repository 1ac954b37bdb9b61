import {
  ScheduleNotFoundError,
  ServiceError,
  type Client,
  type ScheduleSummary,
} from '@temporalio/client';
import { expect, it } from 'vitest';
import { listedJobSchema } from '../../../src/api/job-schemas.js';
import { JobStore } from '../../../src/api/job-store.js';
import type { SessionStore } from '../../../src/api/session-store.js';

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

function storeOf(summaries: readonly ScheduleSummary[], failure: (id: string) => Error): JobStore {
  const client = {
    withDeadline: (_deadline: number, call: () => unknown) => call(),
    schedule: {
      async *list() {
        yield* summaries;
      },
      getHandle: (scheduleId: string) => ({
        describe: async () => Promise.reject(failure(scheduleId)),
      }),
    },
  } as unknown as Client;
  const sessions = {
    latestByJob: async () => ({ sessions: new Map(), isComplete: true }),
  } as unknown as SessionStore;
  return new JobStore(client, sessions, () => 0);
}

it('lists a job that cannot be read with what is known of it', async () => {
  const store = storeOf(
    [summary('watched', 'watchSources', true), summary('nightly', 'copySession', false)],
    () => timedOut,
  );

  const jobs = await store.list();

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

it('leaves out a job that was deleted since the list was made', async () => {
  const store = storeOf(
    [summary('gone', 'copySession', false)],
    (id) => new ScheduleNotFoundError('not found', id),
  );

  expect(await store.list()).toEqual([]);
});
