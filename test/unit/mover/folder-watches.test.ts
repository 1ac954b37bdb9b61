import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FolderWatches } from '../../../src/mover/folder-watches.js';
import type { WatchOrder } from '../../../src/mover/watch-thread.js';

/** A thread that stands in a call to what lies in `/nas1` until it is let go. */
interface DoubleThread {
  readonly begun: string[];
  let(): void;
  change(watch: number): void;
  answer(watch: number): void;
}

const threads = vi.hoisted((): DoubleThread[] => []);

vi.mock('node:worker_threads', async (original) => ({
  ...(await original<typeof import('node:worker_threads')>()),
  Worker: class extends EventEmitter {
    readonly #queue: WatchOrder[] = [];
    #isStanding = false;
    #ended: (() => void) | null = null;
    readonly begun: string[] = [];

    constructor() {
      super();
      threads.push(this);
    }

    unref(): void {}

    terminate(): Promise<void> {
      return new Promise((resolve) => {
        this.#ended = resolve;
        if (!this.#isStanding) resolve();
      });
    }

    postMessage(order: WatchOrder): void {
      this.#queue.push(order);
      this.#work();
    }

    let(): void {
      this.#isStanding = false;
      if (this.#ended === null) this.#work();
      else this.#ended();
    }

    change(watch: number): void {
      this.emit('message', { watch, type: 'changed' });
    }

    answer(watch: number): void {
      this.emit('message', { watch, type: 'answered' });
    }

    #work(): void {
      while (!this.#isStanding) {
        const order = this.#queue.shift();
        if (order === undefined) return;
        const { path } = order.storage as unknown as { readonly path: string };
        this.begun.push(`${path} ${String(order.folders)}`);
        if (order.folders === null) continue;
        this.#isStanding = path === '/nas1';
        if (!this.#isStanding)
          this.emit('message', { watch: order.watch, type: 'added', hasMore: true });
      }
    }
  },
}));

describe('watches of folders', () => {
  let watches: FolderWatches;
  const rung: string[] = [];
  beforeEach(() => {
    threads.splice(0);
    rung.splice(0);
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    watches = new FolderWatches();
  });
  afterEach(async () => {
    for (const thread of threads) thread.let();
    await watches.close();
    vi.useRealTimers();
  });

  const watch = (id: string) => {
    const storage = { kind: 'directory', path: `/${id}` };
    return watches.watch(id, storage, () => rung.push(id));
  };

  it('ring when one of them begins, and at each change from then on, until they are closed', () => {
    const good = watch('good');
    good.add([]);
    expect(threads).toHaveLength(0);
    good.add(['', 'vm']);
    threads[0]!.change(0);
    expect(rung).toEqual(['good', 'good']);
    good.close();
    threads[0]!.change(0);
    expect(rung).toHaveLength(2);
    expect(threads[0]!.begun).toEqual(['/good ,vm', '/good null']);
  });

  it('are begun anew on another thread when theirs stands for ten seconds with the storage of one', async () => {
    const [good, nas1, late] = [watch('good'), watch('nas1'), watch('late')];
    good.add(['']);
    nas1.add(['']);
    late.add(['vm']);
    expect(rung).toEqual(['good']);
    await vi.advanceTimersByTimeAsync(9_000);
    expect(watches.awaited()).toEqual([{ repositoryId: 'nas1', forMs: 9_000 }]);
    expect(threads).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_000);
    // Of what changed meanwhile nothing was told.
    expect(rung).toEqual(['good', 'good', 'late']);
    expect(threads[1]!.begun).toEqual(['/good ', '/late vm']);
    expect(watches.awaited()).toEqual([{ repositoryId: 'nas1', forMs: 10_000 }]);
  });

  it('of storage that is slow, and answers for one folder after the other, stay with their thread', async () => {
    watch('good').add(['']);
    watch('nas1').add(['a', 'b', 'c']);
    for (let folder = 0; folder < 3; folder++) {
      await vi.advanceTimersByTimeAsync(9_000);
      threads[0]!.answer(1);
    }
    expect(watches.awaited()).toEqual([{ repositoryId: 'nas1', forMs: 0 }]);
    expect(threads).toHaveLength(1);
    expect(rung).toEqual(['good']);
  });

  it('of storage that keeps a thread are not begun once more, by whomever, until its call has returned', async () => {
    const first = watch('nas1');
    first.add(['']);
    await vi.advanceTimersByTimeAsync(10_000);
    first.close();
    watch('nas1').add(['vm']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(threads).toHaveLength(1);
    threads[0]!.let();
    await vi.advanceTimersByTimeAsync(0);
    expect(threads[1]!.begun).toEqual(['/nas1 vm']);
  });
});
