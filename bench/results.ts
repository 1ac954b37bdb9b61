import { median, ratioOf, type Ratio, type Round } from './rounds.js';
import type { Suite } from './suite.js';

export interface GoalResult {
  readonly goal: string;
  readonly measured: string;
  /** null: only shown. */
  readonly limit: string | null;
  readonly state: 'met' | 'missed' | 'shown';
  readonly note: string;
}

export interface CaseResult {
  readonly name: string;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Of ours only. */
  readonly peakMemoryMiB: number | null;
  readonly eventLoopDelayMs: number | null;
}

export interface SuiteResult {
  readonly goals: readonly GoalResult[];
  readonly cases: readonly CaseResult[];
}

/** A single machine's noise: a ratio is missed when it is above this many times its limit. */
const NOISE_FACTOR = 1.15;
const MAX_MEMORY_MIB = 160;
const MAX_DELAY_MS = 20;

export async function suiteResult(suite: Suite, rounds: readonly Round[]): Promise<SuiteResult> {
  const cases: CaseResult[] = [];
  for (const own of suite.own)
    cases.push({
      ...timesOf(own.name, rounds),
      peakMemoryMiB: await own.mover.peakMemoryMiB(),
      eventLoopDelayMs: median(own.delaysMs),
    });
  for (const { name } of suite.peers)
    cases.push({ ...timesOf(name, rounds), peakMemoryMiB: null, eventLoopDelayMs: null });
  const secondsOf = (name: string) => cases.find((entry) => entry.name === name)!.seconds;
  const ratios = suite.goals.map(({ ours, peer, limit, fastestOf = [peer] }) => {
    const isFastest = fastestOf.every((name) => secondsOf(peer) <= secondsOf(name));
    return ratioGoal(`${ours} / ${peer}`, ratioOf(rounds, ours, peer), isFastest ? limit : null);
  });
  return { goals: [...ratios, ...cases.flatMap(memoryAndDelay)], cases };
}

function timesOf(name: string, rounds: readonly Round[]) {
  return {
    name,
    seconds: median(rounds.map(({ seconds }) => seconds[name]!)),
    cpuSeconds: median(rounds.map(({ cpuSeconds }) => cpuSeconds[name]!)),
  };
}

function ratioGoal(goal: string, ratio: Ratio, limit: number | null): GoalResult {
  const disturbed = ratio.isDisturbed ? ', other processes were busy' : '';
  return {
    goal,
    measured: ratio.median.toFixed(2),
    limit: limit === null ? null : `≤ ${limit.toFixed(2)}`,
    state: limit === null ? 'shown' : ratio.median <= limit * NOISE_FACTOR ? 'met' : 'missed',
    note: `${ratio.lowest.toFixed(2)}–${ratio.highest.toFixed(2)} in ${ratio.rounds} rounds${disturbed}`,
  };
}

function memoryAndDelay({ name, peakMemoryMiB, eventLoopDelayMs }: CaseResult): GoalResult[] {
  if (peakMemoryMiB === null || eventLoopDelayMs === null) return [];
  return [
    limitGoal(`${name}: peak memory of the process`, peakMemoryMiB, MAX_MEMORY_MIB, 'MiB', ''),
    limitGoal(`${name}: event-loop delay, p99`, eventLoopDelayMs, MAX_DELAY_MS, 'ms', ''),
  ];
}

export function limitGoal(
  goal: string,
  value: number,
  limit: number,
  unit: string,
  note: string,
): GoalResult {
  const digits = value < 10 ? 2 : 0;
  return {
    goal,
    measured: `${value.toFixed(digits)} ${unit}`,
    limit: `≤ ${limit} ${unit}`,
    state: value <= limit ? 'met' : 'missed',
    note,
  };
}
