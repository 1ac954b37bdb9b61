/** When a session that failed is tried again, and which workloads then. Pure: the instants come in. */

import type { CopyJob, CopyMode, RetryPolicy } from '../jobs/copy-job.js';
import type { CopyTask } from '../sessions/copy-session.js';

/** What a retry is to do. */
export interface RetryOrder {
  /** Of the session that it starts: 2 for the first retry. */
  readonly tryNumber: number;
  readonly dueMs: number;
  /** null: all of the job, because a source could not be read or too many failed to name them. */
  readonly workloads: readonly string[] | null;
}

/** What a session tells when it has ended. */
export interface SessionEnd {
  /** Workloads that it dealt with; null: all of the job. */
  readonly covered: readonly string[] | null;
  /** null: nothing failed, or it was the last try. */
  readonly order: RetryOrder | null;
}

const MINUTE_MS = 60_000;
/** Names in one order; more would make every message long. */
const MAX_NAMED = 500;

/** An immediate job has no next start of its own, so it does not give up; a periodic one tries again within the hour and then waits for its schedule. */
export function defaultRetry(mode: CopyMode): RetryPolicy {
  return mode === 'immediate'
    ? { attempts: null, pausesMinutes: [1, 5, 15, 60] }
    : { attempts: 3, pausesMinutes: [10] };
}

/** The order that a session leaves which was try `tryNumber` (1: not a retry). Only what failed is tried again: a workload that waits for its operator
 *  would fare no better, and one that was stopped was meant to stop. null: nothing to try, or tried often enough. */
export function retryOrder(
  { retry }: Pick<CopyJob, 'retry'>,
  tryNumber: number,
  tasks: readonly Pick<CopyTask, 'workload' | 'result'>[],
  endedMs: number,
): RetryOrder | null {
  const failed = tasks.filter(({ result }) => result === 'failed');
  if (failed.length === 0) return null;
  if (retry.attempts !== null && tryNumber > retry.attempts) return null;
  const pause = retry.pausesMinutes[Math.min(tryNumber, retry.pausesMinutes.length) - 1] ?? 0;
  const isUnnamed = failed.some(({ workload }) => workload.startsWith(SOURCE_TASK));
  return {
    tryNumber: tryNumber + 1,
    dueMs: endedMs + pause * MINUTE_MS,
    workloads:
      isUnnamed || failed.length > MAX_NAMED ? null : failed.map(({ workload }) => workload),
  };
}

/** A source that could not be listed is a task of this name: what it holds is not known. */
const SOURCE_TASK = 'repository ';

/** The orders of a job that stand after a session has ended: what it dealt with is its matter from then on. */
export function ordersAfter(orders: readonly RetryOrder[], end: SessionEnd): RetryOrder[] {
  const standing = orders.flatMap((order) => {
    const left = leftOf(order.workloads, end.covered);
    return left === 'nothing' ? [] : [{ ...order, workloads: left }];
  });
  return end.order === null ? standing : [...standing, end.order];
}

function leftOf(
  ordered: readonly string[] | null,
  covered: readonly string[] | null,
): readonly string[] | null | 'nothing' {
  if (covered === null) return 'nothing';
  if (ordered === null) return null;
  const left = ordered.filter((workload) => !covered.includes(workload));
  return left.length === 0 ? 'nothing' : left;
}

/** What is due by `nowMs`, as one order: orders that come due together need one session. */
export function dueOrder(
  orders: readonly RetryOrder[],
  nowMs: number,
): { due: RetryOrder | null; rest: RetryOrder[] } {
  const due = orders.filter(({ dueMs }) => dueMs <= nowMs);
  const rest = orders.filter(({ dueMs }) => dueMs > nowMs);
  const [first] = due;
  if (first === undefined) return { due: null, rest };
  const named = due.map(({ workloads }) => workloads);
  return {
    due: {
      tryNumber: Math.max(...due.map(({ tryNumber }) => tryNumber)),
      dueMs: Math.min(...due.map(({ dueMs }) => dueMs)),
      workloads: named.some((names) => names === null)
        ? null
        : [...new Set(named.flatMap((names) => names ?? []))],
    },
    rest,
  };
}
