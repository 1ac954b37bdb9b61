import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { StorageSilent, type PlaceLooks } from './folder-places.js';

/** Less than a start may take, more than a disk needs that is awake. */
const LIMIT_MS = 5_000;

const START_MS = 30_000;

/** Does each look and wakes who waits for it. In CommonJS and without imports of its own: it runs from source and as it was built. */
const CODE = `
const { workerData: { port, answered } } = require('node:worker_threads');
const { readlinkSync, realpathSync, statSync } = require('node:fs');
const wake = () => {
  Atomics.store(answered, 0, 1);
  Atomics.notify(answered, 0);
};
const looks = {
  realPath: (path) => realpathSync(path),
  linkEnd: (path) => readlinkSync(path),
  identity: (path) => {
    const { dev, ino } = statSync(path, { bigint: true });
    return dev + ':' + ino;
  },
};
port.on('message', ({ name, path }) => {
  let answer = null;
  try {
    answer = looks[name](path);
  } catch {}
  port.postMessage(answer);
  wake();
});
wake();
`;

/** Looks on a thread, of which each has a limit: a call to a share whose server stands still never returns. A thread that stands in one is left, and the
 *  next look has another. */
export class LimitedLooks implements PlaceLooks {
  #thread: LookThread | null = null;

  constructor(private readonly limitMs = LIMIT_MS) {}

  realPath(path: string): string | null {
    return this.#ask('realPath', path);
  }

  identity(path: string): string | null {
    return this.#ask('identity', path);
  }

  linkEnd(path: string): string | null {
    return this.#ask('linkEnd', path);
  }

  end(): void {
    this.#thread?.end();
    this.#thread = null;
  }

  #ask(name: keyof PlaceLooks, path: string): string | null {
    this.#thread ??= new LookThread();
    const answer = this.#thread.ask(name, path, this.limitMs);
    if (answer !== undefined) return answer;
    this.end();
    throw new StorageSilent(`${path} has not answered for ${this.limitMs} ms`);
  }
}

class LookThread {
  readonly #answered = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker: Worker;
  readonly #port;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    const workerData = { port: port2, answered: this.#answered };
    this.#worker = new Worker(CODE, { eval: true, workerData, transferList: [port2] });
    this.#port = port1;
    // The time that a thread takes to start on a busy machine is not the storage's.
    Atomics.wait(this.#answered, 0, 0, START_MS);
  }

  /** @returns undefined: no answer in time */
  ask(name: keyof PlaceLooks, path: string, limitMs: number): string | null | undefined {
    Atomics.store(this.#answered, 0, 0);
    this.#port.postMessage({ name, path });
    if (Atomics.wait(this.#answered, 0, 0, limitMs) === 'timed-out') return undefined;
    return (receiveMessageOnPort(this.#port) as { message: string | null }).message;
  }

  end(): void {
    this.#port.close();
    void this.#worker.terminate();
  }
}
