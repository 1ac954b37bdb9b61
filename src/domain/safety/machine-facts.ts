/** What is known of each of the machines whose backups one store has. Pure. */

import { believedPoints } from '../sources/believed-dates.js';
import type { SourceRestorePoint } from '../sources/source-workload.js';
import type { TargetRestorePoint } from '../targets/target-point.js';
import type { TreeRules } from '../trees/tree-rules.js';
import { soundPoints } from './find-facts.js';
import { SHOWN_MACHINES, type MachineFacts } from './workload-facts.js';

/** By the id that it has in its source. */
interface DatedPoint {
  readonly id: string;
  readonly createdAtMs: number;
}

type MachineOf = NonNullable<TreeRules['machineOf']>;

/** @param points of the source, settled */
export function shownMachines(
  points: readonly SourceRestorePoint[],
  machineOf: MachineOf,
): MachineFacts[] {
  const whole = points.filter(({ state }) => state === 'complete');
  return machinesOf(points, whole, machineOf);
}

/** @param points that are offered, in the order of the record */
export function copiedMachines(
  points: readonly TargetRestorePoint[],
  machineOf: MachineOf,
  nowMs: number,
): MachineFacts[] {
  const dated = believedPoints(points, nowMs);
  return machinesOf(dated.map(asDated), soundPoints(dated).map(asDated), machineOf);
}

function asDated({ source, createdAt }: TargetRestorePoint): DatedPoint {
  return { id: source.restorePointId, createdAtMs: Date.parse(createdAt) };
}

/** @param points of all machines
 *  @param counted those of them that can be relied on */
function machinesOf(
  points: readonly DatedPoint[],
  counted: readonly DatedPoint[],
  machineOf: MachineOf,
): MachineFacts[] {
  const newest = new Map(points.map(({ id }) => [machineOf(id), -Infinity]));
  for (const { id, createdAtMs } of counted)
    newest.set(machineOf(id), Math.max(newest.get(machineOf(id)) ?? -Infinity, createdAtMs));
  return [...newest]
    .sort(([, a], [, b]) => (a === b ? 0 : a - b))
    .slice(0, SHOWN_MACHINES)
    .map(([name, atMs]) => ({
      name,
      newestAtSeconds: atMs === -Infinity ? null : Math.floor(atMs / 1_000),
    }));
}
