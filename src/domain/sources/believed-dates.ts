/** Which dates of a chain's restore points can be believed. The order of a chain is that in which its points build on each other and came;
 *  their dates are what a source's clock said, and that may be wrong by years. */

import { DAY_MS, utcText } from '../schedules/calendar-date.js';
import type { TargetRestorePoint } from '../targets/target-point.js';

export type DatedPoint = Pick<TargetRestorePoint, 'id' | 'createdAt' | 'copiedAt'>;

/** No backup of this kind is older; a clock that was never set is. */
export const EARLIEST_MS = Date.parse('2000-01-01T00:00:00Z');
/** Clocks of two machines, and local times that are taken for UTC, differ by less. */
export const TOLERANCE_MS = DAY_MS;

/** The points with the date that their ages count from in place of `createdAt`; never descending along the chain. Pure, and the same
 *  whatever the time is.
 *
 *  A date is believed when it is not before that of the point below, and not after the point was copied; else the point's age counts from
 *  when it was copied, which lets nothing go early. Where that is before the point below was made or copied, the clock of the copying
 *  machine may have been behind: then only what lies after every copy is not believed.
 *  @param points in the order of the chain */
export function withBelievedDates<Point extends DatedPoint>(points: readonly Point[]): Point[] {
  const latestCopyMs = Math.max(...points.map(({ copiedAt }) => Date.parse(copiedAt)));
  let belowMs = EARLIEST_MS;
  let copiedBeforeMs = EARLIEST_MS;
  return points.map((point) => {
    const createdMs = Date.parse(point.createdAt);
    const copiedMs = Date.parse(point.copiedAt);
    const isCopyClockBehind = copiedMs < Math.max(belowMs, copiedBeforeMs);
    const limitMs = (isCopyClockBehind ? latestCopyMs : copiedMs) + TOLERANCE_MS;
    const isBelieved = createdMs >= belowMs - TOLERANCE_MS && createdMs <= limitMs;
    const ageFromMs = Math.max(belowMs, isBelieved ? createdMs : copiedMs);
    belowMs = ageFromMs;
    copiedBeforeMs = Math.max(copiedBeforeMs, copiedMs);
    return ageFromMs === createdMs
      ? point
      : { ...point, createdAt: new Date(ageFromMs).toISOString() };
  });
}

/** Says that another date than its own counts; null when its own does, to a day.
 *  @param believed the same point of `withBelievedDates` */
export function doubtOfDate(point: DatedPoint, believed: DatedPoint): string | null {
  const ownMs = Date.parse(point.createdAt);
  const believedMs = Date.parse(believed.createdAt);
  if (Math.abs(ownMs - believedMs) <= TOLERANCE_MS) return null;
  return `its date ${utcText(ownMs)} does not fit its place in the chain: its age counts from ${utcText(believedMs)}`;
}
