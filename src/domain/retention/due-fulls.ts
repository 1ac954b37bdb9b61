import type { CopyJob } from '../jobs/copy-job.js';
import { believedPoints } from '../sources/believed-dates.js';
import { gfsFulls, type GfsCandidate, type GfsFulls } from './gfs.js';
import { mayBecomeFull } from './immutability.js';
import { chainAges } from './retention-age.js';

/** The fulls of GFS that a chain is to get: of points that are believed, and that immutability lets become fulls.
 *  @param points in the order of the record, with their own dates */
export function dueFulls(
  points: readonly GfsCandidate[],
  { gfs, mode, timeZone }: Pick<CopyJob, 'gfs' | 'mode' | 'timeZone'>,
  { immutableForDays, nowMs }: { readonly immutableForDays: number; readonly nowMs: number },
): GfsFulls {
  const ages = chainAges(points, nowMs);
  const aged = new Map(ages.points.map((point) => [point.id, point]));
  const rule = { immutableForDays, nowMs, asOfMs: ages.asOfMs };
  return gfsFulls({
    ...{ gfs, mode, timeZone, points: believedPoints(points, nowMs), nowMs },
    mayBecomeFull: ({ id }) => mayBecomeFull(aged.get(id)!, points.at(-1), rule),
  });
}
