import type {
  FormatId,
  SourceDisk,
  SourceRestorePoint,
  SourceWorkload,
} from './source-workload.js';

/** Formats of which the target keeps no increments: each point of them is a full. */
export type FullFormats = ReadonlySet<FormatId>;

/** Whether nothing of this point can be copied as an increment. */
export function isFullsOnly(
  { disks }: Pick<SourceRestorePoint, 'disks'>,
  formats: FullFormats,
): boolean {
  return disks.length > 0 && disks.every(({ format }) => formats.has(format));
}

/** The disks of which a point may hold an increment. */
export function growingDisks(
  { disks }: Pick<SourceRestorePoint, 'disks'>,
  formats: FullFormats,
): readonly SourceDisk[] {
  return disks.filter(({ format }) => !formats.has(format));
}

/** Whether its tool makes nothing but fulls. They come and go one by one, so that none is left of those that were copied says nothing about the
 *  workload: it is no recreated chain. */
export function makesFullsOnly(
  { restorePoints, makesFullsOnly: isKnown }: SourceWorkload,
  formats: FullFormats,
): boolean {
  return (
    isKnown === true ||
    (restorePoints.length > 0 && restorePoints.every((point) => isFullsOnly(point, formats)))
  );
}
