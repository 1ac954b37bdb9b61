import { median, MIN_QUIET_ROUNDS, partOfDisk, ratioOf, type Ratio, type Round } from './rounds.js';
import type { RatioGoal, Suite } from './suite.js';

export interface GoalResult {
  readonly goal: string;
  readonly measured: string;
  /** null: only shown. */
  readonly limit: string | null;
  readonly state: 'met' | 'missed' | 'shown' | 'notMeasurable';
  readonly note: string;
}

export interface CaseResult {
  readonly name: string;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Part of the disk's own speed, 0 to 1 and a little more; null where that says nothing. */
  readonly partOfDisk: number | null;
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

/** At this part of its speed the disk decides. */
const DISK_BOUND = 0.95;

/** @param rounds quiet ones */
export async function suiteResult(suite: Suite, rounds: readonly Round[]): Promise<SuiteResult> {
  const cases: CaseResult[] = [];
  for (const own of suite.own)
    cases.push({
      ...timesOf(own.name, suite, rounds),
      peakMemoryMiB: await own.mover.peakMemoryMiB(),
      eventLoopDelayMs: median(own.delaysMs),
    });
  for (const { name } of suite.peers)
    cases.push({ ...timesOf(name, suite, rounds), peakMemoryMiB: null, eventLoopDelayMs: null });
  const ofCase = (name: string) => cases.find((entry) => entry.name === name)!;
  const ratios = suite.goals.map((goal) => {
    const { peer, fastestOf = [peer] } = goal;
    const isFastest = fastestOf.every((name) => ofCase(peer).seconds <= ofCase(name).seconds);
    const limit = isFastest ? goal.limit : null;
    return ratioGoal({ ...goal, limit }, rounds, ofCase(goal.ours).partOfDisk);
  });
  const { maxSeconds } = suite;
  const times =
    maxSeconds === undefined
      ? []
      : suite.own.map(({ name }) =>
          rounds.length < MIN_QUIET_ROUNDS
            ? notMeasurable(name, `≤ ${maxSeconds} s`, rounds)
            : limitGoal(name, ofCase(name).seconds, maxSeconds, 's', ''),
        );
  return { goals: [...ratios, ...times, ...cases.flatMap(memoryAndDelay)], cases };
}

/** A goal that one of two series misses is met when the other meets it, and missed otherwise; what the first has shown stands beside the second.
 *  @returns the figures of the second */
export function seriesTogether(first: SuiteResult, second: SuiteResult): SuiteResult {
  const goals = second.goals.map((goal): GoalResult => {
    const before = first.goals.find((each) => each.goal === goal.goal);
    const states = [before?.state, goal.state];
    if (before === undefined || !states.includes('missed')) return goal;
    const shown = `first series ${before.measured}${before.note === '' ? '' : ` (${before.note})`}`;
    const known = states.includes('met') ? 'met' : 'missed';
    const state = goal.state === 'shown' ? 'shown' : known;
    return { ...goal, state, note: goal.note === '' ? shown : `${goal.note}; ${shown}` };
  });
  return { ...second, goals };
}

function timesOf(name: string, { outputMiB }: Suite, rounds: readonly Round[]) {
  const disk = outputMiB === undefined ? null : partOfDisk(rounds, name, outputMiB);
  return {
    name,
    seconds: median(rounds.map(({ seconds }) => seconds[name]!)),
    cpuSeconds: median(rounds.map(({ cpuSeconds }) => cpuSeconds[name]!)),
    partOfDisk: disk?.median ?? null,
  };
}

function ratioGoal(
  { ours, peer, limit, orDisk = false }: RatioGoal,
  rounds: readonly Round[],
  disk: number | null,
): GoalResult {
  const goal = `${ours} / ${peer}`;
  const text = limit === null ? null : `≤ ${limit.toFixed(2)}`;
  const ratio = ratioOf(rounds, ours, peer);
  if (ratio === null) return notMeasurable(goal, text, rounds);
  const isDiskBound = orDisk && disk !== null && disk >= DISK_BOUND;
  return {
    goal,
    measured: ratio.median.toFixed(2),
    limit: text,
    state: limit === null ? 'shown' : isMet(ratio, limit) || isDiskBound ? 'met' : 'missed',
    note: `${ratio.lowest.toFixed(2)}–${ratio.highest.toFixed(2)} in ${ratio.rounds} rounds${isDiskBound ? ', bound by the disk' : ''}`,
  };
}

function notMeasurable(goal: string, limit: string | null, rounds: readonly Round[]): GoalResult {
  const note = `other processes were busy: ${rounds.length} quiet rounds`;
  return { goal, measured: 'not measurable', limit, state: 'notMeasurable', note };
}

function isMet({ median: measured }: Ratio, limit: number): boolean {
  return measured <= limit * NOISE_FACTOR;
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
