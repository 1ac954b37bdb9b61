const BEAT_MS = 500;

/** Less is an event loop that is busy. */
const MIN_GAP_MS = 2 * BEAT_MS;

/** What the server gave to a process before it stood still reaches it within this time after it has woken. */
const LATE_MS = 10_000;

/** Time as both clocks show it: one that nobody sets, but that stands still with a machine that is suspended or a guest that is paused, and
 *  one that is set right after that. */
export interface ClockReading {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

export function readClocks(): ClockReading {
  return { monotonicMs: performance.now(), wallMs: Date.now() };
}

/** The longer of the two times that the clocks show. A wall clock that is set forward counts as well: then something is done again. */
export function elapsedMs(from: ClockReading, to: ClockReading): number {
  return Math.max(to.monotonicMs - from.monotonicMs, to.wallMs - from.wallMs);
}

/** Notices that this process stood still: frozen, suspended with its machine, or starved.
 *
 *  A process waits at the server for its next task. When it is frozen then, the server gives it one all the same, waits in vain, and gives
 *  the task to another worker. On waking the process finds the task and takes it for a new one. */
export class Pulse {
  private last: ClockReading;
  /** How often it stood still. */
  private wakings = 0;
  private woke: { readonly at: ClockReading; readonly stoodStillMs: number } | null = null;

  constructor(private readonly read = readClocks) {
    this.last = read();
  }

  start(): this {
    setInterval(() => this.beat(), BEAT_MS).unref();
    return this;
  }

  /** What was before is of no account: nobody here had asked the server for a task. */
  forget(): void {
    this.last = this.read();
    this.woke = null;
  }

  beat(): void {
    const at = this.read();
    const stoodStillMs = elapsedMs(this.last, at);
    this.last = at;
    if (this.woke !== null && elapsedMs(this.woke.at, at) > LATE_MS) this.woke = null;
    if (stoodStillMs > MIN_GAP_MS) this.wakings++;
    if (stoodStillMs > (this.woke?.stoodStillMs ?? MIN_GAP_MS)) this.woke = { at, stoodStillMs };
  }

  /** Changes with each time that it stood still. */
  get waking(): number {
    return this.wakings;
  }

  /** Whether a task that has just arrived may be one that the server has given away since. */
  mayBeLate(leaseMs: number): boolean {
    this.beat();
    return this.woke !== null && this.woke.stoodStillMs > leaseMs;
  }
}
