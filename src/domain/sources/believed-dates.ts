/** Which dates of a chain's restore points can be believed. The order of a chain is that in which its points build on each other and came;
 *  their dates are what a source's clock said, and when they were copied is what that of the copying machine said; both may be wrong by years. */

import { utcText } from '../schedules/calendar-date.js';
import type { TargetRestorePoint } from '../targets/target-point.js';
import { DAY_MS } from '../elapsed.js';

type DatedPoint = Pick<TargetRestorePoint, 'id' | 'createdAt' | 'copiedAt'>;

/** No backup of this kind is older; a clock that was never set is. */
export const EARLIEST_MS = Date.parse('2000-01-01T00:00:00Z');
/** Clocks of two machines, and local times that are taken for UTC, differ by less. */
export const TOLERANCE_MS = DAY_MS;

/** The points with the dates that tell what the time is, which period each is of, and what users are shown: `withBelievedCopies`, then `withBelievedDates`.
 *  How long a point itself stays goes by `withAgeDates`.
 *  @param points in the order of the chain */
export function believedPoints<Point extends DatedPoint>(
  points: readonly Point[],
  nowMs: number,
): Point[] {
  return withBelievedDates(withBelievedCopies(points, nowMs));
}

/** The points with the time that they count as copied at in place of `copiedAt`. Pure.
 *
 *  A copy of the future below a later one that is not was made by a clock that ran ahead (a machine that began in 2036, until it was told the time): it
 *  was made before the next later copy that is believed, so it counts as that one, which lets nothing go early. Where the newest itself is of the future,
 *  or most of the points are, the present clock may be the one that is wrong: then all stay as they say.
 *  @param points in the order of the chain */
export function withBelievedCopies<Point extends DatedPoint>(
  points: readonly Point[],
  nowMs: number,
): Point[] {
  const copiedMs = points.map(({ copiedAt }) => Date.parse(copiedAt));
  const ofFuture = copiedMs.filter((ms) => ms > nowMs).length;
  const isNewestOfFuture = (copiedMs.at(-1) ?? 0) > nowMs;
  if (ofFuture === 0 || isNewestOfFuture || 2 * ofFuture >= points.length) return [...points];
  const believedMs = [...copiedMs];
  for (let place = points.length - 2; place >= 0; place--)
    if (copiedMs[place]! > nowMs) believedMs[place] = believedMs[place + 1]!;
  let belowMs = -Infinity;
  return points.map((point, place) => {
    if (copiedMs[place]! <= nowMs) {
      belowMs = Math.max(belowMs, copiedMs[place]!);
      return point;
    }
    // That later copy may have been made by a clock that was behind.
    const ms = Math.max(belowMs, believedMs[place]!);
    return { ...point, copiedAt: new Date(ms).toISOString() };
  });
}

/** Says that a point counts as copied at another time than it says; null when it does not.
 *  @param believed the same point of `withBelievedCopies` */
export function doubtOfCopy(point: DatedPoint, believed: DatedPoint): string | null {
  if (point.copiedAt === believed.copiedAt) return null;
  const [own, counted] = [point, believed].map(({ copiedAt }) => utcText(Date.parse(copiedAt)));
  return `a clock that ran ahead copied it at ${own!}: it counts as copied by ${counted!}`;
}

/** The points with the date that is believed in place of `createdAt`; never descending along the chain. Pure, and the same
 *  whatever the time is.
 *
 *  A date is believed when it is not before that of the point below, and not after the point was copied; else the point counts as made
 *  when it was copied. Where that is before the point below was made or copied, the clock of the copying
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

/** The points with the date that the age of each counts from in place of `createdAt`: how long it is kept, and immutable. Never before that of
 *  `withBelievedDates`, nor after its own where that is later. Pure.
 *
 *  A date after the copy may be right all the same: the clock of the copying machine was behind, and nothing below the first points of a chain, or after a
 *  pause, shows it. Then no more time lies between the point and a later one than the source's clock says, and its age counts from so long before
 *  that of the later one. All later ones are asked up to the first of which both clocks say the same: where it was the source that was ahead, the point stays for
 *  longer, but no longer than that one.
 *
 *  For the point's own age alone. Were it what the time is told by, or fill a period of GFS, one source that was ahead would let go of other points.
 *  @param points in the order of the chain
 *  @param believed the same points of `withBelievedDates` */
export function withAgeDates<Point extends DatedPoint>(
  points: readonly Point[],
  believed: readonly Point[] = withBelievedDates(points),
): Point[] {
  const dates = points.map(({ createdAt }) => Date.parse(createdAt));
  const believedMs = believed.map(({ createdAt }) => Date.parse(createdAt));
  if (dates.every((ms, place) => ms <= believedMs[place]!)) return [...believed];
  const isAgreed = points.map(
    ({ copiedAt }, place) =>
      isNear(dates[place]!, believedMs[place]!) && isNear(dates[place]!, Date.parse(copiedAt)),
  );
  const agesMs = [...believedMs];
  for (let place = points.length - 2; place >= 0; place--) {
    const createdMs = dates[place]!;
    for (let later = place + 1; later < points.length; later++) {
      if (createdMs <= agesMs[place]!) break;
      const laterMs = dates[later]!;
      if (laterMs >= createdMs - TOLERANCE_MS) {
        const fromMs = agesMs[later]! - Math.max(0, laterMs - createdMs);
        agesMs[place] = Math.max(agesMs[place]!, Math.min(createdMs, fromMs));
      }
      if (isAgreed[later]!) break;
    }
  }
  return points.map((point, place) =>
    agesMs[place] === dates[place]
      ? point
      : { ...point, createdAt: new Date(agesMs[place]!).toISOString() },
  );
}

function isNear(oneMs: number, otherMs: number): boolean {
  return Math.abs(oneMs - otherMs) <= TOLERANCE_MS;
}

/** Says that another date than its own counts; null when its own does, to a day.
 *  @param believed the same point of `withBelievedDates` or `withAgeDates` */
export function doubtOfDate(point: DatedPoint, believed: DatedPoint): string | null {
  const ownMs = Date.parse(point.createdAt);
  const believedMs = Date.parse(believed.createdAt);
  if (isNear(ownMs, believedMs)) return null;
  return `its date ${utcText(ownMs)} does not fit its place in the chain: its age counts from ${utcText(believedMs)}`;
}
