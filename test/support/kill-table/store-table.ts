import { KillTally } from './kill-tally.js';
import type { BrokenRun } from './kill-table.js';
import { prepareScenario, type ScenarioName } from './scenarios.js';
import { STORE_SABOTAGES } from './store-sabotages.js';
import type { Part } from './try-positions.js';
import { tryRequests, type RequestEffort } from './try-requests.js';

/** Scenarios, an activity that each is there for, and at every how many requests it is tried. */
type StorePlan = readonly (readonly [ScenarioName, string, RequestEffort])[];

/** All that the directory is tried with. A store has no update in place, so nothing is merged there: what retention does instead.
 *  @param every at every how many requests; 1: at all. The one chain of 6 that is copied from its beginning takes larger steps. */
export function wholeStorePlan(every: number): StorePlan {
  const once = (stride: number): RequestEffort => ({ stride: stride * every });
  const twice = (stride: number, secondStopStride: number): RequestEffort => ({
    stride: stride * every,
    secondStopStride: secondStopStride * every,
  });
  return [
    ['copy of a first full', 'commitRestorePoint', once(1)],
    ['copy of a chain of 2', 'commitRestorePoint', once(1)],
    ['copy of a chain of 6', 'scanBlocks', once(12)],
    ['copy of one increment', 'commitRestorePoint', once(1)],
    ['copy by digests', 'scanBlocks', once(1)],
    ['compare after a move', 'settleComparison', once(1)],
    ['copy again of what has grown', 'deleteRestorePoints', once(1)],
    ['copy of two windows', 'copyBlocks', once(1)],
    ['copy with machine description files', 'composeTargetFile', once(1)],
    ['synthetic full and delete in a chain of 2, without merge', 'replaceWithFull', once(1)],
    ['synthetic full and delete of zeros alone, without merge', 'replaceWithFull', once(1)],
    ['synthetic full and three deletes in a chain of 6, without merge', 'replaceWithFull', once(1)],
    ['synthetic full and delete of points with two digests', 'replaceWithFull', once(1)],
    ['GFS full in the middle, then delete', 'deleteRestorePoints', once(1)],
    ['compact of a full', 'replaceWithFull', once(1)],
    ['delete of a chain', 'deleteRestorePoints', once(1)],
    ['delete of a removed workload', 'settleAbsence', once(1)],
    ['flag of a full that retention would take', 'flagRestorePoint', once(1)],
    ['delete by an operator', 'removeRestorePoints', once(1)],
    ['set aside by an operator', 'removeRestorePoints', once(1)],
    ['heal of damaged blocks', 'healDisk', once(1)],
    ['quarantine of what cannot be healed', 'markDamage', once(1)],
    ['copy of a chain of 2', 'commitRestorePoint', twice(11, 17)],
    ['copy by digests', 'scanBlocks', twice(7, 13)],
    ['synthetic full and delete in a chain of 2, without merge', 'replaceWithFull', twice(5, 11)],
    ['compact of a full', 'replaceWithFull', twice(11, 17)],
    ['heal of damaged blocks', 'healDisk', twice(3, 7)],
    ['quarantine of what cannot be healed', 'markDamage', twice(5, 7)],
  ];
}

export async function tryStorePlan(
  plan: StorePlan,
  part: Part,
  tally: KillTally,
  onScenario: (name: ScenarioName) => void,
): Promise<void> {
  for (const [name, shows, effort] of plan) {
    onScenario(name);
    await tryRequests(await prepareScenario(name), { ...effort, shows, part }, tally);
  }
}

/** Of several parts each takes other promises. */
export async function tryStoreBroken(part: Part): Promise<BrokenRun[]> {
  const runs: BrokenRun[] = [];
  const sabotages = STORE_SABOTAGES.filter((_, index) => index % part.count === part.index);
  for (const { name, scenario, first, ways, broken } of sabotages) {
    const tally = new KillTally();
    const effort = { stride: 1, first, ways, broken, untilLost: true };
    await tryRequests(await prepareScenario(scenario), effort, tally);
    runs.push({ name, scenario, tally });
  }
  return runs;
}
