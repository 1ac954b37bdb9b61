import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DataMover } from '../../../src/mover/data-mover.js';
import { TaskControl } from '../../../src/mover/task/task-control.js';
import type { ThreadRequest, ThreadSetup } from '../../../src/mover/thread-messages.js';
import { HeldThreads, PULSE_MS, ThreadPulse } from '../../../src/mover/thread-pulse.js';

const IDS = ['nas1', 'good'];

/** A thread that does one thing at a time: what asks `nas1` stands in a call to it until `return` is called. */
interface DoubleThread {
  readonly begun: string[];
  return(): void;
}

const threads = vi.hoisted((): DoubleThread[] => []);

vi.mock('node:worker_threads', async (original) => ({
  ...(await original<typeof import('node:worker_threads')>()),
  Worker: class extends EventEmitter {
    readonly #queue: ThreadRequest[] = [];
    readonly #setup: ThreadSetup;
    #isStanding = false;
    readonly begun: string[] = [];

    constructor(_: URL, { workerData }: { readonly workerData: ThreadSetup }) {
      super();
      this.#setup = workerData;
      threads.push(this);
    }

    ref(): void {}

    unref(): void {}

    terminate(): void {}

    postMessage(request: ThreadRequest): void {
      this.#queue.push(request);
      queueMicrotask(() => this.#work());
    }

    return(): void {
      this.#isStanding = false;
      new ThreadPulse(IDS, this.#setup.pulse).end();
      this.#work();
    }

    #work(): void {
      for (;;) {
        if (this.#isStanding) return;
        const request = this.#queue.shift();
        if (request === undefined) return;
        if (Atomics.compareExchange(new Int32Array(request.begun), 0, 0, 1) !== 0) continue;
        const { targetRepositoryId: id } = request.input as { readonly targetRepositoryId: string };
        this.begun.push(id);
        if (id === 'nas1') {
          this.#isStanding = true;
          new ThreadPulse(IDS, this.#setup.pulse).begin(1);
        } else this.emit('message', { type: 'done', id: request.id, output: id });
      }
    }
  },
}));

describe('threads that stand with a storage that hangs', () => {
  const movers: DataMover[] = [];
  beforeEach(() => {
    threads.splice(0);
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'hrtime'] });
  });
  afterEach(async () => {
    for (const mover of movers.splice(0)) await mover.close();
    vi.useRealTimers();
  });

  const mover = () => {
    const storage = { kind: 'directory', path: '/mnt' } as const;
    const made = new DataMover(IDS.map((id) => ({ id, storage, isReadOnly: false })));
    movers.push(made);
    return (targetRepositoryId: string) =>
      made.run('planCopy', { targetRepositoryId } as never, new TaskControl());
  };
  /** Threads that have nothing to do are at their queues all the time. */
  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

  it('are left out, and what waits behind them goes to new ones', async () => {
    const run = mover();
    const answered: string[] = [];
    const ask = (id: string) => void run(id).then(() => answered.push(id));
    const count = Math.max(2, (await import('node:os')).availableParallelism());
    for (let thread = 0; thread < count; thread += 1) ask('nas1');
    await pass(0);
    ask('good');
    await pass(9_000);
    expect(answered).toEqual([]);
    await pass(2 * PULSE_MS);
    expect(answered).toEqual(['good']);
    ask('good');
    await pass(0);
    expect(answered).toEqual(['good', 'good']);
    // Back again, they do not do what others have done.
    for (const thread of threads) thread.return();
    expect(threads.flatMap(({ begun }) => begun).filter((id) => id === 'good')).toHaveLength(2);
  });
});

describe('a thread that works for long', () => {
  it('does not stand as long as each of its calls is answered', () => {
    vi.useFakeTimers({ toFake: ['hrtime'] });
    const pulse = new ThreadPulse(IDS);
    const during = pulse.duringCallsOf('good');
    const stood: number[] = [];
    for (let second = 0; second < 600; second += 9)
      during(() => {
        vi.advanceTimersByTime(9_000);
        stood.push(pulse.standsForMs);
      });
    expect(stood.every((ms) => ms === 0)).toBe(true);
    during(() => {
      expect(pulse.standsForMs).toBe(0);
      vi.advanceTimersByTime(11_000);
      expect([pulse.standsForMs, pulse.isHeld, pulse.awaited]).toEqual([11_000, false, 'good']);
      vi.advanceTimersByTime(50_000);
      expect(pulse.isHeld).toBe(true);
    });
    vi.useRealTimers();
  });
});

describe('a repository that holds up as many threads as it may', () => {
  it('is asked no more until it has answered, and others are', () => {
    const held = new HeldThreads(IDS, 2);
    const inThread = new HeldThreads(IDS, 2, held.shared);
    held.set(['nas1', null]);
    expect(() => inThread.assertAnswers('nas1')).not.toThrow();
    held.set(['nas1', null, 'nas1']);
    expect(() => inThread.assertAnswers('nas1')).toThrow(
      expect.objectContaining({ code: 'REPOSITORY_UNREACHABLE' }),
    );
    expect(() => inThread.assertAnswers('good')).not.toThrow();
    held.set([]);
    expect(() => inThread.assertAnswers('nas1')).not.toThrow();
  });

  it('is named by a thread while it is in a call to it', () => {
    const pulse = new ThreadPulse(IDS);
    const seen = pulse.duringCallsOf('good')(() => pulse.awaited);
    expect([seen, pulse.awaited]).toEqual(['good', null]);
  });
});
