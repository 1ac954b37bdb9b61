import type { Removal } from './absence.js';
import { filesOfDisk } from '../sources/source-files.js';
import type { SourceWorkload } from '../sources/source-workload.js';

/** Whether a source still has the newest backup of a workload that it does not show, as something that this release does not recognise: a layout was narrowed, or what
 *  marks the backup was renamed. Where others have taken all of it the workload is gone, under its old id.
 *  @param paths of the files of its newest point in the source
 *  @param present of these, those that are there
 *  @param taken all that is of workloads which the source shows */
export function isUnrecognisedThere(
  paths: readonly string[],
  present: ReadonlySet<string>,
  taken: ReadonlySet<string>,
): boolean {
  return (
    paths.length > 0 &&
    paths.every((path) => present.has(path)) &&
    paths.some((path) => !taken.has(path))
  );
}

/** Paths within the repository of all files of restore points. */
export function filesOfPoints({ tree, restorePoints }: SourceWorkload): string[] {
  const ofDisks = restorePoints.flatMap(({ disks, companions }) => [
    ...disks.flatMap((disk) => filesOfDisk(disk).map(({ path }) => path)),
    ...companions.map(({ path }) => path),
  ]);
  if (tree === undefined) return ofDisks;
  const { root, points } = tree;
  return points.flatMap(({ files }) =>
    (files ?? []).map((path) => (root === '' ? path : `${root}/${path}`)),
  );
}

/** Of a workload that is there, as far as its files tell. */
export function heldStanding(folder: string): {
  readonly state: Removal['state'] | 'held';
  readonly text: string;
} {
  const text = `no source shows it any more, but the files of its newest backup still lie in ${JSON.stringify(folder === '' ? '.' : folder)}, as something that this release does not recognise: it does not count as gone, and none of its restore points is deleted`;
  return { state: 'held', text };
}
