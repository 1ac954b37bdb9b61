import type { Client } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { jobStarter } from '../../../src/bin/job-starter.js';
import type { JobStarter } from '../../../activities/session/session-activities.js';
import { testJob } from '../../support/session/test-site.js';

/** As grpc-js throws it (grpc/doc/statuscodes.md: 14, UNAVAILABLE). */
const AWAY = Object.assign(new Error('14 UNAVAILABLE: No connection established'), {
  ...{ code: 14, details: 'No connection established', metadata: {} },
});

function away(): never {
  throw AWAY;
}

const handle = { describe: away, signal: () => Promise.reject(AWAY), query: away };
const CLIENT = {
  schedule: { list: away, getHandle: () => handle },
  workflow: { list: away, start: away, signalWithStart: away, getHandle: () => handle },
} as unknown as Client;

const ORDER = { tryNumber: 2, dueMs: 0, workloads: null };
const CALLS: Readonly<Record<keyof JobStarter, (starter: JobStarter) => Promise<unknown>>> = {
  startJobsAfter: (starter) => starter.startJobsAfter('nightly', 'nightly-20261126T220000Z'),
  tellSessionEnd: (starter) => starter.tellSessionEnd('nightly', { covered: null, order: null }),
  startRetry: (starter) => starter.startRetry('nightly', ORDER),
  enabledJob: (starter) => starter.enabledJob('nightly'),
  waitingSession: (starter) => starter.waitingSession('nightly'),
  watchSessions: (starter) => starter.watchSessions('nightly'),
};

describe('a Temporal that does not answer is told as such, and not as a bug that is final after five tries', () => {
  it.each(Object.entries(CALLS))('by %s', async (_name, call) => {
    await expect(call(jobStarter(CLIENT))).rejects.toMatchObject({ code: 'TEMPORAL_UNREACHABLE' });
  });
});

it('of the sessions that run those of a watch are told, with when their first run began', async () => {
  const [first, later] = ['2026-11-23T22:00:00.000Z', '2026-11-24T22:00:00.000Z'];
  const startTime = new Date(later);
  const list = () => [
    { memo: { trigger: 'watch' }, startTime },
    { memo: { trigger: 'watch', startedAt: first }, startTime },
    { memo: { trigger: 'retry' }, startTime },
    { startTime },
  ];
  const client = { workflow: { list } } as unknown as Client;
  expect(await jobStarter(client).watchSessions('nightly')).toEqual(
    [later, first].map((at) => Date.parse(at)),
  );
});

it('a retry for all is started with what it has to deal with by name', async () => {
  const started: unknown[] = [];
  const description = { action: { args: [{ job: testJob() }] }, state: { paused: false } };
  const client = {
    schedule: { getHandle: () => ({ describe: () => Promise.resolve(description) }) },
    workflow: {
      start: (_type: string, { args }: { args: unknown[] }) => {
        started.push(...args);
        return Promise.resolve();
      },
    },
  } as unknown as Client;
  await jobStarter(client).startRetry('nightly', { ...ORDER, workloads: null, sought: ['db07'] });
  await jobStarter(client).startRetry('nightly', { ...ORDER, workloads: ['db07'] });
  expect(started).toEqual([
    { job: testJob(), overrides: {}, trigger: 'retry', tryNumber: 2, sought: ['db07'] },
    { job: testJob(), overrides: { workloads: ['db07'] }, trigger: 'retry', tryNumber: 2 },
  ]);
});

it('a session that waits with an earlier definition of its job is not taken for a new one', async () => {
  const AT = Date.parse('2026-11-23T22:00:00Z');
  const session = { id: 'nightly-20261123T220000Z', state: 'waiting' };
  const waiting = (changedAtMs: number, startTime: Date) => {
    const info = { createdAt: new Date(0), lastUpdatedAt: new Date(changedAtMs) };
    const listed = { memo: { state: 'waiting' }, workflowId: `session/${session.id}`, startTime };
    const client = {
      schedule: { getHandle: () => ({ describe: () => Promise.resolve({ info }) }) },
      workflow: {
        list: () => [listed],
        getHandle: () => ({ query: () => Promise.resolve(session) }),
      },
    } as unknown as Client;
    return jobStarter(client).waitingSession('nightly');
  };
  expect(await waiting(AT - 1_000, new Date(AT))).toBe(session.id);
  expect(await waiting(AT + 1_000, new Date(AT))).toBeNull();
});
