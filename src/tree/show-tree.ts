import type { RestorePointView } from '../domain/targets/repository-view.js';
import { restorePointKey } from '../domain/targets/repository-view.js';
import type { TargetRestorePoint } from '../domain/targets/target-point.js';
import { faultOfPoint, healthOf, type TargetTreePoint } from '../domain/trees/target-tree.js';
import { inBelievedOrder } from '../domain/trees/tree-dates.js';
import { chainFolder } from '../chain/chain-paths.js';
import { FILES_FOLDER } from './tree-paths.js';
import type { TreeRecord } from './tree-record.js';

/** Bytes and files of the whole copy. */
export function totalsOf({ index }: Pick<TreeRecord, 'index'>): {
  readonly fileCount: number;
  readonly sizeBytes: number;
} {
  return {
    fileCount: index.reduce((sum, entry) => sum + entry.fileCount, 0),
    sizeBytes: index.reduce((sum, entry) => sum + entry.sizeBytes, 0),
  };
}

/** The points as lists of restore points and promises of age see them, in the order of the dates that are believed: they have no disks. */
export function pointsAsRestorePoints({ points }: TreeRecord): TargetRestorePoint[] {
  return inBelievedOrder(points).map((point) => ({
    ...{ id: point.id, createdAt: point.createdAt, copiedAt: point.copiedAt },
    kind: isWhole(point) ? 'full' : 'increment',
    ...{ parentId: null, chainId: point.id, state: 'available' },
    ...{ health: healthOf(point), verifiedAt: point.verifiedAt, flags: point.flags },
    ...{ disks: [], companions: [], copyId: point.id },
    source: { ...point.source, fingerprint: null },
  }));
}

function isWhole({ kind }: TargetTreePoint): boolean {
  return kind === 'full' || kind === 'snapshot';
}

/** One point as the API shows it.
 *  @param keptBecause in plain words */
export function treePointView(
  { jobId, workload, points }: TreeRecord,
  point: TargetTreePoint,
  keptBecause: readonly string[],
): RestorePointView {
  const key = (id: string) => restorePointKey([jobId, workload.id, id]);
  const parent = points.find(({ source }) => source.restorePointId === point.needs.at(-1));
  return {
    ...{ id: key(point.id), workload: workload.name, workloadType: workload.type, jobId },
    ...{ createdAt: point.createdAt, copiedAt: point.copiedAt, kind: point.kind },
    ...{ parentId: parent === undefined ? null : key(parent.id), chainId: null },
    ...{ complete: true, state: 'complete', lookAgainAt: null },
    reason: faultOfPoint(point),
    ...{
      health: healthOf(point),
      verifiedAt: point.verifiedAt,
      retention: point.flags,
      keptBecause,
    },
    keptUntil: null,
    files: [
      {
        ...{ disk: FILES_FOLDER, format: 'tree', sizeBytes: point.sizeBytes },
        path: `${chainFolder(jobId, workload.id)}/${FILES_FOLDER}`,
      },
    ],
    source: point.source,
  };
}
