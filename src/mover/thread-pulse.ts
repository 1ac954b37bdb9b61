import { unanswered, UNANSWERED_MS } from '../repository/unanswered-calls.js';

/** How often threads are looked after. */
export const PULSE_MS = 5_000;

/** A thread that has been in one call for so long gets no more work, and a disk that has to start may take as long: another thread costs little. */
const STANDS_MS = 10_000;

/** Storage that has kept a thread for so long counts as one that does not answer. */
const HELD_MS = UNANSWERED_MS;

/** Of one thread, shared with it: how many calls it has begun, and whose storage it is waiting for. A thread that stands in a call says nothing itself: the storage does
 *  not answer, as a hard NFS mount whose server is away. One that works for hours, as over the list of a million files, is in many calls. */
export class ThreadPulse {
  readonly shared: SharedArrayBuffer;
  /** Counted, and not timed: a clock costs a look at a file a tenth more. */
  private readonly calls: Int32Array;
  /** Number of the repository, from 1; 0: none. */
  private readonly waitsFor: Int32Array;
  private seen = { calls: 0, atMs: nowMs() };

  constructor(
    private readonly repositoryIds: readonly string[],
    shared: SharedArrayBuffer | null = null,
  ) {
    this.shared = shared ?? new SharedArrayBuffer(8);
    this.calls = new Int32Array(this.shared, 0, 1);
    this.waitsFor = new Int32Array(this.shared, 4, 1);
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
    Atomics.add(this.calls, 0, 1);
    Atomics.store(this.waitsFor, 0, number);
  }

  end(): void {
    Atomics.store(this.waitsFor, 0, 0);
  }

  /** For how long it has been seen in one call; 0: it is in none. To be asked every `PULSE_MS`. */
  get inOneCallMs(): number {
    const [calls, now] = [Atomics.load(this.calls, 0), nowMs()];
    if (Atomics.load(this.waitsFor, 0) === 0 || calls !== this.seen.calls)
      this.seen = { calls, atMs: now };
    return now - this.seen.atMs;
  }

  /** The same; 0: it does not stand. */
  get standsForMs(): number {
    const forMs = this.inOneCallMs;
    return forMs < STANDS_MS ? 0 : forMs;
  }

  /** Whether its storage counts as one that does not answer. */
  get isHeld(): boolean {
    return this.inOneCallMs >= HELD_MS;
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

  /** @param awaited the repository of each thread that is held */
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
    const forHowLong = `${HELD_MS / 1000} s and more (${count} threads of the worker wait for it)`;
    throw unanswered(repositoryId, forHowLong, { threads: count });
  }
}

function nowMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
