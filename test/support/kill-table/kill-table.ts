import { KillTally } from './kill-tally.js';
import { SABOTAGES } from './sabotages.js';
import { prepareScenario, type ScenarioName } from './scenarios.js';
import type { SourceFormat } from './source-format.js';
import { tryPositions, type Effort, type Part } from './try-positions.js';

/** Scenarios and how much is tried of each. */
export type Plan = readonly (readonly [ScenarioName, Effort])[];

const POWER_CUTS = 6;

/** @param every at every how many operations the scenarios are stopped; 1: at all. The one chain of 6 that is copied from its beginning
 *  takes larger steps: the copies of a full and of an increment go through the same operations. */
export function wholePlan(every: number): Plan {
  const once = (stride: number, witnessStride: number): Effort => ({
    powerCuts: POWER_CUTS,
    stride: stride * every,
    witnessStride: witnessStride * every,
  });
  const twice = (stride: number, secondStopStride: number): Effort => ({
    powerCuts: 2,
    stride: stride * every,
    witnessStride: 0,
    secondStopStride: secondStopStride * every,
  });
  return [
    ['copy of a first full', once(1, 20)],
    ['copy of a chain of 2', once(1, 5)],
    ['copy of a chain of 6', once(36, 108)],
    ['copy of one increment', once(1, 20)],
    ['copy by digests', once(1, 10)],
    ['compare after a move', once(1, 20)],
    ['copy again of what has grown', once(1, 20)],
    ['copy of two windows', once(1, 20)],
    ['copy with machine description files', once(1, 20)],
    ['merge in a chain of 2', once(1, 1)],
    ['merge of zeros alone', once(1, 10)],
    ['two merges in a chain of 6', once(1, 20)],
    ['GFS full in the middle, then delete', once(1, 20)],
    ['synthetic full and delete instead of a merge', once(1, 20)],
    ['compact of a full', once(1, 20)],
    ['delete of a chain', once(1, 20)],
    ['delete of a removed workload', once(1, 20)],
    ['flag of a full that retention would take', once(1, 20)],
    ['delete by an operator', once(1, 20)],
    ['set aside by an operator', once(1, 20)],
    ['heal of damaged blocks', once(1, 10)],
    ['quarantine of what cannot be healed', once(1, 10)],
    ['copy of a chain of 2', twice(10, 17)],
    ['copy by digests', twice(7, 13)],
    ['merge in a chain of 2', twice(2, 5)],
    ['compact of a full', twice(37, 29)],
    ['heal of damaged blocks', twice(9, 13)],
    ['quarantine of what cannot be healed', twice(9, 13)],
  ];
}

/** Where one forgotten sync costs most: every second to seventh operation there, with many power cuts. */
const DECISIVE: Plan = [
  // A window is sealed in the journal only when its blocks are durable.
  ['copy of a chain of 2', { ...many(8), stride: 2, within: ['copyBlocks'] }],
  // The files of a full take the names of those that it replaces one after the other.
  ['compact of a full', { ...many(2), stride: 5, within: ['replaceWithFull'] }],
  // A unit that was healed is durable before anything says so.
  ['heal of damaged blocks', { ...many(4), stride: 5, within: ['healDisk', 'healDigestTable'] }],
  // The notes of a health check vouch for what was read and found.
  ['heal of damaged blocks', { ...many(3), stride: 7, within: ['verifyBlocks', 'collectDamage'] }],
];

function many(powerCuts: number): Effort {
  return { powerCuts, stride: 1, witnessStride: 0 };
}

/** For every build: each kind of change, with gaps. */
export const REDUCED_PLAN: Plan = [
  ['copy of a chain of 2', { powerCuts: 2, stride: 47, witnessStride: 141 }],
  ['copy of one increment', { powerCuts: 1, stride: 107, witnessStride: 0 }],
  ['copy with machine description files', { powerCuts: 1, stride: 47, witnessStride: 0 }],
  ['copy by digests', { powerCuts: 2, stride: 19, witnessStride: 0 }],
  ['compare after a move', { powerCuts: 1, stride: 23, witnessStride: 0 }],
  ['copy again of what has grown', { powerCuts: 1, stride: 107, witnessStride: 0 }],
  ['merge in a chain of 2', { powerCuts: 2, stride: 19, witnessStride: 57 }],
  ['merge of zeros alone', { powerCuts: 1, stride: 19, witnessStride: 0 }],
  ['two merges in a chain of 6', { powerCuts: 1, stride: 135, witnessStride: 0 }],
  ['GFS full in the middle, then delete', { powerCuts: 1, stride: 123, witnessStride: 0 }],
  ['compact of a full', { powerCuts: 1, stride: 75, witnessStride: 0 }],
  ['delete of a chain', { powerCuts: 1, stride: 27, witnessStride: 0 }],
  ['delete of a removed workload', { powerCuts: 1, stride: 3, witnessStride: 0 }],
  ['flag of a full that retention would take', { powerCuts: 1, stride: 27, witnessStride: 0 }],
  ['delete by an operator', { powerCuts: 1, stride: 47, witnessStride: 0 }],
  ['set aside by an operator', { powerCuts: 1, stride: 47, witnessStride: 0 }],
  ['heal of damaged blocks', { powerCuts: 2, stride: 27, witnessStride: 0 }],
  ['quarantine of what cannot be healed', { powerCuts: 2, stride: 35, witnessStride: 0 }],
  ['merge in a chain of 2', { powerCuts: 1, stride: 63, witnessStride: 0, secondStopStride: 37 }],
  ['heal of damaged blocks', { powerCuts: 1, stride: 83, witnessStride: 0, secondStopStride: 47 }],
  ...DECISIVE,
];

export async function tryPlan(
  plan: Plan,
  part: Part,
  tally: KillTally,
  onScenario: (name: ScenarioName) => void,
  format?: SourceFormat,
): Promise<void> {
  for (const [name, effort] of plan) {
    onScenario(name);
    await tryPositions(await prepareScenario(name, format), { ...effort, part }, tally);
  }
}

/** What the table shows when a promise is broken on purpose. */
export interface BrokenRun {
  readonly name: string;
  readonly scenario: ScenarioName;
  readonly tally: KillTally;
}

/** Of several parts each takes other promises. */
export async function tryBrokenOnPurpose(part: Part): Promise<BrokenRun[]> {
  const runs: BrokenRun[] = [];
  const sabotages = SABOTAGES.filter((_, i) => i % part.count === part.index);
  for (const { name, scenario, sabotage, stride } of sabotages) {
    const tally = new KillTally();
    const effort = { powerCuts: POWER_CUTS, stride, witnessStride: 0, sabotage };
    await tryPositions(await prepareScenario(scenario), effort, tally);
    runs.push({ name, scenario, tally });
  }
  return runs;
}
