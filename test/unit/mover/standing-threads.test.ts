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
  /** As a thread of lists says of its request of this number that it waits for `nas1`. */
  tellWaits(id: number, forMs: number): void;
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

    tellWaits(id: number, forMs: number): void {
      this.emit('message', { type: 'waits', waits: [{ id, repositoryId: 'nas1', forMs }] });
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
        if (this.#setup.isForLooks) continue;
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

describe('a task whose storage hangs', () => {
  const storage = { kind: 'directory', path: '/mnt' } as const;
  let mover: DataMover;
  beforeEach(() => {
    threads.splice(0);
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'hrtime'] });
    mover = new DataMover(IDS.map((id) => ({ id, storage, isReadOnly: false })));
  });
  afterEach(async () => {
    await mover.close();
    vi.useRealTimers();
  });

  const given = (name: 'planCopy' | 'planJob' | 'lookForNews', id = 'nas1') => {
    const control = new TaskControl();
    void mover.run(name, { targetRepositoryId: id } as never, control).catch(() => undefined);
    return control;
  };

  it('can tell what it waits for, and for how long, and no other task does', async () => {
    const [waits, answered] = [given('planCopy'), given('planCopy', 'good')];
    await vi.advanceTimersByTimeAsync(0);
    waits.awaitedInThreads();
    await vi.advanceTimersByTimeAsync(75_000);
    expect(waits.awaitedInThreads()).toEqual([{ repositoryId: 'nas1', forMs: 75_000 }]);
    expect(answered.awaitedInThreads()).toEqual([]);
    for (const thread of threads) thread.return();
    expect(waits.awaitedInThreads()).toEqual([]);
  });

  it.each(['planJob', 'lookForNews'] as const)('can tell it as a %s, too', async (name) => {
    const [first, second] = [given(name), given(name)];
    threads[0]!.tellWaits(1, 12_000);
    expect([first.awaitedInThreads(), second.awaitedInThreads()]).toEqual([
      [],
      [{ repositoryId: 'nas1', forMs: 12_000 }],
    ]);
    expect(mover.unanswered()).toEqual([{ repositoryId: 'nas1', seconds: 12 }]);
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
