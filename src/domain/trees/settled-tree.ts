import {
  awaitedPoints,
  settlePoints,
  type AwaitedPoint,
  type SettleRule,
} from '../sources/settle.js';
import type { SourceRestorePoint } from '../sources/source-workload.js';
import type { FoundTree, TreePoint } from './source-tree.js';
import type { TreeRules } from './tree-rules.js';

/** The points with their state as it is at `rule.nowMs`: those that may still be written are `inProgress`, and so is what needs them. */
export function settledTreePoints(
  tree: Pick<FoundTree, 'id' | 'points'>,
  rule: SettleRule,
): TreePoint[] {
  const settled = settlePoints(restorePointsOf(tree), rule);
  const byId = new Map(settled.map((point) => [point.id, point]));
  return tree.points.map((point) => {
    const { state, reason, lookAgainAtMs } = byId.get(point.id) ?? point;
    return { ...point, state, reason, ...(lookAgainAtMs === undefined ? {} : { lookAgainAtMs }) };
  });
}

/** Those in progress that a job takes when they are whole; of very many the newest. What is still written of an opaque tree is told file by file.
 *  @param points settled by `rule` */
export function awaitedTreePoints(
  points: readonly TreePoint[],
  { isOpaque }: Pick<TreeRules, 'isOpaque'>,
  withLogs: boolean,
  rule: SettleRule,
): AwaitedPoint[] {
  if (isOpaque === true) return [];
  const wanted = points.filter(({ kind }) => withLogs || kind !== 'log');
  return awaitedPoints(wanted, rule).slice(-MAX_AWAITED);
}

const MAX_AWAITED = 20;

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
