import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { StorageSilent, type PlaceLooks } from './folder-places.js';

/** Less than a start may take, about what a disk needs that has to start. */
const LIMIT_MS = 10_000;

const START_MS = 30_000;

/** Does each look and wakes who waits for it. In CommonJS and without imports of its own: it runs from source and as it was built. */
const CODE = `
const { workerData: { port, answered } } = require('node:worker_threads');
const { readlinkSync, realpathSync, statSync } = require('node:fs');
const wake = () => {
  Atomics.add(answered, 0, 1);
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
    process.emitWarning(
      `${path} does not answer: whether it is another repository under a second path was not looked at`,
    );
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
    // Without the loaders of this process: they take longer to start than the looks.
    this.#worker = new Worker(CODE, {
      ...{ eval: true, execArgv: [], workerData, transferList: [port2] },
    });
    this.#worker.on('error', () => undefined); // no answer comes, which is told
    this.#port = port1;
    // The time that a thread takes to start on a busy machine is not the storage's.
    Atomics.wait(this.#answered, 0, 0, START_MS);
  }

  /** @returns undefined: no answer in time */
  ask(name: keyof PlaceLooks, path: string, limitMs: number): string | null | undefined {
    this.#port.postMessage({ name, path });
    // It may be woken for the look before: only a message is an answer.
    for (;;) {
      const before = Atomics.load(this.#answered, 0);
      const received: { message: string | null } | undefined = receiveMessageOnPort(this.#port);
      if (received !== undefined) return received.message;
      if (Atomics.wait(this.#answered, 0, before, limitMs) === 'timed-out') return undefined;
    }
  }

  end(): void {
    this.#port.close();
    void this.#worker.terminate();
  }
}
