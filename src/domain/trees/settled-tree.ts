import { settlePoints, type SettleRule } from '../sources/settle.js';
import type { SourceRestorePoint } from '../sources/source-workload.js';
import type { FoundTree, TreePoint } from './source-tree.js';

/** The points with their state as it is at `rule.nowMs`: those that may still be written are `inProgress`, and so is what needs them. */
export function settledTreePoints(
  tree: Pick<FoundTree, 'id' | 'points'>,
  rule: SettleRule,
): TreePoint[] {
  const settled = settlePoints(restorePointsOf(tree), rule);
  const byId = new Map(settled.map((point) => [point.id, point]));
  return tree.points.map((point) => {
    const { state, reason } = byId.get(point.id) ?? point;
    return { ...point, state, reason };
  });
}

/** The points as lists of workloads and promises of age see them. */
export function restorePointsOf({
  id,
  points,
}: Pick<FoundTree, 'id' | 'points'>): SourceRestorePoint[] {
  return points.map((point) => ({
    id: point.id,
    workloadId: id,
    createdAtMs: point.createdAtMs,
    kind: point.kind === 'full' || point.kind === 'snapshot' ? 'full' : 'increment',
    parentId: point.needs.at(-1) ?? null,
    disks: [],
    companions: [],
    state: point.state,
    reason: point.reason,
    ...(point.evidence === undefined ? {} : { evidence: point.evidence }),
    fingerprint: null,
  }));
}
