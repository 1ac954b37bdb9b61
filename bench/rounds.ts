import { cpuUse, cpuUsed } from './cpu-use.js';
import { runProgram } from './commands.js';
import { diskSpeed, settleDisk } from './disk.js';

/** One way to do a piece of work, ours or a peer's. */
export interface BenchCase {
  readonly name: string;
  /** Brings its files into the state before; not timed. */
  prepare?(): Promise<void>;
  /** Does the work until its result is durable; returns the seconds it took. */
  run(): Promise<number>;
  /** Looks at the output of the last round with another tool. */
  check?(): Promise<void>;
}

export interface Round {
  /** By case. */
  readonly seconds: Readonly<Record<string, number>>;
  /** Processor time by case. */
  readonly cpuSeconds: Readonly<Record<string, number>>;
  /** Largest part of the machine that other processes used during a case. */
  readonly others: number;
  /** What the disk took in this round when it was written around the page cache, MiB/s; null where there is none. */
  readonly diskSpeed: number | null;
}

/** A round in which others used more than this does not count. */
const QUIET_LIMIT = 0.08;
/** Fewer say nothing. */
export const MIN_QUIET_ROUNDS = 3;
/** What a worker that runs for weeks has long compiled: a case is repeated at least so often before it counts, and for so long. Code is compiled by how
 *  often it has run, so four times a tenth of a second leave most of it interpreted. */
const WARM_UP = { leastRuns: 4, seconds: 5, mostRuns: 60 };

interface RoundsOptions {
  /** Quiet rounds that are wanted; twice as many are tried at most. */
  readonly count: number;
  /** Our resident processes. */
  readonly pids: readonly number[];
  /** Memory that is touched before each case: twice what it reads and writes. */
  readonly touchMiB: number;
  /** Waits before each case until nothing is left of the one before; by default until no disk of the machine has anything to do. */
  readonly settle?: () => Promise<void>;
  /** Right before each case, not timed. */
  readonly beforeCase?: (() => Promise<void>) | undefined;
  /** Folder on the disk that the cases write to; null: they write to memory. */
  readonly diskFolder: string | null;
}

/** Runs all cases once a round, beginning with another one each time, until enough rounds were quiet.
 *  @param resident repeated untimed first
 *  @returns the quiet rounds */
export async function runRounds(
  resident: readonly BenchCase[],
  peers: readonly BenchCase[],
  options: RoundsOptions,
): Promise<Round[]> {
  for (const each of resident) await warmUp(each);
  const cases = [...resident, ...peers];
  const quiet: Round[] = [];
  for (let n = 0; n < 2 * options.count && quiet.length < options.count; n++) {
    const first = n % cases.length;
    const round = await runRound([...cases.slice(first), ...cases.slice(0, first)], options);
    if (round.others <= QUIET_LIMIT) quiet.push(round);
  }
  for (const each of cases) await each.check?.();
  return quiet;
}

async function warmUp(each: BenchCase): Promise<void> {
  await repeatUntilWarm(async () => {
    await each.prepare?.();
    return each.run();
  });
}

/** Repeats untimed what a worker that runs for weeks has done often.
 *  @param run returns the seconds it took */
export async function repeatUntilWarm(run: () => Promise<number>): Promise<void> {
  const { leastRuns, seconds, mostRuns } = WARM_UP;
  let spentSeconds = 0;
  for (let n = 0; n < leastRuns || (n < mostRuns && spentSeconds < seconds); n++)
    spentSeconds += await run();
}

async function runRound(
  cases: readonly BenchCase[],
  { pids, touchMiB, settle = settleDisk, beforeCase, diskFolder }: RoundsOptions,
): Promise<Round> {
  const seconds: Record<string, number> = {};
  const cpuSeconds: Record<string, number> = {};
  let others = 0;
  const speed = diskFolder === null ? null : await diskSpeed(diskFolder);
  for (const current of cases) {
    await current.prepare?.();
    await settle();
    await touchMemory(touchMiB);
    await beforeCase?.();
    const before = await cpuUse(pids);
    const startedAtMs = performance.now();
    seconds[current.name] = await current.run();
    const wallSeconds = (performance.now() - startedAtMs) / 1000;
    const use = cpuUsed(before, await cpuUse(pids), wallSeconds);
    cpuSeconds[current.name] = use.ownSeconds;
    others = Math.max(others, use.partOfOthers);
  }
  return { seconds, cpuSeconds, others, diskSpeed: speed };
}

export async function timed(action: () => Promise<void>): Promise<number> {
  const startedAtMs = performance.now();
  await action();
  return (performance.now() - startedAtMs) / 1000;
}

/** A virtual machine gives unused pages back to its host, and the first touch afterwards costs up to 1 s a GiB, at random. */
async function touchMemory(sizeMiB: number): Promise<void> {
  await runProgram('dd', 'if=/dev/zero', 'of=/dev/null', `bs=${Math.ceil(sizeMiB)}M`, 'count=1');
}

export interface Ratio {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
  readonly rounds: number;
}

/** Median of the rounds' ratios: what a busy disk does to both in one round cancels out. null: too few rounds to say. */
export function ratioOf(rounds: readonly Round[], ours: string, peer: string): Ratio | null {
  return spreadOf(rounds.map(({ seconds }) => seconds[ours]! / seconds[peer]!));
}

/** Part of the disk's own speed at which a case wrote `sizeMiB`, 0 to 1 and a little more. null: too few rounds, or no disk. */
export function partOfDisk(rounds: readonly Round[], name: string, sizeMiB: number): Ratio | null {
  return spreadOf(
    rounds.flatMap(({ seconds, diskSpeed: speed }) =>
      speed === null ? [] : [sizeMiB / seconds[name]! / speed],
    ),
  );
}

function spreadOf(values: readonly number[]): Ratio | null {
  if (values.length < MIN_QUIET_ROUNDS) return null;
  const lowest = Math.min(...values);
  return { median: median(values), lowest, highest: Math.max(...values), rounds: values.length };
}

/** NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length === 0) return NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
