import type { FullFormats } from '../../domain/sources/fulls-only.js';
import type { SourceRestorePoint } from '../../domain/sources/source-workload.js';
import { canIncrement } from '../../image/formats.js';

/** Formats of these points of which the target keeps no increments. */
export function fullFormatsOf(points: readonly Pick<SourceRestorePoint, 'disks'>[]): FullFormats {
  const formats = new Set(points.flatMap(({ disks }) => disks.map(({ format }) => format)));
  return new Set([...formats].filter((format) => !canIncrement(format)));
}
