import { describe, expect, it } from 'vitest';
import type { MoverContext } from '../../../src/mover/task/mover-context.js';
import { TaskControl } from '../../../src/mover/task/task-control.js';
import { runWindowLoop, WindowRange } from '../../../src/mover/task/window-loop.js';

/** Notes what a loop does; the making durable of a window takes until it is told to end. */
class Worker {
  readonly events: string[] = [];
  readonly release = new Map<number, (error?: Error) => void>();

  process(window: number): Promise<() => Promise<void>> {
    this.events.push(`work ${window}`);
    const durable = new Promise<void>((resolve, reject) =>
      this.release.set(window, (error) => (error === undefined ? resolve() : reject(error))),
    );
    return Promise.resolve(async () => {
      await durable;
      this.events.push(`done ${window}`);
    });
  }

  close(): Promise<void> {
    this.events.push('close');
    return Promise.resolve();
  }

  run(windows: number[]): Promise<void> {
    const context = { control: new TaskControl() } as MoverContext;
    return runWindowLoop(context, new WindowRange(windows), () => Promise.resolve(this));
  }
}

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
};

describe('runWindowLoop', () => {
  it('works on one window while the one before is made durable, and on no third one', async () => {
    const worker = new Worker();
    const end = worker.run([0, 1, 2]);
    await turns(5);
    expect(worker.events).toEqual(['work 0', 'work 1']);

    worker.release.get(0)!();
    await turns(5);
    expect(worker.events).toEqual(['work 0', 'work 1', 'done 0', 'work 2']);

    worker.release.get(1)!();
    await turns(5);
    worker.release.get(2)!();
    await end;
    expect(worker.events.slice(4)).toEqual(['done 1', 'done 2', 'close']);
  });

  it('works on every window of a disk after another disk of the same task', async () => {
    const context = { control: new TaskControl() } as MoverContext;
    const done: string[] = [];
    for (const disk of ['system', 'data'])
      await runWindowLoop(context, new WindowRange([0, 1]), () =>
        Promise.resolve({
          process: (window) =>
            Promise.resolve(() => Promise.resolve(void done.push(`${disk} ${window}`))),
          close: () => Promise.resolve(),
        }),
      );
    expect(done).toEqual(['system 0', 'system 1', 'data 0', 'data 1']);
  });

  it('fails with what kept a window from being durable, and closes when the next one is at rest', async () => {
    const worker = new Worker();
    const end = worker.run([0, 1, 2]);
    await turns(5);
    worker.release.get(0)!(new Error('the disk is full'));
    await expect(end).rejects.toThrow('the disk is full');
    expect(worker.events).toEqual(['work 0', 'work 1', 'close']);
  });
});
