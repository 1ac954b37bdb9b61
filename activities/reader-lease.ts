import { Context } from '@temporalio/activity';
import { LEASE_MS } from '../src/chain/leases.js';
import type { TaskControl } from '../src/mover/task/task-control.js';

/** Three renewals may be missed, and the work of one be slow. */
const RENEW_MS = LEASE_MS / 5;

/** Now, where it was `orderedAtMs` when the workflow ordered the activity: it may have waited long since for a worker, or for its next attempt, and a
 *  lease that ran from then would be over when it is written. */
export function nowSince(orderedAtMs: number, { info } = Context.current()): number {
  const { scheduledTimestampMs } = info;
  return orderedAtMs + Math.max(0, Date.now() - scheduledTimestampMs);
}

/** Keeps the lease on what is read for as long as `work` takes. Work whose lease could not be renewed until it was over is stopped: another may have
 *  changed the files by now.
 *  @param renew takes the lease from this instant on, in epoch milliseconds */
export async function whileLeased(
  orderedAtMs: number,
  control: TaskControl,
  renew: (nowMs: number) => Promise<unknown>,
  work: () => Promise<void>,
): Promise<void> {
  const activity = Context.current();
  let heldSinceMs = nowSince(orderedAtMs, activity);
  await renew(heldSinceMs);
  let renewing: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    const nowMs = nowSince(orderedAtMs, activity);
    const isHeld = () => (heldSinceMs = nowMs);
    const isMissed = () => {
      if (nowMs - heldSinceMs >= LEASE_MS) control.stop();
    };
    renewing = renew(nowMs).then(isHeld, isMissed);
  }, RENEW_MS);
  try {
    await work();
  } finally {
    clearInterval(timer);
    // One that came later would take the lease again that is given back next.
    await renewing;
  }
}
