import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { expect, it } from 'vitest';
import { SessionStore } from '../../../../src/api/sessions/session-store.js';

const ORDER = { by: 'anna', reason: 'the link is needed' };
const ID = 'nightly-20261126T220000Z';

/** As the client throws it for `workflow execution already completed`. */
const gone = () =>
  Promise.reject(new WorkflowNotFoundError('workflow execution already completed', ID, undefined));

/** A session in this state, and what it was sent.
 *  @param ended before this call reaches it */
function session(name: string, ended?: 'signal' | 'cancel') {
  const sent: unknown[] = [];
  const handle = {
    describe: () => Promise.resolve({ status: { name } }),
    signal: (signal: { name: string }, order: unknown) =>
      ended === 'signal' ? gone() : Promise.resolve(void sent.push([signal.name, order])),
    cancel: () => (ended === 'cancel' ? gone() : Promise.resolve(void sent.push('cancel'))),
  };
  const client = { workflow: { getHandle: () => handle } } as unknown as Client;
  return { store: new SessionStore(client), sent };
}

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

it.each(['signal', 'cancel'] as const)(
  'says that a session has ended which does so before the %s',
  async (call) => {
    const { store } = session('RUNNING', call);
    await expect(store.stop(ID, ORDER)).rejects.toMatchObject({ code: 'SESSION_ENDED' });
  },
);
