import { describe, expect, it } from 'vitest';
import type { CopyTask } from '../../../../src/domain/sessions/copy-session.js';
import {
  defaultRetry,
  dueOrder,
  ordersAfter,
  retryOrder,
  type RetryOrder,
} from '../../../../src/domain/schedules/retry.js';

const MINUTE_MS = 60_000;

function task(workload: string, result: CopyTask['result']): Pick<CopyTask, 'workload' | 'result'> {
  return { workload, result };
}

/** Pauses in minutes after the tries 1, 2, … of a job whose workload always fails; null where it gives up. */
function pauses(mode: 'immediate' | 'periodic', tries: number): (number | null)[] {
  return Array.from({ length: tries }, (_, index) => {
    const job = { retry: defaultRetry(mode) };
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
    const job = { retry: { attempts: 0, pausesMinutes: [1] } };
    expect(retryOrder(job, 1, [task('web01', 'failed')], 0)).toBeNull();
  });

  it('are for the workloads that failed, never for those that wait for a decision or were stopped', () => {
    const job = { retry: defaultRetry('periodic') };
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
    const job = { retry: defaultRetry('periodic') };
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

  it.each([
    ['a session over all', [order(['a', 'b'])], null, []],
    ['a session over one of them', [order(['a', 'b'])], ['a'], [order(['b'])]],
    ['a session over both', [order(['a', 'b'])], ['b', 'a', 'c'], []],
    ['a session over one, of an order for all', [order(null)], ['a'], [order(null)]],
    ['a session over others', [order(['a'])], ['z'], [order(['a'])]],
  ])('are less by what %s dealt with', (_, orders, covered, expected) => {
    expect(ordersAfter(orders, { covered, order: null })).toEqual(expected);
  });

  it('begin anew with what failed again', () => {
    const again = order(['a'], 900, 3);
    expect(ordersAfter([order(['a', 'b'])], { covered: ['a'], order: again })).toEqual([
      order(['b']),
      again,
    ]);
  });

  it('that come due together are one session', () => {
    const { due, rest } = dueOrder(
      [order(['a', 'b'], 50, 4), order(['b', 'c'], 90, 2), order(['d'], 101)],
      100,
    );
    expect(due).toEqual(order(['a', 'b', 'c'], 50, 4));
    expect(rest).toEqual([order(['d'], 101)]);
    expect(dueOrder([order(['a'], 50), order(null, 60)], 100).due?.workloads).toBeNull();
    expect(dueOrder([order(['a'], 101)], 100)).toEqual({ due: null, rest: [order(['a'], 101)] });
  });
});
