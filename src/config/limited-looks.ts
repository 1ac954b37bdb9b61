import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { StorageSilent, type PlaceLooks } from './folder-places.js';

/** Less than a start may take, about what a disk needs that has to start. */
const LIMIT_MS = 10_000;

/** The time that a process takes to start on a busy machine is not the storage's. */
const START_MS = 30_000;

/** As many threads wait for storage at most (libuv). */
const MOST_THREADS = 1_024;

/** Does each look on a thread of its own, and ends with whoever asks. In CommonJS and without imports of its own: it runs from source and as it was built. */
const CODE = `
const { readlink, realpath, stat } = require('node:fs/promises');
const looks = {
  realPath: (path) => realpath(path),
  linkEnd: (path) => readlink(path),
  identity: async (path) => {
    const { dev, ino } = await stat(path, { bigint: true });
    return dev + ':' + ino;
  },
};
const tell = (message) => process.stdout.write(JSON.stringify(message) + '\\n');
require('node:readline')
  .createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const { number, name, path } = JSON.parse(line);
    tell({ number, answer: await looks[name](path).catch(() => null) });
  })
  .on('close', () => process.kill(process.pid, 'SIGKILL'));
tell({ number: null });
`;

/** Where the program that runs this one needs it, it needs it as well. */
function libraryPath(): NodeJS.ProcessEnv {
  const { LD_LIBRARY_PATH } = process.env;
  return LD_LIBRARY_PATH === undefined ? {} : { LD_LIBRARY_PATH };
}

/** Looks of which all together have one limit: a call to a share whose server stands still never returns. They are made in a process of their own: one that waits for
 *  such a call can be left, and a thread cannot, for Node ends no process before its threads have ended. */
export class LimitedLooks implements PlaceLooks {
  readonly #child: ChildProcess;
  readonly #open = new Map<number, (answer: string | null | StorageSilent) => void>();
  #next = 0;
  #late: NodeJS.Timeout;
  #over: StorageSilent | null = null;

  /** @param most as many looks are asked at once
   *  @param limitMs from when the process is there until the last answer */
  constructor(
    most: number,
    private readonly limitMs = LIMIT_MS,
  ) {
    const threads = String(Math.min(MOST_THREADS, Math.max(1, most)));
    this.#child = spawn(process.execPath, ['-e', CODE], {
      stdio: ['pipe', 'pipe', 'ignore'],
      // Nothing of what this process was told: a loader takes longer than the looks.
      env: { ...libraryPath(), UV_THREADPOOL_SIZE: threads },
    });
    this.#late = setTimeout(() => this.end(), START_MS);
    this.#child.on('error', () => this.end());
    this.#child.on('exit', () => this.end());
    this.#child.stdin!.on('error', () => this.end());
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#take(line));
  }

  realPath(path: string): Promise<string | null> {
    return this.#ask('realPath', path);
  }

  identity(path: string): Promise<string | null> {
    return this.#ask('identity', path);
  }

  linkEnd(path: string): Promise<string | null> {
    return this.#ask('linkEnd', path);
  }

  /** What has no answer yet gets none. */
  end(): void {
    if (this.#over !== null) return;
    this.#over = new StorageSilent(`no answer within ${this.limitMs} ms`);
    clearTimeout(this.#late);
    for (const settle of this.#open.values()) settle(this.#over);
    this.#open.clear();
    // A call that no signal ends keeps the process, but not this one.
    this.#child.kill('SIGKILL');
    this.#child.unref();
    this.#child.stdin?.destroy();
    this.#child.stdout?.destroy();
  }

  #ask(name: keyof PlaceLooks, path: string): Promise<string | null> {
    return new Promise((resolve, reject) => {
      if (this.#over !== null) return reject(this.#over);
      const number = this.#next++;
      this.#open.set(number, (answer) =>
        answer instanceof StorageSilent ? reject(answer) : resolve(answer),
      );
      this.#child.stdin!.write(`${JSON.stringify({ number, name, path })}\n`);
    });
  }

  #take(line: string): void {
    const { number, answer } = JSON.parse(line) as {
      readonly number: number | null;
      readonly answer: string | null;
    };
    if (number === null) {
      clearTimeout(this.#late);
      this.#late = setTimeout(() => this.end(), this.limitMs);
      return;
    }
    this.#open.get(number)?.(answer);
    this.#open.delete(number);
  }
}
