import {
  allHandlersFinished,
  condition,
  patched,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import {
  dueOrder,
  ordersAfter,
  withoutRepeats,
  type RetryOrder,
} from '../../src/domain/schedules/retry.js';
import { controlActivities } from '../activity-profiles.js';
import { isStop } from '../failures.js';
import { goOnInNewRun } from '../history-length.js';
import { sessionEndedSignal, type RetrySessionsInput } from '../messages.js';

/** Until a session that could not be started is tried again. */
const PAUSE_MS = 10 * 60_000;

/** Waits, for one job, until what failed in its sessions is to be tried again, and starts a session for it then. It lives as long as something waits. Each session tells it
 *  its end (`sessionEndedSignal`), so what another session has dealt with meanwhile is not tried in vain. */
export async function retrySessions(input: RetrySessionsInput): Promise<void> {
  const { jobId } = input;
  let orders: readonly RetryOrder[] = input.orders ?? [];
  let isTold = input.orders !== undefined;
  setHandler(sessionEndedSignal, (end) => {
    orders = once(ordersAfter(orders, end));
    isTold = true;
  });
  await condition(() => isTold);
  while (orders.length > 0) {
    const dueMs = Math.min(...orders.map((order) => order.dueMs));
    setCurrentDetails(`Next try at ${new Date(dueMs).toISOString()}`);
    const waitMs = dueMs - Date.now();
    const before = orders;
    if (waitMs > 0 && (await condition(() => orders !== before, waitMs))) continue;
    const { due, rest } = dueOrder(orders, Math.max(Date.now(), lastDueWith(dueMs)));
    orders = rest;
    if (due !== null && !(await wasStarted(jobId, due))) {
      const again = { ...due, dueMs: Date.now() + PAUSE_MS };
      orders = once(ordersAfter(orders, { covered: [], order: again }));
    }
    if (orders.length > 0 && workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      await goOnInNewRun<typeof retrySessions>({ jobId, orders });
    }
  }
}

/** Before, each of several sessions that overlapped had the same workload tried again. */
const ONE_ORDER = 'retrySessions-20261128-one-order';

/** Before, two orders of one second were two sessions, whose names hold no less than seconds: the second one was taken for the answer to the first. */
function lastDueWith(dueMs: number): number {
  if (!patched('retrySessions-20261129-whole-second')) return dueMs;
  return Math.floor(dueMs / 1_000) * 1_000 + 999;
}

function once(orders: readonly RetryOrder[]): readonly RetryOrder[] {
  const each = withoutRepeats(orders);
  return each === orders || !patched(ONE_ORDER) ? orders : each;
}

/** @returns false: nobody could start it, and what it was for is not done */
async function wasStarted(jobId: string, order: RetryOrder): Promise<boolean> {
  const summary = `${jobId}: try ${order.tryNumber}`;
  try {
    await controlActivities.startRetry.executeWithOptions({ summary }, [{ jobId, order }]);
    return true;
  } catch (error) {
    if (isStop(error)) throw error;
    return false;
  }
}
