import {
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { OneTimeCopies } from '../../../../src/api/copies/one-time-copies.js';

const NOW_MS = Date.parse('2026-11-27T10:00:00Z');
const LATER = '20261127T100000Z';
const ORDER = {
  source: { repositoryId: 'primary', workload: 'web01', restorePointId: null },
  target: { repositoryId: 'offsite' },
  expiresAt: null,
};

/** Copies over a Temporal that takes orders, and of which each look at a session is answered with the next of these. */
function copies(looks: readonly (Error | null)[]) {
  const left = [...looks];
  const started = new Map<string, object>();
  const client = {
    workflow: {
      start: async (type: string, { workflowId, memo }: { workflowId: string; memo: object }) => {
        if (started.has(workflowId))
          throw new WorkflowExecutionAlreadyStartedError('started', workflowId, type);
        started.set(workflowId, { memo });
      },
      getHandle: (workflowId: string) => ({
        async describe() {
          const order = started.get(workflowId);
          if (order !== undefined) return order;
          const look = left.shift() ?? null;
          if (look !== null) throw look;
          return {};
        },
      }),
    },
  } as unknown as Client;
  const store = new OneTimeCopies(client, () => NOW_MS, { looks: 3, pauseMs: 0 });
  const start = (key: string) => store.start(store.jobOf(ORDER, key, 'UTC'), 'anna');
  return { started, start };
}

const absent = () => new WorkflowNotFoundError('not found', 'session', undefined);
/** As @grpc/grpc-js makes them: UNAVAILABLE. */
const silent = () => {
  const fields = { code: 14, details: '', metadata: {} };
  return new ServiceError('no answer', { cause: Object.assign(new Error(), fields) });
};

describe('the answer to an order of a one-time copy', () => {
  it('waits for its session, also over a Temporal that does not answer for a moment', async () => {
    const { start } = copies([absent(), silent(), null]);
    expect(await start('k')).toMatchObject({ hasBegun: true });
  });

  it('says that it is taken when no worker begins it, and a repeat orders nothing', async () => {
    const { started, start } = copies(Array.from({ length: 5 }, absent));
    const first = await start('k');
    expect(first).toEqual({
      ...{ copyId: first.copyId, sessionId: `${first.copyId}-${LATER}`, hasBegun: false },
    });
    expect(await start('k')).toEqual(first);
    expect([...started.keys()]).toEqual([`once/offsite/${first.copyId}`]);
    expect((await start('other')).copyId).not.toBe(first.copyId);
  });
});
