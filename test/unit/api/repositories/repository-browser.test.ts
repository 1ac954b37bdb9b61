import { ServiceError, type Client } from '@temporalio/client';
import { expect, it } from 'vitest';
import { RepositoryBrowser } from '../../../../src/api/repositories/repository-browser.js';
import { UNREACHABLE } from '../../../../src/domain/targets/repository-view.js';

const timedOut = new ServiceError('Failed to start workflow', {
  cause: Object.assign(new Error('deadline exceeded'), { code: 4, details: '', metadata: {} }),
});

function browserThatMeets(error: Error): RepositoryBrowser {
  const client = {
    options: { namespace: 'default' },
    workflow: {
      execute: async () => Promise.reject(error),
      async *list() {
        // none were left
      },
    },
    workflowService: { deleteWorkflowExecution: async () => Promise.reject(timedOut) },
  };
  return new RepositoryBrowser(client as unknown as Client, () => 0);
}

it('describes a repository that cannot be asked for, so that a list has the others', async () => {
  expect(await browserThatMeets(timedOut).describe('offsite')).toEqual({
    ...UNREACHABLE,
    reason: 'Temporal did not answer in time',
  });
});

it('fails when it was to change something', async () => {
  await expect(browserThatMeets(timedOut).describe('offsite', 'accept')).rejects.toBe(timedOut);
});

it('hides no bug', async () => {
  const bug = new TypeError('undefined is not a function');
  await expect(browserThatMeets(bug).describe('offsite')).rejects.toBe(bug);
});

it.each([
  ['answered', { items: [UNREACHABLE] }],
  ['failed', timedOut],
])('leaves nothing of a look behind that has %s', async (_, outcome) => {
  const ids: string[] = [];
  const deleted: unknown[] = [];
  const client = {
    options: { namespace: 'default' },
    workflow: {
      execute: async (_type: string, { workflowId }: { workflowId: string }) => {
        ids.push(workflowId);
        if (outcome instanceof Error) throw outcome;
        return outcome;
      },
      async *list() {
        // none were left
      },
    },
    workflowService: {
      deleteWorkflowExecution: async (request: object) => {
        deleted.push(request);
      },
    },
  };
  const browser = new RepositoryBrowser(client as unknown as Client, () => 0);
  await browser.describe('offsite');
  await browser.describe('offsite');
  expect(new Set(ids).size).toBe(2);
  expect(deleted).toEqual(
    ids.map((workflowId) => ({ namespace: 'default', workflowExecution: { workflowId } })),
  );
});

it('does not go by what it saw before the clock went back by a day', async () => {
  let nowMs = 86_400_000;
  let looks = 0;
  const storage = { faults: [] };
  const client = {
    options: { namespace: 'default' },
    workflow: {
      execute: async () => {
        looks++;
        return { items: [{ ...UNREACHABLE, reachable: true, storage }] };
      },
      async *list() {
        // none were left
      },
    },
    workflowService: { deleteWorkflowExecution: async () => undefined },
  };
  const browser = new RepositoryBrowser(client as unknown as Client, () => nowMs);
  await browser.describeSeenWithin('offsite', 60_000);
  await browser.describeSeenWithin('offsite', 60_000);
  expect(looks).toBe(1);
  nowMs = 0;
  await browser.describeSeenWithin('offsite', 60_000);
  expect(looks).toBe(2);
});

it('warns of a target whose marker another one has that was looked at before', async () => {
  const storage = { faults: [], warnings: [] };
  const answer = { ...UNREACHABLE, reachable: true, storage, markerId: 'a' };
  const client = {
    options: { namespace: 'default' },
    workflow: {
      execute: async () => ({ items: [answer] }),
      async *list() {
        // none were left
      },
    },
    workflowService: { deleteWorkflowExecution: async () => undefined },
  };
  const browser = new RepositoryBrowser(client as unknown as Client, () => 0);
  expect((await browser.describe('one')).storage?.warnings).toEqual([]);
  const twin = expect.stringContaining('It has the marker of target') as string;
  expect((await browser.describe('two', 'check')).storage?.warnings).toEqual([twin]);
  expect((await browser.describeSeenWithin('one', 60_000))?.storage?.warnings).toEqual([twin]);
});
