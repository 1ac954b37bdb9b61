import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { BackupError } from '../../src/domain/errors.js';
import type { StorageWait } from '../../src/domain/sessions/storage-wait.js';
import { TaskControl, TaskStopped } from '../../src/mover/task/task-control.js';
import { asCaller, awaitedStorage, longestAwaited } from '../../src/repository/unanswered-calls.js';
import { toApplicationFailure } from './application-failure.js';
import { elapsedMs, Pulse, readClocks } from './pulse.js';

/** Sign of life; Temporal throttles what it sends on by itself. */
const HEARTBEAT_INTERVAL_MS = 500;

const PROCESS = randomUUID();

/** Of this process: it has to beat before a task arrives. */
const pulse = new Pulse().start();

/** Right before the first workers of this process ask for tasks: however long it took to load and to make them, none can have been given one by then. Without
 *  it their first tasks were refused for ten seconds, and tried again with growing pauses. */
export function noteFirstPoll(): void {
  pulse.forget();
}

/** So long a disk may take that has to start. */
const WAITS_MS = 10_000;

/** Runs one piece of work with heartbeats, a fence and a stop, and translates its errors. The heartbeat says what storage keeps it, once that has not answered for
 *  ten seconds: the session of such a task shows nothing else.
 *
 *  The lease is two thirds of the heartbeat timeout: a process that was frozen for longer finds it expired before the server can have
 *  given the task away and another worker can have gone far. After such a gap it is never extended again.
 *  @param details what the heartbeat carries */
export async function runTask<T>(
  work: (control: TaskControl) => Promise<T>,
  details: (control: TaskControl) => unknown = () => null,
): Promise<T> {
  const { cancellationSignal, info } = Context.current();
  const context = Context.current();
  const control = new TaskControl();
  // 0 or undefined: the activity has none.
  const leaseMs = ((info.heartbeatTimeoutMs || 30_000) * 2) / 3;
  if (pulse.mayBeLate(leaseMs)) {
    const refusedBy = `${PROCESS} ${pulse.waking}`;
    const before = toldBefore(info.heartbeatDetails);
    if (before['refusedBy'] !== refusedBy) {
      context.heartbeat({ ...before, refusedBy });
      throw toApplicationFailure(
        new BackupError('LEASE_EXPIRED', 'this worker stood still when the task reached it'),
        info.attempt,
      );
    }
  }
  let lastBeat = readClocks();
  control.extendLease(leaseMs);
  const timer = setInterval(() => {
    const now = readClocks();
    if (elapsedMs(lastBeat, now) > leaseMs) {
      clearInterval(timer);
      return;
    }
    lastBeat = now;
    control.extendLease(leaseMs);
    context.heartbeat(withStorage(details(control), storageWaitOf(control)));
  }, HEARTBEAT_INTERVAL_MS);
  const stop = () => control.stop();
  cancellationSignal.addEventListener('abort', stop);
  try {
    if (cancellationSignal.aborted) stop();
    return await asCaller(control, () => work(control));
  } catch (error) {
    context.heartbeat(details(control));
    if (error instanceof TaskStopped && cancellationSignal.aborted)
      throw cancellationSignal.reason instanceof CancelledFailure
        ? cancellationSignal.reason
        : new CancelledFailure('stopped');
    throw toApplicationFailure(stoppedByLease(error), info.attempt);
  } finally {
    clearInterval(timer);
    cancellationSignal.removeEventListener('abort', stop);
  }
}

/** null: nothing has kept it for long. */
function storageWaitOf(control: TaskControl): StorageWait | null {
  const longest = longestAwaited([...awaitedStorage(control), ...control.awaitedInThreads()]);
  if (longest === null || longest.forMs < WAITS_MS) return null;
  return { repositoryId: longest.repositoryId, seconds: Math.round(longest.forMs / 1000) };
}

function withStorage(details: unknown, waits: StorageWait | null): unknown {
  return waits === null ? details : { ...toldBefore(details), waits };
}

/** What the server has of the attempt before: when that was refused here since this process woke, it has heard of it, and what it gives now is not late. */
function toldBefore(details: unknown): Record<string, unknown> {
  return typeof details === 'object' ? { ...details } : {};
}

/** Work that stopped although nobody asked for it had lost its lease in another thread first. */
function stoppedByLease(error: unknown): unknown {
  if (!(error instanceof TaskStopped)) return error;
  return new BackupError('LEASE_EXPIRED', 'the task stopped because its worker had stood still', {
    cause: error,
  });
}
