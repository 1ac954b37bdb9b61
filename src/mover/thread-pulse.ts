import { BackupError } from '../domain/errors.js';
import { quoted } from '../repository/repository-path.js';

/** A thread that has been in one call for so long stands: the storage does not answer, as a hard NFS mount whose server is away. One that works for hours, as
 *  over the list of a million files, is in many calls. */
const STANDS_AFTER_MS = 60_000;

/** How often threads are looked after. */
export const PULSE_MS = 5_000;

/** Of one thread, shared with it: whose storage it is waiting for, and since when. A thread that stands in a call says nothing itself. */
export class ThreadPulse {
  readonly shared: SharedArrayBuffer;
  /** When that call began, `process.hrtime`, milliseconds. */
  private readonly calledAt: BigInt64Array;
  /** Number of the repository, from 1; 0: none. */
  private readonly waitsFor: Int32Array;

  constructor(
    private readonly repositoryIds: readonly string[],
    shared: SharedArrayBuffer | null = null,
  ) {
    this.shared = shared ?? new SharedArrayBuffer(12);
    this.calledAt = new BigInt64Array(this.shared, 0, 1);
    this.waitsFor = new Int32Array(this.shared, 8, 1);
  }

  /** Around calls that do not return before the storage has answered. */
  duringCallsOf(repositoryId: string): <T>(call: () => T) => T {
    const number = this.repositoryIds.indexOf(repositoryId) + 1;
    return (call) => {
      this.begin(number);
      try {
        return call();
      } finally {
        this.end();
      }
    };
  }

  /** @param number of the repository, from 1 */
  begin(number: number): void {
    Atomics.store(this.calledAt, 0, nowMs());
    Atomics.store(this.waitsFor, 0, number);
  }

  end(): void {
    Atomics.store(this.waitsFor, 0, 0);
  }

  /** 0: it does not stand. */
  get standsForMs(): number {
    if (Atomics.load(this.waitsFor, 0) === 0) return 0;
    const forMs = Number(nowMs() - Atomics.load(this.calledAt, 0));
    return forMs < STANDS_AFTER_MS ? 0 : forMs;
  }

  /** Id of the repository whose answer it waits for; null: it does not. */
  get awaited(): string | null {
    return this.repositoryIds[Atomics.load(this.waitsFor, 0) - 1] ?? null;
  }
}

/** Which repositories hold up how many threads, for all threads. */
export class HeldThreads {
  readonly shared: SharedArrayBuffer;
  private readonly counts: Int32Array;

  /** @param most threads that one repository may hold up */
  constructor(
    private readonly repositoryIds: readonly string[],
    private readonly most: number,
    shared: SharedArrayBuffer | null = null,
  ) {
    this.shared = shared ?? new SharedArrayBuffer(Math.max(4, 4 * repositoryIds.length));
    this.counts = new Int32Array(this.shared);
  }

  /** @param awaited the repository of each thread that stands */
  set(awaited: readonly (string | null)[]): void {
    for (const [index, id] of this.repositoryIds.entries())
      Atomics.store(this.counts, index, awaited.filter((other) => other === id).length);
  }

  /** Before more is asked of it: the next thread would stand as well.
   *  @throws REPOSITORY_UNREACHABLE */
  assertAnswers(repositoryId: string): void {
    const index = this.repositoryIds.indexOf(repositoryId);
    const count = index === -1 ? 0 : Atomics.load(this.counts, index);
    if (count < this.most) return;
    throw new BackupError(
      'REPOSITORY_UNREACHABLE',
      `Repository ${quoted(repositoryId)}: its storage has not answered for over a minute (${count} threads of the worker wait for it), so nothing more is asked of it until it does.`,
      { details: { repositoryId, threads: count } },
    );
  }
}

function nowMs(): bigint {
  return process.hrtime.bigint() / 1_000_000n;
}
