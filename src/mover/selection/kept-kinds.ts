import { isBackupError } from '../../domain/errors.js';
import type { SelectedRestorePoint } from '../../domain/sources/select-restore-points.js';
import type { SourceDisk, SourceWorkload } from '../../domain/sources/source-workload.js';
import type { TargetRestorePoint } from '../../domain/targets/target-point.js';
import { PLAIN_DIALECT } from '../../image/disk-image.js';
import { fullFormat } from '../../image/formats.js';
import { readLayerHead } from '../blocks/layer-file.js';
import {
  formatOnParent,
  growsBySize,
  type CopiedDisk,
  type ParentFile,
} from '../copy/increment-parent.js';
import { sourceLayers } from '../source/source-catalogue.js';
import type { MoverContext } from '../task/mover-context.js';

interface Chosen {
  readonly sourceRepositoryId: string;
  readonly workload: SourceWorkload;
  /** What the first of the points would build on; null: there is nothing. */
  readonly newest: TargetRestorePoint | null;
}

/** What chosen points are kept as. The choice knows formats alone, and calls increments what becomes a full when it is copied, because none of its disks can be an
 *  increment of the copy before it (`formatOnParent`). Reads heads of images, where sizes of disks count; of a point of which one cannot be read nothing else
 *  is said.
 *  @param points in the order of copying; the same number comes back */
export async function keptKinds(
  context: MoverContext,
  { sourceRepositoryId, workload, newest }: Chosen,
  points: readonly SelectedRestorePoint[],
): Promise<SelectedRestorePoint[]> {
  const kept: SelectedRestorePoint[] = [];
  let below: ReadonlyMap<string, ParentFile> = new Map(
    (newest?.disks ?? []).map((disk) => [disk.disk, disk]),
  );
  const last = points.findLastIndex(({ kind }) => kind === 'increment');
  for (const point of points.slice(0, last + 1)) {
    const copied = await copiedDisks(context, { sourceRepositoryId, workload }, point);
    const files = new Map<string, ParentFile>();
    let grows = copied === null;
    for (const [name, disk] of copied ?? []) {
      const parent = point.kind === 'full' ? undefined : below.get(name);
      const increment = parent === undefined ? null : formatOnParent(disk, parent);
      grows ||= increment !== null;
      const { format, dialect, virtualSizeBytes } = disk;
      const { id } = increment ?? fullFormat(format, dialect, virtualSizeBytes);
      files.set(name, { format: id, virtualSizeBytes });
    }
    kept.push(point.kind === 'increment' && !grows ? asFull(point) : point);
    if (copied !== null) below = files;
  }
  return [...kept, ...points.slice(last + 1)];
}

function asFull(point: SelectedRestorePoint): SelectedRestorePoint {
  return {
    ...{ restorePointId: point.restorePointId, kind: 'full', changedBy: 'all', lineageFrom: null },
    reason: `${point.reason}; it is kept as a full, because no increment of its disks can build on the copy before it`,
  };
}

/** By name; null: one of them cannot be read just now. */
async function copiedDisks(
  context: MoverContext,
  { sourceRepositoryId, workload }: Omit<Chosen, 'newest'>,
  { restorePointId }: SelectedRestorePoint,
): Promise<ReadonlyMap<string, CopiedDisk> | null> {
  const point = workload.restorePoints.find(({ id }) => id === restorePointId)!;
  const headOf = async ({ disk, format }: SourceDisk): Promise<Omit<CopiedDisk, 'format'>> => {
    if (!growsBySize(format)) return { dialect: PLAIN_DIALECT, virtualSizeBytes: 0 };
    const [top] = sourceLayers(sourceRepositoryId, workload, point, disk);
    return readLayerHead(context, top!.file);
  };
  const copied = new Map<string, CopiedDisk>();
  try {
    for (const disk of point.disks) {
      const { dialect, virtualSizeBytes } = await headOf(disk);
      copied.set(disk.disk, { format: disk.format, dialect, virtualSizeBytes });
    }
    return copied;
  } catch (error) {
    if (!isBackupError(error)) throw error;
    return null;
  }
}
