import { describe, expect, it } from 'vitest';
import type { CopyTask } from '../../../../src/domain/sessions/copy-session.js';
import {
  defaultRetry,
  dueOrder,
  orderOfLost,
  ordersAfter,
  retryOrder,
  sessionEnd,
  withoutRepeats,
  type RetryOrder,
} from '../../../../src/domain/schedules/retry.js';

const MINUTE_MS = 60_000;

type EndedTask = Pick<CopyTask, 'workload' | 'workloadId' | 'result' | 'code'>;

function task(
  workload: string,
  result: CopyTask['result'],
  code: CopyTask['code'] = null,
  workloadId: string | null = null,
): EndedTask {
  return { workload, workloadId, result, code };
}

const LOCKED = task('web01', 'warning', 'CHAIN_LOCKED', 'ovirt-1');

/** Pauses in minutes after the tries 1, 2, … of a job whose workload always fails; null where it gives up. */
function pauses(mode: 'immediate' | 'periodic', tries: number): (number | null)[] {
  return Array.from({ length: tries }, (_, index) => {
    const job = { mode, retry: defaultRetry(mode) };
    const order = retryOrder(job, index + 1, [task('web01', 'failed')], 0);
    return order === null ? null : order.dueMs / MINUTE_MS;
  });
}

describe('retries', () => {
  it('of an immediate job come after 1, 5, 15 and 60 minutes, then hourly without end', () => {
    expect(pauses('immediate', 6)).toEqual([1, 5, 15, 60, 60, 60]);
    const [late] = pauses('immediate', 1_000).slice(-1);
    expect(late).toBe(60);
  });

  it('of a periodic job come three times, ten minutes apart', () => {
    expect(pauses('periodic', 5)).toEqual([10, 10, 10, null, null]);
  });

  it('are not made when the job wants none', () => {
    const job = { mode: 'periodic', retry: { attempts: 0, pausesMinutes: [1] } } as const;
    expect(retryOrder(job, 1, [task('web01', 'failed'), LOCKED], 0)).toBeNull();
    expect(retryOrder({ ...job, mode: 'immediate' }, 1, [task('web01', 'failed')], 0)).toBeNull();
  });

  it('are made all the same of what another session of an immediate job had under way, which its watch has seen', () => {
    const job = { mode: 'immediate', retry: { attempts: 0, pausesMinutes: [1] } } as const;
    const order = retryOrder(job, 1, [task('web01', 'failed'), LOCKED], 0);
    expect(order?.workloads).toEqual([LOCKED.workloadId]);
    expect(retryOrder(job, 9, [LOCKED], 0)?.workloads).toEqual([LOCKED.workloadId]);
  });

  const periodic = { mode: 'periodic', retry: defaultRetry('periodic') } as const;
  const immediate = { mode: 'immediate', retry: defaultRetry('immediate') } as const;

  it('name a workload by its id: two machines of one title are two', () => {
    const tasks = [
      task('web (on nas)', 'failed', null, 'ovirt-1'),
      task('web (on san)', 'failed', null, 'ovirt-2'),
      task('db01', 'failed', 'WORKLOAD_MISSING'),
    ];
    expect(retryOrder(periodic, 1, tasks, 0)?.workloads).toEqual(['ovirt-1', 'ovirt-2', 'db01']);
  });

  it('come for a chain that another session held, hourly in the end, also when all tries are spent', () => {
    const orders = [1, 2, 3, 4, 50].map((tryNumber) =>
      retryOrder(periodic, tryNumber, [LOCKED], 0),
    );
    expect(orders.map((order) => (order?.dueMs ?? 0) / MINUTE_MS)).toEqual([10, 10, 15, 60, 60]);
    expect(orders.at(-1)).toMatchObject({ tryNumber: 51, workloads: ['ovirt-1'], madeMs: 0 });
    const failed = task('web02', 'failed', null, 'ovirt-2');
    expect(retryOrder(periodic, 50, [LOCKED, failed], 0)?.workloads).toEqual(['ovirt-1']);
  });

  it('come for files that were not copied where no next start makes up for them', () => {
    const lacking = task('store', 'warning', 'FILE_NOT_COPIED', 'restic-.');
    expect(retryOrder(immediate, 1, [lacking], 0)?.workloads).toEqual(['restic-.']);
    expect(retryOrder(periodic, 1, [lacking], 0)).toBeNull();
  });

  it('come again for what was asked for and not seen, as long as a source does not show all', () => {
    const empty = task('repository primary', 'warning', 'SOURCE_EMPTY');
    const named = { workloads: ['ovirt-1', 'ovirt-2'], isUnseen: true };
    const seen = task('web02', 'success', null, 'ovirt-2');
    expect(retryOrder(periodic, 2, [empty, seen], 0, named)).toMatchObject({
      ...{ tryNumber: 3, workloads: ['ovirt-1'] },
    });
    expect(retryOrder(periodic, 2, [], 0, { ...named, isUnseen: false })).toBeNull();
    const all = { workloads: null, isUnseen: true };
    expect(retryOrder(periodic, 2, [empty], 0, all)).toMatchObject({ workloads: null });
    expect(retryOrder(periodic, 2, [seen], 0, all)).toBeNull();
    expect(retryOrder(periodic, 1, [empty], 0)).toBeNull();
    expect(retryOrder(periodic, 4, [empty], 0, all)).toBeNull();
  });

  it('for all of the job ask again by name for what was ordered by name and is not seen', () => {
    const asked = { workloads: null, sought: ['ovirt-1', 'ovirt-2'], isUnseen: true };
    const seen = task('web02', 'success', null, 'ovirt-2');
    expect(retryOrder(periodic, 2, [seen], 0, asked)?.workloads).toEqual(['ovirt-1']);
    expect(retryOrder(periodic, 2, [seen], 0, { ...asked, isUnseen: false })).toBeNull();
    expect(retryOrder(periodic, 4, [seen], 0, asked)).toBeNull();
    const named = { workloads: asked.sought, isUnseen: true };
    const away = task('repository nas', 'failed');
    const failed = task('web03', 'failed', null, 'ovirt-3');
    for (const of of [asked, named])
      expect(retryOrder(periodic, 2, [seen, away, failed], 0, of)).toMatchObject({
        workloads: null,
        sought: ['ovirt-3', 'ovirt-1'],
      });
    const many = Array.from({ length: 501 }, (_, index) => `vm${index}`);
    expect(orderOfLost(periodic, many, 0)).toMatchObject({
      workloads: null,
      sought: many.slice(0, 500),
    });
  });

  it('are for the workloads that failed, never for those that wait for a decision or were stopped', () => {
    const job = { mode: 'periodic', retry: defaultRetry('periodic') } as const;
    const tasks = [
      task('web01', 'success'),
      task('web02', 'failed'),
      task('web03', 'actionRequired'),
      task('web04', 'stopped'),
      task('web05', 'warning'),
      task('web06', 'nothingToCopy'),
    ];
    expect(retryOrder(job, 1, tasks, 0)?.workloads).toEqual(['web02']);
    expect(
      retryOrder(
        job,
        1,
        tasks.filter(({ result }) => result !== 'failed'),
        0,
      ),
    ).toBeNull();
  });

  it('are for the whole job when a source could not be listed, or too many failed', () => {
    const job = { mode: 'periodic', retry: defaultRetry('periodic') } as const;
    expect(retryOrder(job, 1, [task('repository primary', 'failed')], 0)?.workloads).toBeNull();
    const many = Array.from({ length: 501 }, (_, index) => task(`vm${index}`, 'failed'));
    expect(retryOrder(job, 1, many, 0)?.workloads).toBeNull();
  });
});

