import { setTimeout as sleep } from 'node:timers/promises';

/** Time as a meter sees it: the same for all threads of a process, and never set back. */
export interface MeterClock {
  nowNs(): bigint;
  sleep(ms: number): Promise<void>;
}

const PROCESS_CLOCK: MeterClock = {
  nowNs: () => process.hrtime.bigint(),
  sleep: (ms) => sleep(ms),
};

/** How fast bytes may pass, for all threads of a process together. Each request takes the next free stretch of time, as long as its bytes take
 *  at the rate, and passes when that begins: so within any time T no more pass than the rate allows in T, and the last request of it.
 *  Time in which nothing passes is not saved up. */
export class RateMeter {
  readonly shared: SharedArrayBuffer;
  private readonly words: BigInt64Array;

  constructor(
    shared = new SharedArrayBuffer(WORDS * BigInt64Array.BYTES_PER_ELEMENT),
    private readonly clock = PROCESS_CLOCK,
  ) {
    this.shared = shared;
    this.words = new BigInt64Array(shared);
  }

  /** Holds at once, also for what waits already. null: no limit */
  set(bytesPerSecond: number | null): void {
    const rate = BigInt(Math.round(bytesPerSecond ?? 0));
    if (Atomics.exchange(this.words, RATE, rate) === rate) return;
    Atomics.store(this.words, NEXT, 0n);
    Atomics.add(this.words, CHANGES, 1n);
  }

  get isLimited(): boolean {
    return Atomics.load(this.words, RATE) !== 0n;
  }

  /** Resolves when so many bytes may pass. @param look called now and then while they wait; what it throws is thrown */
  async pass(bytes: number, look: () => void): Promise<void> {
    for (;;) {
      const changes = Atomics.load(this.words, CHANGES);
      const rate = Atomics.load(this.words, RATE);
      if (rate === 0n || (await this.waitUntil(this.reserve(bytes, rate), changes, look))) return;
    }
  }

  private reserve(bytes: number, rate: bigint): bigint {
    const takesNs = (BigInt(bytes) * NS_PER_S) / rate;
    for (;;) {
      const next = Atomics.load(this.words, NEXT);
      const nowNs = this.clock.nowNs();
      const beginsNs = next > nowNs ? next : nowNs;
      if (Atomics.compareExchange(this.words, NEXT, next, beginsNs + takesNs) === next)
        return beginsNs;
    }
  }

  /** @returns false: the rate is another one meanwhile */
  private async waitUntil(beginsNs: bigint, changes: bigint, look: () => void): Promise<boolean> {
    for (;;) {
      const leftNs = beginsNs - this.clock.nowNs();
      if (leftNs <= 0n) return true;
      look();
      await this.clock.sleep(Math.min(LOOK_INTERVAL_MS, Number(leftNs) / NS_PER_MS));
      if (Atomics.load(this.words, CHANGES) !== changes) return false;
    }
  }
}

/** Bytes per second; 0: no limit. */
const RATE = 0;
/** When the next free stretch of time begins, in nanoseconds of the clock. */
const NEXT = 1;
const CHANGES = 2;
const WORDS = 3;
const NS_PER_S = 1_000_000_000n;
const NS_PER_MS = 1_000_000;
/** So soon a change of the rate, or the end of a task, is noticed by what waits. */
const LOOK_INTERVAL_MS = 200;
