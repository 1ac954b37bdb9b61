/** From when the ages of a chain's restore points are counted (docs/adr/0009-ages-from-the-newest-point.md). */

import { withAgeDates, withBelievedCopies, withBelievedDates } from '../sources/believed-dates.js';
import { utcText } from '../schedules/calendar-date.js';
import type { TargetRestorePoint } from '../targets/target-point.js';
import { DAY_MS } from '../elapsed.js';

/** A copy is made within a day of its backup, as a rule. */
const COPY_DELAY_MS = DAY_MS;
/** So far behind the clock, the instant that ages are counted from is worth a word. */
const NOTED_MS = 2 * DAY_MS;

export interface AgeBase {
  /** Never later than now, nor than a day after the newest restore point. */
  readonly asOfMs: number;
  /** Says so in plain words when that is days before now; null otherwise. */
  readonly ageNote: string | null;
}

/** The instant itself. @param newestMs of the restore points */
export function agesFrom(newestMs: number, nowMs: number): number {
  return Math.min(nowMs, newestMs + COPY_DELAY_MS);
}

export interface ChainAges<Point> extends AgeBase {
  /** With the date that the age of each counts from (`withAgeDates`), and the time that it counts as copied at. */
  readonly points: readonly Point[];
}

/** Ages of the points of a chain: from when each counts, and to when.
 *  @param points in the order of the record, with their own dates */
export function chainAges<Point extends Pick<TargetRestorePoint, 'id' | 'createdAt' | 'copiedAt'>>(
  points: readonly Point[],
  nowMs: number,
): ChainAges<Point> {
  const copied = withBelievedCopies(points, nowMs);
  const believed = withBelievedDates(copied);
  return { points: withAgeDates(copied, believed), ...ageBase(believed, nowMs) };
}

/** A clock that runs ahead makes nothing older than its chain shows. `points`: in the order of the chain, with dates that are believed
 *  (`withBelievedDates`). */
export function ageBase(
  points: readonly Pick<TargetRestorePoint, 'createdAt'>[],
  nowMs: number,
): AgeBase {
  const newest = points.at(-1);
  if (newest === undefined) return { asOfMs: nowMs, ageNote: null };
  const newestMs = Date.parse(newest.createdAt);
  const asOfMs = agesFrom(newestMs, nowMs);
  const ageNote =
    nowMs - asOfMs > NOTED_MS
      ? `ages are counted from the newest restore point of ${utcText(newestMs)}`
      : null;
  return { asOfMs, ageNote };
}
