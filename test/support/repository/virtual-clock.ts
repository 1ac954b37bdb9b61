import type { MeterClock } from '../../../src/repository/rate-meter.js';

/** Time that passes only when everything waits. */
export class VirtualClock implements MeterClock {
  private ns = 1_000_000_000n;
  private readonly sleepers: { readonly dueNs: bigint; readonly wake: () => void }[] = [];

  nowNs(): bigint {
    return this.ns;
  }

  get seconds(): number {
    return Number(this.ns) / 1e9;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((wake) => {
      this.sleepers.push({ dueNs: this.ns + BigInt(Math.ceil(ms * 1e6)), wake });
    });
  }

  /** Lets time pass until `work` ends. */
  async during<T>(work: Promise<T>): Promise<T> {
    const end = work.then(
      () => true,
      () => true,
    );
    for (;;) {
      const turn = new Promise<boolean>((resolve) => setImmediate(() => resolve(false)));
      if (await Promise.race([end, turn])) return work;
      if (this.sleepers.length > 0) this.wakeNext();
    }
  }

  private wakeNext(): void {
    const next = this.sleepers.reduce((a, b) => (b.dueNs < a.dueNs ? b : a));
    this.sleepers.splice(this.sleepers.indexOf(next), 1);
    if (next.dueNs > this.ns) this.ns = next.dueNs;
    next.wake();
  }
}

/** What passed when. */
export class PassedBytes {
  private readonly passed: { readonly atSeconds: number; readonly bytes: number }[] = [];

  constructor(private readonly clock: VirtualClock) {}

  add(bytes: number): void {
    this.passed.push({ atSeconds: this.clock.seconds, bytes });
  }

  get total(): number {
    return this.passed.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The largest amount in any stretch of so many seconds, with the requests at its two ends. */
  mostWithin(seconds: number): number {
    let most = 0;
    let sum = 0;
    let first = 0;
    for (const { atSeconds, bytes } of this.passed) {
      sum += bytes;
      while (atSeconds - this.passed[first]!.atSeconds > seconds)
        sum -= this.passed[first++]!.bytes;
      most = Math.max(most, sum);
    }
    return most;
  }
}
