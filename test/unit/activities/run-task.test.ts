import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { createCopyActivities } from '../../../activities/task/copy-activities.js';
import { createSessionActivities } from '../../../activities/session/session-activities.js';
import { runTask } from '../../../activities/running/run-task.js';
import type { DataMover } from '../../../src/mover/data-mover.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { inRunningWorker } from '../../support/activities/in-activity.js';

const activity = (): Promise<string> => runTask(() => Promise.resolve('done'));

function standStill(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

describe('a task that arrives when its process has just stood still', () => {
  it('is refused when that was longer than its lease, and done when it has no heartbeat that could be missed', async () => {
    await sleep(1); // the pulse has begun
    standStill(1_500);
    await expect(
      inRunningWorker(activity, undefined, { heartbeatTimeoutMs: 2_000 }),
    ).rejects.toMatchObject({ type: 'LEASE_EXPIRED', nonRetryable: false });
    expect(await inRunningWorker(activity, undefined, { heartbeatTimeoutMs: 60_000 })).toBe('done');
    // As the SDK tells that an activity has none.
    expect(await inRunningWorker(activity, undefined, { heartbeatTimeoutMs: 0 })).toBe('done');
    expect(await inRunningWorker(activity, undefined, {})).toBe('done');
  });
});

describe('a task that was refused because its process had stood still', () => {
  // Longer than anything before it in this file stood still, and another time than that.
  const heartbeatTimeoutMs = 3_900;
  const refusedWith = async (heartbeatDetails: unknown): Promise<unknown> => {
    let told: unknown = null;
    const attempt = inRunningWorker(
      activity,
      undefined,
      { heartbeatTimeoutMs, heartbeatDetails },
      (details) => (told = details),
    );
    await expect(attempt).rejects.toMatchObject({ type: 'LEASE_EXPIRED' });
    return told;
  };

  it('is done when the server gives it again and has heard of that, and refused when the process stood still once more', async () => {
    await sleep(1);
    standStill(2_700);
    const told = await refusedWith({ readBytes: 5 });
    expect(told).toMatchObject({ readBytes: 5 });
    // One that the server had given away before it heard of the refusal.
    await refusedWith(null);
    const again = { heartbeatTimeoutMs, heartbeatDetails: told };
    expect(await inRunningWorker(activity, undefined, again)).toBe('done');
    standStill(2_700);
    await refusedWith(told);
  });
});

describe('a task that stood still for longer than its lease before it claims copies', () => {
  // Each longer than what the one before it stood still, and the first than what loading this file may take.
  it.each([
    ['lookForWork', 4_500],
    ['recordDefinition', 5_700],
  ] as const)('%s writes no definition', async (name, heartbeatTimeoutMs) => {
    const target = new SimulatedRepository('offsite');
    const mover = new InProcessMover(target) as Pick<DataMover, keyof DataMover> as DataMover;
    Object.assign(mover, {
      repository: () => {
        standStill(0.75 * heartbeatTimeoutMs);
        return Promise.resolve(target);
      },
    });
    const job = testJob();
    const deps = { mover, targetIds: [], immutableForDays: () => 0, settleMs: () => 0 };
    const activities = {
      ...createCopyActivities(deps),
      ...createSessionActivities({ ...deps, settings: {} as never, starter: {} as never }),
    };
    const ids = { targetRepositoryId: 'offsite', jobId: job.id, workloadId: 'web01' };
    const input = { ...ids, job, epoch: 1, takeOver: true, definition: job } as never;
    await expect(
      inRunningWorker(activities[name] as (input: never) => Promise<unknown>, input, {
        heartbeatTimeoutMs,
      }),
    ).rejects.toMatchObject({ type: 'LEASE_EXPIRED' });
    expect(await target.list('')).toEqual([]);
  });
});

describe('a task that waits for storage', () => {
  it('says so with its heartbeat once that has not answered for ten seconds, beside what else it tells', async () => {
    const told: unknown[] = [];
    const waiting = () =>
      runTask(
        async (control) => {
          let forMs = 9_000;
          control.awaitedInThreads = () => [
            { repositoryId: 'good', forMs: 20 },
            { repositoryId: 'nas1', forMs: (forMs += 1_400) },
          ];
          await vi.waitUntil(() => told.length >= 1, { timeout: 3_000 });
          control.awaitedInThreads = () => [{ repositoryId: 'nas1', forMs: 9_999 }];
          await vi.waitUntil(() => told.length >= 2, { timeout: 3_000 });
        },
        () => ({ readBytes: 5 }),
      );
    await inRunningWorker(waiting, undefined, {}, (details) => told.push(details));
    expect(told).toEqual([
      { readBytes: 5, waits: { repositoryId: 'nas1', seconds: 10 } },
      { readBytes: 5 },
    ]);
  });
});
