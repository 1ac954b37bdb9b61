import { describe, expect, it } from 'vitest';
import type { MoverContext } from '../../../../src/mover/task/mover-context.js';
import { TaskControl } from '../../../../src/mover/task/task-control.js';
import {
  bytesOfASync,
  MAX_LOOPS,
  MAX_MARKED_TOGETHER,
  runWindowLoop,
  type DoneWindow,
} from '../../../../src/mover/task/window-loop.js';
import { WindowRange, windowRuns } from '../../../../src/mover/task/window-runs.js';

const WINDOW_BYTES = 8 * 1024 * 1024;

/** Notes what a loop does; a sync takes until it is told to end. */
class Worker {
  readonly events: string[] = [];
  readonly syncs: ((error?: Error) => void)[] = [];
  isQuick = false;
  bytesOf = (_window: number): number => WINDOW_BYTES;

  process(window: number): Promise<DoneWindow> {
    this.events.push(`work ${window}`);
    const mark = () => Promise.resolve(void this.events.push(`done ${window}`));
    return Promise.resolve({ bytes: this.bytesOf(window), mark });
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
    const bytes = windowsOfASync * WINDOW_BYTES;
    return runWindowLoop(context, range, bytes, () => Promise.resolve(this));
  }

  /** After which windows there was a sync. */
  get syncedAfter(): number[] {
    const after: number[] = [];
    for (const [i, event] of this.events.entries())
      if (event === 'sync')
        after.push(Number(this.events.slice(0, i).findLast(isWork)!.slice('work '.length)));
    return after;
  }
}

const isWork = (event: string): boolean => event.startsWith('work ');

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
    // Of 8 MiB: 8 are left behind window 8.
    expect(worker.syncedAfter).toEqual([0, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
  });

  it('makes 32 MiB durable together however many windows they lie in, and nothing for windows in which there was nothing to read', async () => {
    const worker = new Worker();
    worker.isQuick = true;
    // 1 MiB in each tenth window: 25 of them leave no room for a window that may be full; the first goes at once, and what there is when 8 are left.
    worker.bytesOf = (window) => (window % 10 === 0 ? 1024 * 1024 : 0);
    await worker.run(560, 4);
    expect(worker.syncedAfter).toEqual([0, 250, 500, 551, 559]);
    expect(worker.events.filter((event) => event.startsWith('done'))).toHaveLength(560);
  });

  it('marks windows in which there was nothing to read by the thousand', async () => {
    const worker = new Worker();
    worker.isQuick = true;
    worker.bytesOf = () => 0;
    await worker.run(2 * MAX_MARKED_TOGETHER + 1, 4);
    expect(worker.syncedAfter).toEqual([1023, 2047, 2048]);
  });

  it('leaves no more than it may undone where windows are full and half full by turns', async () => {
    const worker = new Worker();
    worker.isQuick = true;
    worker.bytesOf = (window) => (window % 2 === 0 ? WINDOW_BYTES / 2 : WINDOW_BYTES);
    await worker.run(100, 2);
    const after = [-1, ...worker.syncedAfter];
    const bytesTo = (window: number) =>
      Array.from({ length: window + 1 }, (_, n) => worker.bytesOf(n)).reduce((a, b) => a + b, 0);
    for (const [i, window] of after.slice(1).entries())
      expect(bytesTo(window) - bytesTo(after[i]!)).toBeLessThanOrEqual(2 * WINDOW_BYTES);
  });

  it('works on every window of a disk after another disk of the same task', async () => {
    const context = { control: new TaskControl() } as MoverContext;
    const done: string[] = [];
    for (const disk of ['system', 'data'])
      await runWindowLoop(context, new WindowRange(windowRuns(0, 2)), WINDOW_BYTES, () =>
        Promise.resolve({
          process: (window) =>
            Promise.resolve({
              bytes: WINDOW_BYTES,
              mark: () => Promise.resolve(void done.push(`${disk} ${window}`)),
            }),
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

describe('what is made durable together', () => {
  // In windows of 8 MiB; each loop has as much in work as it makes durable: 64 MiB are unmarked at most.
  it.each([
    [1, 4],
    [2, 2],
    [3, 1],
    [4, 1],
  ])('is, with %d loops, %d whole windows for each', (loops, windows) => {
    const bytes = bytesOfASync(loops);
    expect(Math.floor(bytes / WINDOW_BYTES)).toBe(windows);
    expect(loops * 2 * bytes).toBeLessThanOrEqual(64 * 1024 * 1024);
  });

  it('leave room for four loops', () => expect(MAX_LOOPS).toBe(4));
});
