import { cpuUse, cpuUsed } from './cpu-use.js';
import { runProgram } from './commands.js';

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
}

/** A round in which others used more than this does not count. */
const QUIET_LIMIT = 0.08;
const MIN_QUIET_ROUNDS = 3;

export interface RoundsOptions {
  readonly count: number;
  /** Our resident processes. */
  readonly pids: readonly number[];
  /** Memory that is touched before each case: as much as its output takes. */
  readonly touchMiB: number;
  /** Right before each case, not timed. */
  readonly beforeCase?: (() => Promise<void>) | undefined;
}

/** Runs all cases once a round, beginning with another one each time. */
export async function runRounds(
  cases: readonly BenchCase[],
  { count, pids, touchMiB, beforeCase }: RoundsOptions,
): Promise<Round[]> {
  const rounds: Round[] = [];
  for (let round = 0; round < count; round++) {
    const seconds: Record<string, number> = {};
    const cpuSeconds: Record<string, number> = {};
    let others = 0;
    for (let i = 0; i < cases.length; i++) {
      const current = cases[(i + round) % cases.length]!;
      await current.prepare?.();
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
    rounds.push({ seconds, cpuSeconds, others });
  }
  for (const each of cases) await each.check?.();
  return rounds;
}

export async function timed(action: () => Promise<void>): Promise<number> {
  const startedAtMs = performance.now();
  await action();
  return (performance.now() - startedAtMs) / 1000;
}

/** A virtual machine gives unused pages back to its host, and the first touch afterwards costs up to 1 s a GiB, at random. */
async function touchMemory(sizeMiB: number): Promise<void> {
  await runProgram('dd', 'if=/dev/zero', 'of=/dev/null', `bs=${sizeMiB}M`, 'count=1');
}

export interface Ratio {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
  readonly rounds: number;
  /** Too few rounds were quiet: all were taken. */
  readonly isDisturbed: boolean;
}

/** Median of the rounds' ratios: what a busy disk does to both in one round cancels out. */
export function ratioOf(rounds: readonly Round[], ours: string, peer: string): Ratio {
  const quiet = rounds.filter(({ others }) => others <= QUIET_LIMIT);
  const isDisturbed = quiet.length < MIN_QUIET_ROUNDS;
  const ratios = (isDisturbed ? rounds : quiet)
    .map(({ seconds }) => seconds[ours]! / seconds[peer]!)
    .sort((a, b) => a - b);
  return {
    median: median(ratios),
    lowest: ratios[0]!,
    highest: ratios.at(-1)!,
    rounds: ratios.length,
    isDisturbed,
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
