import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { whileLeased } from '../../../activities/reader-lease.js';
import { LEASE_MS } from '../../../src/chain/leases.js';
import { TaskControl } from '../../../src/mover/task/task-control.js';
import { inActivity } from '../../support/activities/in-activity.js';

const MINUTE_MS = 60_000;
const ORDERED_AT_MS = Date.parse('2026-11-25T22:00:00Z');

describe('the lease of a reader', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] }));
  afterEach(() => void vi.useRealTimers());

  /** Minutes after the order at which the lease was taken, and whether the work was stopped. */
  async function read(work: {
    readonly minutes: number;
    readonly waitedMinutes?: number;
    readonly isLost?: (renewal: number) => boolean;
  }): Promise<{ taken: number[]; isStopped: boolean }> {
    const taken: number[] = [];
    const control = new TaskControl();
    let renewals = 0;
    const renew = (nowMs: number): Promise<void> => {
      if (work.isLost?.(renewals++) === true) return Promise.reject(new Error('unreachable'));
      taken.push((nowMs - ORDERED_AT_MS) / MINUTE_MS);
      return Promise.resolve();
    };
    const reading = async (): Promise<void> => {
      for (let minute = 0; minute < work.minutes; minute++)
        await vi.advanceTimersByTimeAsync(MINUTE_MS);
    };
    const scheduledTimestampMs = Date.now() - (work.waitedMinutes ?? 0) * MINUTE_MS;
    await inActivity(() => whileLeased(ORDERED_AT_MS, control, renew, reading), undefined, {
      scheduledTimestampMs,
    });
    await vi.advanceTimersByTimeAsync(LEASE_MS);
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

  it('may miss renewals until it is over, and then the work is stopped', async () => {
    expect(await read({ minutes: 14, isLost: (n) => n > 0 })).toMatchObject({ isStopped: false });
    expect(await read({ minutes: 16, isLost: (n) => n > 0 })).toMatchObject({ isStopped: true });
    const isLost = (n: number) => n > 0 && n < 4;
    expect(await read({ minutes: 20, isLost })).toMatchObject({ isStopped: false });
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
