import { assertNever, BackupError } from '../domain/errors.js';
import type {
  GfsFlag,
  KnownSourcePoint,
  TargetDisk,
  TargetRestorePoint,
} from '../domain/targets/target-point.js';
import type { OwnedRecord } from './record-store.js';

/** The commit record of one target chain: the only place that says which restore points exist (docs/FORMAT.md, Commit record). */
export interface ChainRecord extends OwnedRecord {
  /** In the order of the chain: a parent stands before its children, and what came later behind them. Dates may contradict it. */
  readonly points: readonly TargetRestorePoint[];
  /** A change of files that the record announces before it begins and forgets when it is done. Found at a start, it is done again. */
  readonly pending: PendingChange | null;
  /** Source points that were dealt with and are not among the copies, so that none of them is taken for a new one; absent: none. */
  readonly knownSourcePoints?: readonly KnownSourcePoint[];
  /** When a full was last written anew, by a copy or a compact: what merges left unused in it is younger. RFC 3339 UTC. */
  readonly compactedAt?: string;
}

/** `merge`: the increment `fromId` goes into the full `intoId`, which is retired; its files end under the names of `fromId`.
 *  `replace`: the files of `pointId` give way to the full that lies in the staging folder.
 *  `delete`: the folders of points that are no longer listed go.
 *  `quarantine`: they are set aside instead, because they are corrupt. `revision` is that of the record that was announced over: it names the
 *  folders, whoever finishes what was stopped in between. */
export type PendingChange =
  | { readonly type: 'merge'; readonly intoId: string; readonly fromId: string }
  | {
      readonly type: 'replace';
      readonly pointId: string;
      /** When the full was written and read back. RFC 3339 UTC. */
      readonly verifiedAt: string;
      readonly disks: readonly TargetDisk[];
      readonly flags: readonly GfsFlag[];
    }
  | { readonly type: 'delete'; readonly ids: readonly string[] }
  | { readonly type: 'quarantine'; readonly ids: readonly string[]; readonly revision: number };

/** All points that are offered, in the order of the chain. */
export function availablePoints(record: ChainRecord): TargetRestorePoint[] {
  return record.points.filter((point) => point.state === 'available');
}

/** The point, if it is offered to readers: one that is being merged away is listed, but not offered.
 *  @throws RESTORE_POINT_MISSING */
export function offeredPoint(record: ChainRecord, pointId: string): TargetRestorePoint {
  const point = availablePoints(record).find(({ id }) => id === pointId);
  if (point === undefined) throw pointMissing(record, pointId);
  return point;
}

/** The point and everything below it, newest first: the layers that show it.
 *  @throws RESTORE_POINT_MISSING */
export function lineageOf(record: ChainRecord, pointId: string): TargetRestorePoint[] {
  const byId = new Map(record.points.map((point) => [point.id, point]));
  const lineage: TargetRestorePoint[] = [];
  for (let id: string | null = pointId; id !== null;) {
    const point = byId.get(id);
    if (point === undefined || lineage.includes(point)) throw pointMissing(record, id);
    lineage.push(point);
    id = point.parentId;
  }
  return lineage;
}

function pointMissing({ workload }: ChainRecord, restorePointId: string): BackupError {
  return new BackupError(
    'RESTORE_POINT_MISSING',
    `the chain of workload ${workload.name} has no restore point ${restorePointId}`,
    { details: { restorePointId } },
  );
}

/** The points with `root` as the start of a chain of its own: it and all that build on it carry its id as chain id. */
export function withNewChain(
  points: readonly TargetRestorePoint[],
  root: TargetRestorePoint,
): TargetRestorePoint[] {
  const members = new Set([root.id]);
  return points.map((point) => {
    if (point.id === root.id) return { ...root, chainId: root.id };
    if (point.parentId === null || !members.has(point.parentId)) return point;
    members.add(point.id);
    return { ...point, chainId: root.id };
  });
}

/** Points that cannot be read any more once the change is carried out. */
export function goingPoints(pending: PendingChange | null): readonly string[] {
  switch (pending?.type) {
    case undefined:
      return [];
    case 'merge':
      return [pending.intoId];
    case 'replace':
      return []; // shows the same before, meanwhile and after
    case 'quarantine':
    case 'delete':
      return pending.ids;
    default:
      return assertNever(pending);
  }
}

/** Points that stay, and whose files are written into, moved or exchanged while the change is carried out. */
export function changingPoints(pending: PendingChange | null): readonly string[] {
  switch (pending?.type) {
    case 'merge':
      return [pending.fromId];
    case 'replace':
      return [pending.pointId];
    case undefined:
    case 'quarantine':
    case 'delete':
      return [];
    default:
      return assertNever(pending);
  }
}

/** Whether files that show the point are about to become others; a change in another lineage leaves them alone.
 *  @throws RESTORE_POINT_MISSING */
export function isBeingChanged(record: ChainRecord, pointId: string): boolean {
  const changing = changingPoints(record.pending);
  return lineageOf(record, pointId).some(({ id }) => changing.includes(id));
}
