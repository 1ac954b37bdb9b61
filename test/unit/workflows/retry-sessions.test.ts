import { ApplicationFailure } from '@temporalio/common';
import { expect, it } from 'vitest';
import type { Activities } from '../../../activities/activities.js';
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
