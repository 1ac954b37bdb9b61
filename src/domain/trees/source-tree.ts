/** Trees as they are found in a source: what of them the API, the retention and the restore talk about. Plain JSON. */

import type {
  PointEvidence,
  RestorePointState,
  SourceRestorePoint,
} from '../sources/source-workload.js';
import { settlePoints, type SettleRule } from '../sources/settle.js';

/** `log`: transaction logs between backups. `snapshot`: of a store whose files several of them share. */
export type TreePointKind = 'full' | 'increment' | 'log' | 'snapshot';

/** A state of what the tree backs up, as its tool names it. */
export interface TreePoint {
  /** Unique in its tree, stable while the point exists. */
  readonly id: string;
  /** When the source's backup was made. */
  readonly createdAtMs: number;
  readonly kind: TreePointKind;
  /** Ids of points without which it is worth nothing: of a differential its full, of logs the full and the logs before. */
  readonly needs: readonly string[];
  readonly state: RestorePointState;
  /** Why the state is not `complete`, in plain words; null otherwise. */
  readonly reason: string | null;
  /** Of a set its own files, relative to the root of the tree. null: a point of a store. */
  readonly files: readonly string[] | null;
  /** Of a set that of its files together. */
  readonly sizeBytes?: number;
  /** What is missing before it (a range of logs), in plain words; absent: nothing. */
  readonly gap?: string;
  /** Of what part of the database alone it is, in plain words: it stands for none that is of all. Absent: it is of all. */
  readonly ofPart?: string;
  /** What tells whether its tool has finished it. Absent: there is nothing to wait for. */
  readonly evidence?: PointEvidence;
}

/** What a layout finds. */
export interface FoundTree {
  /** Begins with the name of the layout's platform. */
  readonly id: string;
  readonly name: string;
  /** Folder in the repository, `''` for its root; the paths of files are relative to it. */
  readonly root: string;
  /** Paths from the root of folders and files that are its own, where it shares the root with others. Absent: all of the root. */
  readonly within?: readonly string[];
  /** Oldest first; ids are unique. */
  readonly points: readonly TreePoint[];
  /** Two of them claim this id: which, and what shows it. Such a tree is never copied. */
  readonly conflict?: string;
}

/** A workload that is a tree. */
export interface SourceTree extends Pick<FoundTree, 'root' | 'within' | 'points'> {
  /** Name of the layout, which has its rules. */
  readonly layout: string;
}

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
