import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { OperationStore } from '../../../../src/api/operations/operation-store.js';

const ENDED = {
  ...{ state: 'ended', processedBytes: 0, totalBytes: 0, code: null, reason: null },
  ...{ notes: [], omittedNotes: 0 },
};

interface Run {
  readonly result: string | null;
  /** In which it went on. */
  readonly next?: string;
}

/** A store over the runs of one check, by their ids, the newest last. */
function storeOf(runs: Readonly<Record<string, Run>>): OperationStore {
  const newest = Object.keys(runs).at(-1)!;
  const client = {
    options: { namespace: 'memory' },
    workflow: {
      getHandle: (workflowId: string, runId = newest) => ({
        async describe() {
          const run = runs[runId];
          if (run === undefined) throw new WorkflowNotFoundError('none', workflowId, runId);
          const name = run.next === undefined ? 'COMPLETED' : 'CONTINUED_AS_NEW';
          return { workflowId, runId, memo: {}, startTime: new Date(0), status: { name }, raw: {} };
        },
        result: async () => ({ ...ENDED, result: runs[runId]!.result }),
      }),
    },
    workflowService: {
      getWorkflowExecutionHistoryReverse: async ({ execution }: Asked) => {
        const newExecutionRunId = runs[execution.runId]?.next;
        const attributes = { newExecutionRunId };
        const event = { workflowExecutionContinuedAsNewEventAttributes: attributes };
        return { history: { events: [event] } };
      },
    },
  } as unknown as Client;
  return new OperationStore(client, () => 0);
}

interface Asked {
  readonly execution: { readonly runId: string };
}

describe('an operation of which there were several under one id', () => {
  const store = storeOf({
    october: { result: 'failed' },
    november: { result: null, next: 'november-2' },
    'november-2': { result: 'warning' },
    december: { result: 'success' },
  });
  const get = (run?: string) => store.get('verify.offsite.all', run);

  it('is the newest one, or that of the run that is named', async () => {
    expect(await get()).toMatchObject({ runId: 'december', result: 'success' });
    expect(await get('october')).toMatchObject({ runId: 'october', result: 'failed' });
    await expect(get('september')).rejects.toMatchObject({ code: 'OPERATION_MISSING' });
  });

  it('is followed into the runs in which it went on, and into no later one', async () => {
    expect(await get('november')).toMatchObject({ runId: 'november-2', result: 'warning' });
  });
});

describe('an order that differs from one that runs', () => {
  const started: string[] = [];
  const client = {
    workflow: {
      start: async (_type: string, { workflowId }: { workflowId: string }) => {
        started.push(workflowId);
      },
    },
  } as unknown as Client;
  const store = new OperationStore(client, () => 0);
  const point = { repositoryId: 'offsite', restorePointId: 'nightly:web01:p1' };
  const chain = { jobId: 'old', workloadId: 'web01', workload: { id: 'web01', name: 'web01' } };
  const map = (id: string) =>
    store.rehome('map', { repositoryId: 'offsite', chain, job: { id } } as never);

  it('is another operation, and the same order is the same one', async () => {
    const removals = [
      { ...point, mode: 'delete', withDependents: false },
      { ...point, mode: 'delete', withDependents: true },
      { ...point, mode: 'setAside', withDependents: false },
      { ...point, mode: 'delete', withDependents: false },
    ] as const;
    const ids: string[] = [];
    for (const removal of removals) ids.push(await store.remove(removal));
    expect([new Set(ids).size, ids[3]]).toEqual([3, ids[0]]);
    const maps = [await map('nightly'), await map('weekly'), await map('nightly')];
    expect([new Set(maps).size, maps[2]]).toEqual([2, maps[0]]);
    // Whoever may see the copies of a job finds them by its beginning.
    expect(maps[0]).toMatch(/^map\.offsite\.old:/);
    expect(started.every((id) => id.split('/').length === 3)).toBe(true);
  });
});

describe('an operation that is to stop', () => {
  const ORDER = { by: 'anna', reason: null };
  /** @param names state of the first run once it is gone, and of the newest */
  function running(names: readonly string[], goneAt?: 'signal' | 'cancel') {
    const sent: unknown[] = [];
    let isGone = false;
    const gone = () => {
      isGone = true;
      throw new WorkflowNotFoundError('workflow execution already completed', 'id', undefined);
    };
    const client = {
      options: { namespace: 'memory' },
      withDeadline: (_at: number, work: () => unknown) => work(),
      workflow: {
        getHandle: (workflowId: string, runId = 'first') => ({
          describe: async () => {
            const name = runId === 'first' && isGone ? names[0] : names.at(-1);
            return {
              workflowId,
              runId,
              memo: {},
              startTime: new Date(0),
              status: { name },
              raw: {},
            };
          },
          query: async () => ({ ...ENDED, state: 'running', result: null }),
          result: async () => ({ ...ENDED, result: 'success' }),
          signal: async (_signal: object, order: unknown) =>
            goneAt === 'signal' && runId === 'first' ? gone() : sent.push([runId, order]),
          cancel: async () =>
            goneAt === 'cancel' && runId === 'first' ? gone() : sent.push([runId, 'cancel']),
        }),
      },
      workflowService: {
        getWorkflowExecutionHistoryReverse: async () => ({
          history: {
            events: [
              { workflowExecutionContinuedAsNewEventAttributes: { newExecutionRunId: 'next' } },
            ],
          },
        }),
      },
    } as unknown as Client;
    return { store: new OperationStore(client, () => 0), sent };
  }

  it('is told who stops it before it is stopped', async () => {
    const { store, sent } = running(['RUNNING']);
    await store.stop('restore.offsite.nightly:web01:p1', ORDER);
    expect(sent).toEqual([
      ['first', ORDER],
      ['first', 'cancel'],
    ]);
  });

  it.each(['signal', 'cancel'] as const)(
    'is stopped in the run in which it went on before the %s',
    async (call) => {
      const { store, sent } = running(['CONTINUED_AS_NEW', 'RUNNING'], call);
      await store.stop('verify.offsite.all', ORDER);
      expect(sent.slice(-2)).toEqual([
        ['next', ORDER],
        ['next', 'cancel'],
      ]);
    },
  );

  it.each([
    ['has ended', 'verify.offsite.all', ['COMPLETED'], 'OPERATION_ENDED'],
    [
      'changes copies',
      'remove.offsite.nightly:web01:p1:delete',
      ['RUNNING'],
      'OPERATION_UNSTOPPABLE',
    ],
    ['is none', 'verify', ['RUNNING'], 'OPERATION_MISSING'],
  ])('is not stopped when it %s', async (_what, id, names, code) => {
    const { store, sent } = running(names);
    await expect(store.stop(id, ORDER)).rejects.toMatchObject({ code });
    expect(sent).toEqual([]);
  });

  it('is not stopped when it ends before it is', async () => {
    const { store } = running(['COMPLETED', 'RUNNING'], 'cancel');
    await expect(store.stop('verify.offsite.all', ORDER)).rejects.toMatchObject({
      code: 'OPERATION_ENDED',
    });
  });
});
