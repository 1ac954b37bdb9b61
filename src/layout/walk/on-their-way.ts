import { nameAfterTransfer } from '../../domain/sources/passed-over.js';
import type { SourceRestorePoint } from '../../domain/sources/source-workload.js';
import { filesOfDisk } from '../../domain/sources/source-files.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import type { BackupLayout, ClaimedWorkload } from '../backup-layout.js';
import { pointEvidence } from '../point-evidence.js';

/** A file that some program is bringing, under a name that it has for that time alone. */
export interface FileOnItsWay extends RepositoryEntry {
  /** Path that it will have. */
  readonly pathThen: string;
}

export function filesOnTheirWay(entries: readonly RepositoryEntry[]): FileOnItsWay[] {
  return entries.flatMap((entry) => {
    const name = entry.type === 'file' ? nameAfterTransfer(entry.name) : null;
    if (name === null) return [];
    return [{ ...entry, pathThen: entry.path.slice(0, -entry.name.length) + name }];
  });
}

/** The workloads of one share with those of their points awaited that such a file may be of: where it will replace a file of a point, that one; else, where files
 *  of a point have names of their own, the newest one of all workloads that has files where it comes to lie. One file is of one point: what lies beside it of other
 *  machines is not held up. A mark of the tool that all is there may have come before it. One that nobody finishes holds nothing up for long: what counts is when
 *  it was last written to. */
export function withAwaited(
  found: readonly ClaimedWorkload[],
  coming: readonly FileOnItsWay[],
  { isNamedAlike }: Pick<BackupLayout, 'isNamedAlike'>,
): readonly ClaimedWorkload[] {
  if (coming.length === 0) return found;
  const points = found
    .flatMap(({ restorePoints }) => restorePoints)
    .map((point) => ({ point, paths: pathsOf(point) }));
  const filesOf = new Map<SourceRestorePoint, FileOnItsWay[]>();
  for (const file of coming) {
    const own =
      points.find(({ paths }) => paths.has(file.pathThen)) ??
      (isNamedAlike === true ? undefined : newestAround(points, file.pathThen));
    if (own !== undefined) filesOf.set(own.point, [...(filesOf.get(own.point) ?? []), file]);
  }
  return found.map((workload) => ({
    ...workload,
    restorePoints: workload.restorePoints.map((point) => {
      const files = filesOf.get(point);
      return files === undefined ? point : awaiting(point, files);
    }),
  }));
}

interface PointWithPaths {
  readonly point: SourceRestorePoint;
  readonly paths: ReadonlySet<string>;
}

/** In the nearest folder above the path in or below which a point has files. */
function newestAround(points: readonly PointWithPaths[], path: string): PointWithPaths | undefined {
  for (let folder = path; folder !== '';) {
    folder = folder.slice(0, Math.max(folder.lastIndexOf('/'), 0));
    const start = folder === '' ? '' : `${folder}/`;
    const around = points.filter(({ paths }) => [...paths].some((one) => one.startsWith(start)));
    if (around.length > 0)
      return around.reduce((a, b) => (b.point.createdAtMs >= a.point.createdAtMs ? b : a));
  }
  return undefined;
}

function pathsOf({ disks, companions }: SourceRestorePoint): ReadonlySet<string> {
  const files = disks.flatMap((disk) => filesOfDisk(disk));
  return new Set([...files, ...companions].map(({ path }) => path));
}

function awaiting(point: SourceRestorePoint, files: readonly FileOnItsWay[]): SourceRestorePoint {
  const { evidence } = point;
  if (evidence === undefined) return point;
  const coming = pointEvidence(files, 'silent');
  return {
    ...point,
    evidence: {
      closing: 'awaited',
      changedAtMs: Math.max(evidence.changedAtMs, coming.changedAtMs),
      files: `${evidence.files}/${coming.files}`,
    },
  };
}
