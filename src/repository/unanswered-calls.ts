import { AsyncLocalStorage } from 'node:async_hooks';
import { BackupError } from '../domain/errors.js';
import { aroundEach } from './around-calls.js';
import type { FileCalls } from './file-calls.js';
import { quoted } from './repository-path.js';

/** A call that has had no answer for so long gets none soon: a disk that has to start needs some ten seconds. */
export const UNANSWERED_MS = 60_000;

/** So few of the threads of Node's pool, which the whole process shares, one storage that hangs may hold for longer. */
const MAX_LONG = 8;

/** Calls that the storage of one repository has not answered yet. A share whose server is away answers none, for hours, and each keeps a thread of the
 *  pool: what asks again and again would take all of them from every other repository. */
export class UnansweredCalls {
  /** The oldest first. */
  readonly #begun = new Set<BegunCall>();

  constructor(
    private readonly repositoryId: string,
    private readonly nowMs = () => performance.now(),
  ) {}

  /** @throws REPOSITORY_UNREACHABLE at once while several calls have had no answer for long */
  async ask<T>(call: () => Promise<T>): Promise<T> {
    this.#assertAnswers();
    return this.follow(call);
  }

  /** What is done all the same. */
  async follow<T>(call: () => Promise<T>): Promise<T> {
    const begun = { atMs: this.nowMs(), caller: callers.getStore() };
    this.#begun.add(begun);
    try {
      return await call();
    } finally {
      this.#begun.delete(begun);
    }
  }

  /** @param caller whose calls count; absent: all
   *  @returns for how long the oldest has had no answer, ms; 0: none waits */
  oldestMs(caller?: object): number {
    for (const begun of this.#begun)
      if (caller === undefined || begun.caller === caller) return this.nowMs() - begun.atMs;
    return 0;
  }

  #assertAnswers(): void {
    if (this.#begun.size < MAX_LONG) return;
    const now = this.nowMs();
    let long = 0;
    for (const { atMs } of this.#begun) {
      if (now - atMs < UNANSWERED_MS) return;
      long += 1;
      if (long === MAX_LONG) throw this.#unanswered();
    }
  }

  #unanswered(): BackupError {
    const seconds = Math.floor(this.oldestMs() / 1000);
    return unanswered(this.repositoryId, `${seconds} s`, { seconds });
  }
}

interface BegunCall {
  /** Ms of the process. */
  readonly atMs: number;
  /** Of `asCaller`; undefined: nobody said. */
  readonly caller: object | undefined;
}

const callers = new AsyncLocalStorage<object>();

/** What `work` asks of storage in this thread is known as this caller's: it can be told what keeps it. */
export function asCaller<T>(caller: object, work: () => Promise<T>): Promise<T> {
  return callers.run(caller, work);
}

/** @param forHowLong it has had no answer */
export function unanswered(
  repositoryId: string,
  forHowLong: string,
  details: Readonly<Record<string, number>>,
): BackupError {
  return new BackupError(
    'REPOSITORY_UNREACHABLE',
    `Repository ${quoted(repositoryId)}: its storage has not answered for ${forHowLong}, so nothing more is asked of it until it does.`,
    { details: { repositoryId, ...details } },
  );
}

/** In this thread, by repository: one that is opened again hangs as before. */
const ofThisThread = new Map<string, UnansweredCalls>();

export function unansweredCallsOf(repositoryId: string, rootPath: string): UnansweredCalls {
  const key = `${repositoryId}\0${rootPath}`;
  const known = ofThisThread.get(key) ?? new UnansweredCalls(repositoryId);
  ofThisThread.set(key, known);
  return known;
}

/** Storage that this thread waits for, and for how long.
 *  @param caller of `asCaller`: its calls alone */
export function awaitedStorage(caller?: object): AwaitedStorage[] {
  return [...ofThisThread].flatMap(([key, calls]) => {
    const oldestMs = calls.oldestMs(caller);
    const repositoryId = key.split('\0', 1)[0]!;
    return oldestMs === 0 ? [] : [{ repositoryId, forMs: Math.round(oldestMs) }];
  });
}

/** The one that has had no answer for longest; null: nothing is waited for. */
export function longestAwaited(awaited: readonly AwaitedStorage[]): AwaitedStorage | null {
  return awaited.reduce<AwaitedStorage | null>(
    (longest, each) => (longest === null || each.forMs > longest.forMs ? each : longest),
    null,
  );
}

export interface AwaitedStorage {
  readonly repositoryId: string;
  readonly forMs: number;
}

/** The same calls, none of them while the storage does not answer. */
export function whileAnswered(calls: FileCalls, unanswered: UnansweredCalls): FileCalls {
  return aroundEach(calls, {
    ask: (call) => unanswered.ask(call),
    follow: (call) => unanswered.follow(call),
  });
}
