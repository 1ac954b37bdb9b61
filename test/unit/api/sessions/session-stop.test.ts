import type { Client } from '@temporalio/client';
import { expect, it } from 'vitest';
import { SessionStore } from '../../../../src/api/sessions/session-store.js';

/** A session in this state, and what it was sent. */
function session(name: string) {
  const sent: unknown[] = [];
  const handle = {
    describe: () => Promise.resolve({ status: { name } }),
    signal: (signal: { name: string }, order: unknown) =>
      Promise.resolve(void sent.push([signal.name, order])),
    cancel: () => Promise.resolve(void sent.push('cancel')),
  };
  const client = { workflow: { getHandle: () => handle } } as unknown as Client;
  return { store: new SessionStore(client), sent };
}

const ORDER = { by: 'anna', reason: 'the link is needed' };
const ID = 'nightly-20261126T220000Z';

it('tells a session who stops it before it is stopped', async () => {
  const { store, sent } = session('RUNNING');
  await store.stop(ID, ORDER);
  expect(sent).toEqual([['stopOrder', ORDER], 'cancel']);
});

it('tells nothing to a session that has ended', async () => {
  const { store, sent } = session('COMPLETED');
  await expect(store.stop(ID, ORDER)).rejects.toMatchObject({ code: 'SESSION_ENDED' });
  expect(sent).toEqual([]);
});
