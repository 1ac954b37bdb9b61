/** Neighbouring windows of a disk. Work is handed round in runs, never as one number for each window: 64 TiB have 8.4 million. */
export interface WindowRun {
  readonly first: number;
  readonly count: number;
}

export function windowsIn(runs: readonly WindowRun[]): number {
  return runs.reduce((sum, { count }) => sum + count, 0);
}

/** Of the windows `first … first + count - 1` those that are in none of `runs`, which are sorted and lie among them. */
export function windowsBeside(
  { first, count }: WindowRun,
  runs: readonly WindowRun[],
): WindowRun[] {
  const beside: WindowRun[] = [];
  let next = first;
  for (const run of [...runs, { first: first + count, count: 0 }]) {
    beside.push(...windowRuns(next, run.first - next));
    next = run.first + run.count;
  }
  return beside;
}

/** `count` windows from the first on; no run for none. */
export function windowRuns(first: number, count: number): WindowRun[] {
  return count === 0 ? [] : [{ first, count }];
}

/** Windows of one disk, without those that are done, for loops on several threads: each is handed out once. A task that works on several
 *  disks has a range for each. */
export class WindowRange {
  private readonly next: Int32Array;
  private readonly total: number;
  private run = 0;
  /** Windows in the runs before `run`. */
  private before = 0;

  constructor(
    private readonly runs: readonly WindowRun[],
    readonly shared: SharedArrayBuffer = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
  ) {
    this.next = new Int32Array(shared);
    this.total = windowsIn(runs);
  }

  /** How many nobody has claimed. */
  get left(): number {
    return Math.max(0, this.total - Atomics.load(this.next, 0));
  }

  /** undefined: none is left. */
  claim(): number | undefined {
    const index = Atomics.add(this.next, 0, 1);
    for (;;) {
      const run = this.runs[this.run];
      if (run === undefined) return undefined;
      if (index < this.before + run.count) return run.first + index - this.before;
      this.before += run.count;
      this.run++;
    }
  }
}
