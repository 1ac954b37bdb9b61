import { ApplicationFailure } from '@temporalio/common';
import { expect, it } from 'vitest';
import type { Activities } from '../../../activities/activities.js';
import type { RetryOrder, SessionEnd } from '../../../src/domain/schedules/retry.js';
import { sessionEndedSignal } from '../../../workflows/messages.js';
import { LocalServer } from '../../support/workflows/local-server.js';

const STARTED_AT_MS = Date.parse('2026-11-26T22:00:00Z');
const MINUTE_MS = 60_000;

it('a retry that could not be started is not forgotten: it is started ten minutes later', async () => {
  const asked: [minute: number, order: unknown][] = [];
  const startRetry = ({ order }: { order: unknown }) => {
    asked.push([(server.nowMs - STARTED_AT_MS) / MINUTE_MS, order]);
    if (asked.length === 1) throw ApplicationFailure.nonRetryable('no', 'BUG');
    return Promise.resolve('nightly-20261126T221000Z');
  };
  const activities = { startRetry } as unknown as Activities;
  const server = new LocalServer({ activities, activity: '', isDead: () => false }, STARTED_AT_MS);
  const order = { tryNumber: 2, dueMs: STARTED_AT_MS + MINUTE_MS, workloads: ['db07'] };
  server.begin('retrySessions', 'retry/nightly', { jobId: 'nightly', orders: [order] });
  await server.end('retry/nightly');
  expect(asked).toEqual([
    [1, order],
    [11, { ...order, dueMs: STARTED_AT_MS + 11 * MINUTE_MS }],
  ]);
});

it('sessions that overlapped have what failed in both of them tried again once', async () => {
  const tried: [minute: number, workloads: unknown][] = [];
  const startRetry = ({ order }: { order: RetryOrder }) => {
    tried.push([(server.nowMs - STARTED_AT_MS) / MINUTE_MS, order.workloads]);
    return Promise.resolve('nightly-20261126T221000Z');
  };
  const activities = { startRetry } as unknown as Activities;
  const server = new LocalServer({ activities, activity: '', isDead: () => false }, STARTED_AT_MS);
  const end = (minute: number, workload: string): SessionEnd => {
    const madeMs = STARTED_AT_MS + minute * MINUTE_MS;
    const order = { tryNumber: 2, dueMs: madeMs + 10 * MINUTE_MS, workloads: [workload], madeMs };
    return { covered: null, startedMs: STARTED_AT_MS, order };
  };
  server.begin('retrySessions', 'retry/nightly', { jobId: 'nightly' });
  server.signalTo('retry/nightly', sessionEndedSignal.name, end(1, 'db07'));
  server.signalTo('retry/nightly', sessionEndedSignal.name, end(5, 'db07'));
  server.signalTo('retry/nightly', sessionEndedSignal.name, end(5, 'web01'));
  await server.end('retry/nightly');
  expect(tried).toEqual([
    [11, ['db07']],
    [15, ['web01']],
  ]);
});

it('a retry for all that is due with named ones seeks what they name', async () => {
  const tried: unknown[] = [];
  const startRetry = ({ order }: { order: RetryOrder }) => {
    tried.push([order.workloads, order.sought]);
    if (tried.length === 1) throw ApplicationFailure.nonRetryable('no', 'BUG');
    return Promise.resolve('nightly-20261126T221000Z');
  };
  const activities = { startRetry } as unknown as Activities;
  const server = new LocalServer({ activities, activity: '', isDead: () => false }, STARTED_AT_MS);
  const dueMs = STARTED_AT_MS + MINUTE_MS;
  const orders = [['db07'], null].map((workloads) => ({ tryNumber: 2, dueMs, workloads }));
  server.begin('retrySessions', 'retry/nightly', { jobId: 'nightly', orders });
  await server.end('retry/nightly');
  expect(tried).toEqual([
    [null, ['db07']],
    [null, ['db07']],
  ]);
});

it('retries that are due in one second are one: a session is named by its second', async () => {
  const started: unknown[] = [];
  const startRetry = ({ order }: { order: RetryOrder }) => {
    started.push([order.workloads, order.dueMs - STARTED_AT_MS]);
    return Promise.resolve('nightly-20261126T220100Z');
  };
  const activities = { startRetry } as unknown as Activities;
  const server = new LocalServer({ activities, activity: '', isDead: () => false }, STARTED_AT_MS);
  const orders = [
    { tryNumber: 2, dueMs: STARTED_AT_MS + MINUTE_MS + 100, workloads: ['db07'] },
    { tryNumber: 2, dueMs: STARTED_AT_MS + MINUTE_MS + 999, workloads: ['web01'] },
    { tryNumber: 2, dueMs: STARTED_AT_MS + MINUTE_MS + 1_000, workloads: ['mail01'] },
  ];
  server.begin('retrySessions', 'retry/nightly', { jobId: 'nightly', orders });
  await server.end('retry/nightly');
  expect(started).toEqual([
    [['db07', 'web01'], MINUTE_MS + 100],
    [['mail01'], MINUTE_MS + 1_000],
  ]);
});