describe('the orders of a job', () => {
  const order = (workloads: string[] | null, dueMs = 100, tryNumber = 2): RetryOrder => ({
    tryNumber,
    dueMs,
    workloads,
  });
  const made = (of: RetryOrder, madeMs: number): RetryOrder => ({ ...of, madeMs });

  it.each([
    ['a session over all', [order(['a', 'b'])], null, []],
    ['a session over one of them', [order(['a', 'b'])], ['a'], [order(['b'])]],
    ['a session over both', [order(['a', 'b'])], ['b', 'a', 'c'], []],
    ['a session over one, of an order for all', [order(null)], ['a'], [order(null)]],
    ['a session over others', [order(['a'])], ['z'], [order(['a'])]],
  ])('are less by what %s dealt with', (_, orders, covered, expected) => {
    expect(ordersAfter(orders, { covered, order: null })).toEqual(expected);
  });

  it('are not covered by a session that found the chain locked, nor by one that had begun before', () => {
    const all = { workloads: null, isUnseen: false };
    const hand = sessionEnd(all, [LOCKED, task('web02', 'success', null, 'ovirt-2')], 100, null);
    const standing = [order(['ovirt-1', 'ovirt-2']), order(null)];
    expect(ordersAfter(standing, hand)).toEqual([order(['ovirt-1']), order(['ovirt-1'])]);
    const partial = sessionEnd({ ...all, workloads: ['ovirt-1'] }, [LOCKED], 100, null);
    expect(ordersAfter([order(['ovirt-1'])], partial)).toEqual([order(['ovirt-1'])]);
    const locked = { ...order(['ovirt-1']), lockedMs: 200 };
    expect(ordersAfter([locked], { covered: null, startedMs: 100, order: null })).toEqual([locked]);
    expect(ordersAfter([locked], { covered: null, startedMs: 200, order: null })).toEqual([]);
  });

  it('stand after a session over all that had begun before what failed failed', () => {
    const job = { mode: 'periodic', retry: defaultRetry('periodic') } as const;
    const failed = retryOrder(job, 1, [task('web01', 'failed', null, 'ovirt-1')], 200)!;
    const lost = orderOfLost(job, ['ovirt-1'], 200)!;
    const end = (startedMs: number) =>
      sessionEnd({ workloads: null, isUnseen: false }, [], startedMs, null);
    for (const made of [failed, lost]) {
      expect(ordersAfter([made], end(199))).toEqual([made]);
      expect(ordersAfter([made], end(200))).toEqual([]);
      const { due } = dueOrder([made], made.dueMs);
      expect(ordersAfter([due!], end(199))).toEqual([due]);
    }
  });

  it('are covered by name and by id, and by a source that does not show all only as far as it was seen', () => {
    const tasks = [task('db01', 'success', null, 'ovirt-9')];
    const end = sessionEnd({ workloads: null, isUnseen: true }, tasks, 100, null);
    expect(ordersAfter([order(['db01']), order(['ovirt-1', 'ovirt-9'])], end)).toEqual([
      order(['ovirt-1']),
    ]);
  });

  it('for all seek what they were made for until a session has seen it', () => {
    const sought = { ...order(null), sought: ['a', 'b'] };
    expect(ordersAfter([sought], { covered: ['b'], order: null })).toEqual([
      { ...order(null), sought: ['a'] },
    ]);
    expect(ordersAfter([sought], { covered: ['a', 'b'], order: null })).toEqual([order(null)]);
    expect(ordersAfter([sought], { covered: null, order: null })).toEqual([]);
    expect(withoutRepeats([sought, { ...order(null, 200), sought: ['b', 'c'] }])).toEqual([
      { ...order(null), sought: ['a', 'b', 'c'] },
    ]);
  });

  it('begin anew with what failed again', () => {
    const again = order(['a'], 900, 3);
    expect(ordersAfter([order(['a', 'b'])], { covered: ['a'], order: again })).toEqual([
      order(['b']),
      again,
    ]);
  });

  it.each([
    ['leave others alone', [order(['a']), order(['b'], 200)], [order(['a']), order(['b'], 200)]],
    [
      'name what both have once, when it is first due, as the newest, and of the lower try',
      [made(order(['a', 'b'], 200, 2), 60), made(order(['b', 'c'], 100, 4), 50)],
      [made(order(['b', 'c'], 100, 2), 60), made(order(['a'], 200, 2), 60)],
    ],
    [
      'are one where they are for all of the job, and leave those that name what nobody has seen',
      [order(null, 100), order(['a'], 100), order(null, 300)],
      [order(null, 100), order(['a'], 100)],
    ],
    [
      'stand before one that is for all of the job and due later',
      [order(null, 100), order(['a'], 50)],
      [order(null, 100), order(['a'], 50)],
    ],
  ])('of sessions that overlap %s', (_, orders, expected) => {
    expect(withoutRepeats(orders)).toEqual(expected);
  });

  it('that come due together are one session', () => {
    const { due, rest } = dueOrder(
      [order(['a', 'b'], 50, 4), order(['b', 'c'], 90, 2), order(['d'], 101)],
      100,
    );
    expect(due).toEqual(order(['a', 'b', 'c'], 50, 4));
    expect(rest).toEqual([order(['d'], 101)]);
    const lost = { ...order(null, 60), sought: ['b', 'a'] };
    expect(dueOrder([order(['a'], 50), order(['c'], 55), lost], 100).due).toEqual({
      ...order(null, 50),
      sought: ['a', 'c', 'b'],
    });
    expect(dueOrder([order(null, 60)], 100).due).toEqual(order(null, 60));
    expect(dueOrder([order(['a'], 101)], 100)).toEqual({ due: null, rest: [order(['a'], 101)] });
  });
});
