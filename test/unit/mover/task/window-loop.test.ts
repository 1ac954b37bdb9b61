import { describe, expect, it } from 'vitest';
import type { MoverContext } from '../../../../src/mover/task/mover-context.js';
import { TaskControl } from '../../../../src/mover/task/task-control.js';
import {
  MAX_LOOPS,
  runWindowLoop,
  windowsOfASync,
} from '../../../../src/mover/task/window-loop.js';
import { WindowRange, windowRuns } from '../../../../src/mover/task/window-runs.js';

/** Notes what a loop does; a sync takes until it is told to end. */
class Worker {
  readonly events: string[] = [];
  readonly syncs: ((error?: Error) => void)[] = [];
  isQuick = false;

  process(window: number): Promise<() => Promise<void>> {
    this.events.push(`work ${window}`);
    return Promise.resolve(() => Promise.resolve(void this.events.push(`done ${window}`)));
  }

  sync(): Promise<void> {
    this.events.push('sync');
    if (this.isQuick) return Promise.resolve();
    return new Promise((resolve, reject) =>
      this.syncs.push((error) => (error === undefined ? resolve() : reject(error))),
    );
  }

  close(): Promise<void> {
    this.events.push('close');
    return Promise.resolve();
  }

  run(windowCount: number, windowsOfASync: number): Promise<void> {
    const context = { control: new TaskControl() } as MoverContext;
    const range = new WindowRange(windowRuns(0, windowCount));
    return runWindowLoop(context, range, windowsOfASync, () => Promise.resolve(this));
  }
}

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
};

describe('runWindowLoop', () => {
  it('works on windows while those before are made durable, and on none after that', async () => {
    const worker = new Worker();
    const end = worker.run(4, 2);
    await turns(8);
    expect(worker.events).toEqual(['work 0', 'sync', 'work 1', 'work 2']);

    worker.syncs[0]!();
    await turns(8);
    expect(worker.events.slice(4)).toEqual(['done 0', 'sync', 'work 3']);

    worker.syncs[1]!();
    await turns(8);
    expect(worker.events.slice(7)).toEqual(['done 1', 'done 2', 'sync']);
    worker.syncs[2]!();
    await end;
    expect(worker.events.slice(10)).toEqual(['done 3', 'close']);
  });

  it('makes the first window and the last 64 MiB durable as soon as it can, and else as many together as it may', async () => {
    const worker = new Worker();
    worker.isQuick = true;
    await worker.run(17, 4);
    const syncedTo: string[] = [];
    for (const [i, event] of worker.events.entries())
      if (event === 'sync') syncedTo.push(worker.events[i - 1]!);
    // Of 8 MiB: 8 are left behind window 8.
    const last = [8, 9, 10, 11, 12, 13, 14, 15, 16];
    expect(syncedTo).toEqual([0, 4, ...last].map((window) => `work ${window}`));
  });

  it('works on every window of a disk after another disk of the same task', async () => {
    const context = { control: new TaskControl() } as MoverContext;
    const done: string[] = [];
    for (const disk of ['system', 'data'])
      await runWindowLoop(context, new WindowRange(windowRuns(0, 2)), 1, () =>
        Promise.resolve({
          process: (window) =>
            Promise.resolve(() => Promise.resolve(void done.push(`${disk} ${window}`))),
          sync: () => Promise.resolve(),
          close: () => Promise.resolve(),
        }),
      );
    expect(done).toEqual(['system 0', 'system 1', 'data 0', 'data 1']);
  });

  it('fails with what kept a window from being durable, and closes when the next one is at rest', async () => {
    const worker = new Worker();
    const end = worker.run(3, 1);
    await turns(5);
    worker.syncs[0]!(new Error('the disk is full'));
    await expect(end).rejects.toThrow('the disk is full');
    expect(worker.events).toEqual(['work 0', 'sync', 'work 1', 'close']);
  });

  it('does not mark the last windows when they could not be made durable', async () => {
    const worker = new Worker();
    const end = worker.run(1, 2);
    await turns(5);
    worker.syncs[0]!(new Error('the disk is full'));
    await expect(end).rejects.toThrow('the disk is full');
    expect(worker.events).toEqual(['work 0', 'sync', 'close']);
  });
});

describe('windows of a sync', () => {
  // Of 8 MiB; each loop has as many in work as it makes durable: 64 MiB are unmarked at most.
  it.each([
    [1, 4],
    [2, 2],
    [3, 1],
    [4, 1],
  ])('are, with %d loops, %d for each', (loops, windows) => {
    expect(windowsOfASync(loops)).toBe(windows);
    expect(loops * 2 * windows * 8).toBeLessThanOrEqual(64);
  });

  it('leave room for four loops', () => expect(MAX_LOOPS).toBe(4));
});
