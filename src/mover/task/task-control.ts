import { BackupError } from '../../domain/errors.js';
import type { AwaitedStorage } from '../../repository/unanswered-calls.js';

/** What the thread that runs an activity and the data mover's threads share about one task: may it go on, and how far is it.
 *
 *  Fence: the owner extends a lease with every heartbeat. A process that was frozen and wakes up after its task was given to another
 *  worker finds the lease expired before its next write and stops, without asking anybody. */
export class TaskControl {
  readonly shared: SharedArrayBuffer;
  /** Storage that the threads wait for which have the task. Set by who gives it to them; for the thread that runs the activity. */
  awaitedInThreads: () => readonly AwaitedStorage[] = () => [];
  private readonly words: Int32Array;
  private readonly counters: BigInt64Array;

  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(SHARED_BYTES)) {
    this.shared = shared;
    this.words = new Int32Array(shared, 0, WORDS);
    this.counters = new BigInt64Array(shared, WORDS * 4, COUNTER_NAMES.length + 2);
  }

  /** Stops the task at its next look. */
  stop(): void {
    Atomics.store(this.words, STOP, 1);
  }

  get isStopped(): boolean {
    return Atomics.load(this.words, STOP) === 1;
  }

  /** Allows writes for `leaseMs` from now, by both clocks: the one that nobody sets stands still while a guest is paused. Without a first
   *  call there is no lease and no fence. */
  extendLease(leaseMs: number): void {
    const until = process.hrtime.bigint() + BigInt(Math.round(leaseMs)) * NS_PER_MS;
    Atomics.store(this.counters, WALL_LEASE, BigInt(Date.now() + Math.round(leaseMs)));
    Atomics.store(this.counters, LEASE, until);
  }

  private get hasLease(): boolean {
    const until = Atomics.load(this.counters, LEASE);
    if (until === 0n) return true;
    return (
      process.hrtime.bigint() <= until &&
      BigInt(Date.now()) <= Atomics.load(this.counters, WALL_LEASE)
    );
  }

  /** Called right before every write (`StorageVerbs.fenced`).
   *  @throws TaskStopped, LEASE_EXPIRED */
  assertMayWrite(): void {
    this.throwIfStopped();
    if (!this.hasLease)
      throw new BackupError(
        'LEASE_EXPIRED',
        'this worker stood still for longer than its lease, so its task may run elsewhere by now: it writes no more',
      );
  }

  throwIfStopped(): void {
    if (this.isStopped) throw new TaskStopped();
  }

  add(counter: TaskCounter, amount: number): void {
    Atomics.add(this.counters, COUNTER_NAMES.indexOf(counter), BigInt(amount));
  }

  /** @returns what `work` answers; its time is added */
  async timed<T>(counter: TaskCounter, work: () => Promise<T>): Promise<T> {
    const beganNs = process.hrtime.bigint();
    try {
      return await work();
    } finally {
      const tookNs = process.hrtime.bigint() - beganNs;
      Atomics.add(this.counters, COUNTER_NAMES.indexOf(counter), tookNs);
    }
  }

  get(counter: TaskCounter): number {
    return Number(Atomics.load(this.counters, COUNTER_NAMES.indexOf(counter)));
  }
}

/** The task was stopped from outside; not a failure. */
export class TaskStopped extends Error {
  override readonly name = 'TaskStopped';
  constructor() {
    super('the task was stopped');
  }
}

/** `processedBlocks`: guest blocks dealt with; `…Ns`: where the time of the threads went (`MoverTimes`), in nanoseconds; the others: `MovedBytes`. */
const COUNTER_NAMES = [
  'processedBlocks',
  'readBytes',
  'transferredBytes',
  'reusedBytes',
  'storedBytes',
  'foundBlocks',
  'loopNs',
  'sourceNs',
  'targetNs',
  'limitNs',
] as const;
type TaskCounter = (typeof COUNTER_NAMES)[number];

const STOP = 0;
const WORDS = 2;
/** `process.hrtime`, nanoseconds; then epoch milliseconds. */
const LEASE = COUNTER_NAMES.length;
const WALL_LEASE = LEASE + 1;
const SHARED_BYTES = WORDS * 4 + (COUNTER_NAMES.length + 2) * 8;
const NS_PER_MS = 1_000_000n;
