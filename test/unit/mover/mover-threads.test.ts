import { EventEmitter } from 'node:events';
import { beforeEach, expect, it, vi } from 'vitest';
import { DataMover } from '../../../src/mover/data-mover.js';
import type { ThreadOperation } from '../../../src/mover/mover-operations.js';
import { TaskControl } from '../../../src/mover/task/task-control.js';
import { heapOfProcess, memoryOf } from '../../../src/mover/thread-memory.js';
import type { ThreadSetup } from '../../../src/mover/thread-messages.js';

interface Started {
  readonly workerData: ThreadSetup;
  readonly resourceLimits: { readonly maxOldGenerationSizeMb: number };
}

const started = vi.hoisted((): Started[] => []);

/** Answers whatever it is asked. */
vi.mock('node:worker_threads', async (original) => ({
  ...(await original<typeof import('node:worker_threads')>()),
  Worker: class extends EventEmitter {
    constructor(_: URL, options: Started) {
      super();
      started.push(options);
    }

    ref(): void {}

    unref(): void {}

    postMessage({ id }: { readonly id: number }): void {
      queueMicrotask(() => this.emit('message', { type: 'done', id, output: null }));
    }
  },
}));

beforeEach(() => void started.splice(0));

it.each([
  ['listWorkloads', 'lists', true],
  ['planJob', 'lists', true],
  ['planCopy', 'copies', false],
] as const)(
  '%s runs on a thread for %s, which never waits for storage: %s',
  async (name, work, neverWaits) => {
    await new DataMover([]).run<ThreadOperation>(name, {} as never, new TaskControl());
    const [{ workerData, resourceLimits }] = started as [Started];
    expect(workerData.isForLooks).toBe(neverWaits);
    expect(resourceLimits).toEqual(memoryOf(work, heapOfProcess()));
  },
);
