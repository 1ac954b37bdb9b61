import { Context } from '@temporalio/activity';
import { LEASE_MS } from '../../src/chain/leases.js';
import { BackupError } from '../../src/domain/errors.js';
import type { TaskControl } from '../../src/mover/task/task-control.js';

/** Three renewals may be missed, and the work of one be slow. */
const RENEW_MS = LEASE_MS / 5;

/** Now, where it was `orderedAtMs` when the workflow ordered the activity: it may have waited long since for a worker, or for its next attempt, and a
 *  lease that ran from then would be over when it is written. Of attempts the server tells when it ordered them; a worker whose clock is behind the server's
 *  knows no more than that. */
export function nowSince(orderedAtMs: number, { info } = Context.current()): number {
  const { scheduledTimestampMs, currentAttemptScheduledTimestampMs } = info;
  const nowMs = Math.max(Date.now(), currentAttemptScheduledTimestampMs);
  return orderedAtMs + Math.max(0, nowMs - scheduledTimestampMs);
}

/** The same from here on. It goes on where the clock is behind, or is set back, and in a machine that stood still. */
function clockSince(orderedAtMs: number): () => number {
  const activity = Context.current();
  const startMs = nowSince(orderedAtMs, activity);
  const startedAt = performance.now();
  return () =>
    Math.max(startMs + Math.floor(performance.now() - startedAt), nowSince(orderedAtMs, activity));
}

/** Keeps the lease on what is read for as long as `work` takes. Work whose lease was over once is stopped, also when it could be renewed afterwards
 *  (a share that hung, a machine that stood still): another may have changed the files meanwhile.
 *  @param renew takes the lease from this instant on, in epoch milliseconds
 *  @throws LEASE_EXPIRED when the lease was over before the work was */
export async function whileLeased(
  orderedAtMs: number,
  control: TaskControl,
  renew: (nowMs: number) => Promise<unknown>,
  work: () => Promise<void>,
): Promise<void> {
  const now = clockSince(orderedAtMs);
  let heldSinceMs = now();
  await renew(heldSinceMs);
  let renewing: Promise<unknown> = Promise.resolve();
  let isRenewing = false;
  let isOver = false;
  /** Before a renewal is believed: it says nothing about the time until it was written. */
  const look = (): void => {
    if (now() - heldSinceMs < LEASE_MS) return;
    isOver = true;
    control.stop();
  };
  const timer = setInterval(() => {
    look();
    // One that hangs would set an older date over that of the next one.
    if (isRenewing || isOver) return;
    isRenewing = true;
    const nowMs = now();
    const isHeld = () => {
      look();
      heldSinceMs = nowMs;
    };
    renewing = renew(nowMs)
      .then(isHeld, () => undefined)
      .finally(() => (isRenewing = false));
  }, RENEW_MS);
  try {
    await work();
    look();
    if (isOver)
      throw new BackupError(
        'LEASE_EXPIRED',
        'the lease on what was read was over before it was read',
      );
  } finally {
    clearInterval(timer);
    // One that came later would take the lease again that is given back next.
    await renewing;
  }
}
