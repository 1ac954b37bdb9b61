import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { whileLeased } from '../../../activities/running/reader-lease.js';
import { LEASE_MS } from '../../../src/chain/leases.js';
import { BackupError } from '../../../src/domain/errors.js';
import { TaskControl } from '../../../src/mover/task/task-control.js';
import { inActivity } from '../../support/activities/in-activity.js';

const MINUTE_MS = 60_000;
const ORDERED_AT_MS = Date.parse('2026-11-25T22:00:00Z');

describe('the lease of a reader', () => {
  const toFake = ['Date', 'performance', 'setInterval', 'clearInterval'] as const;
  beforeEach(() => void vi.useFakeTimers({ toFake: [...toFake] }));
  afterEach(() => void vi.useRealTimers());

  /** Minutes after the order at which the lease was taken, and whether the work was stopped. */
  async function read(work: {
    readonly minutes: number;
    readonly waitedMinutes?: number;
    /** Of the server's clock, by which the activity was ordered. */
    readonly isBehindByMinutes?: number;
    /** By the server's clock, between the order and this attempt. */
    readonly attemptsMinutes?: number;
    readonly isLost?: (renewal: number) => boolean;
    /** Minutes that a renewal takes. */
    readonly hangs?: (renewal: number) => number;
    /** The machine stands still for so long after the first minute. */
    readonly frozenMinutes?: number;
  }): Promise<{ taken: number[]; isStopped: boolean }> {
    const taken: number[] = [];
    const control = new TaskControl();
    let renewals = 0;
    const renew = async (nowMs: number): Promise<void> => {
      const renewal = renewals++;
      if (work.isLost?.(renewal) === true) throw new Error('unreachable');
      const until = Date.now() + (work.hangs?.(renewal) ?? 0) * MINUTE_MS;
      while (Date.now() < until) await new Promise(setImmediate);
      taken.push((nowMs - ORDERED_AT_MS) / MINUTE_MS);
    };
    const reading = async (): Promise<void> => {
      for (let minute = 0; minute < work.minutes; minute++) {
        await vi.advanceTimersByTimeAsync(MINUTE_MS);
        await new Promise(setImmediate);
        if (minute === 0) vi.setSystemTime(Date.now() + (work.frozenMinutes ?? 0) * MINUTE_MS);
      }
    };
    const waitedMinutes = (work.waitedMinutes ?? 0) - (work.isBehindByMinutes ?? 0);
    const scheduledTimestampMs = Date.now() - waitedMinutes * MINUTE_MS;
    const info = {
      scheduledTimestampMs,
      currentAttemptScheduledTimestampMs:
        scheduledTimestampMs + (work.attemptsMinutes ?? 0) * MINUTE_MS,
    };
    const all = () => whileLeased(ORDERED_AT_MS, control, renew, reading);
    const code = await inActivity(all, undefined, info).then(
      () => null,
      (error: unknown) => (error instanceof BackupError ? error.code : error),
    );
    await vi.advanceTimersByTimeAsync(LEASE_MS);
    expect(code).toBe(control.isStopped ? 'LEASE_EXPIRED' : null);
    return { taken, isStopped: control.isStopped };
  }

  it('is renewed within a batch that takes longer than it lasts, and not behind it', async () => {
    expect(await read({ minutes: 20 })).toEqual({
      taken: [0, 3, 6, 9, 12, 15, 18],
      isStopped: false,
    });
  });

  it('runs from the attempt that takes it, not from the order, which may be older than it lasts', async () => {
    expect((await read({ minutes: 1, waitedMinutes: 40 })).taken).toEqual([40]);
  });

  it('goes on in a worker whose clock is behind that of the server, or is set back', async () => {
    const taken = [0, 3, 6, 9, 12, 15, 18];
    expect(await read({ minutes: 20, isBehindByMinutes: 40 })).toEqual({ taken, isStopped: false });
    expect(await read({ minutes: 20, frozenMinutes: -60 })).toEqual({ taken, isStopped: false });
    const late = { minutes: 1, isBehindByMinutes: 40, attemptsMinutes: 25 };
    expect((await read(late)).taken).toEqual([25]);
    const isLost = (n: number) => n > 0;
    const lost = { minutes: 16, isBehindByMinutes: 40, isLost };
    expect(await read(lost)).toMatchObject({ isStopped: true });
  });

  it('may miss renewals until it is over, and then the work is stopped', async () => {
    expect(await read({ minutes: 14, isLost: (n) => n > 0 })).toMatchObject({ isStopped: false });
    expect(await read({ minutes: 16, isLost: (n) => n > 0 })).toMatchObject({ isStopped: true });
    const isLost = (n: number) => n > 0 && n < 4;
    expect(await read({ minutes: 20, isLost })).toMatchObject({ isStopped: false });
  });

  it('was over where it was renewed too late, and then the work is stopped', async () => {
    const hangs = (n: number) => (n === 1 ? 13 : 0);
    expect(await read({ minutes: 20, hangs })).toMatchObject({ isStopped: true });
    expect(await read({ minutes: 4, frozenMinutes: 20 })).toMatchObject({ isStopped: true });
    expect(await read({ minutes: 2, frozenMinutes: 20 })).toMatchObject({ isStopped: true });
    expect(await read({ minutes: 20, hangs: (n) => (n === 1 ? 10 : 0) })).toEqual({
      taken: [0, 3, 15, 18],
      isStopped: false,
    });
  });

  it('is not taken any more when the work has ended, however long a renewal takes', async () => {
    const steps: string[] = [];
    let renewals = 0;
    const renew = async (): Promise<void> => {
      if (renewals++ === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
      steps.push('renewed');
    };
    const reading = async () => void (await vi.advanceTimersByTimeAsync(LEASE_MS / 5));
    await inActivity(
      () => whileLeased(ORDERED_AT_MS, new TaskControl(), renew, reading),
      undefined,
      {
        scheduledTimestampMs: Date.now(),
      },
    );
    steps.push('ended');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(steps).toEqual(['renewed', 'ended']);
  });
});
