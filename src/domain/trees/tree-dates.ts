/** Which dates of a tree's points can be believed, and from when the ages of a copy are counted. */

import { agesFrom } from '../retention/retention-age.js';
import { EARLIEST_MS, TOLERANCE_MS } from '../sources/believed-dates.js';
import type { TreePoint } from './source-tree.js';
import type { TargetTreePoint } from './target-tree.js';

export interface DatedTreePoint {
  /** What the source says. */
  readonly createdAtMs: number;
  /** Of one that is not copied: now. */
  readonly copiedAtMs: number;
}

interface BelievedDate {
  /** Its age counts from then, and its place among the others is there. */
  readonly atMs: number;
  /** It has another date, or one that says little: nobody knows what was made before it. */
  readonly isDoubted: boolean;
}

/** Each date is held against the clocks alone: the points of a tree are no chain, backups are copied after newer ones and logs by the thousand at once, so that none tells of the
 *  date of another. A date after the copy (of a source whose clock was ahead) or of a clock that was never set is not believed; the age of such a point counts
 *  from when it was copied. Where the clock of the copying machine may have been behind instead, its own date counts, which lets nothing go early. Pure.
 *  @param nowMs no clock of a copy is believed to have been later */
export function believedTreeDates(
  points: readonly DatedTreePoint[],
  nowMs: number,
): BelievedDate[] {
  const latestCopyMs = points.reduce((latest, one) => Math.max(latest, one.copiedAtMs), -Infinity);
  const latestMs = Math.min(latestCopyMs, nowMs) + TOLERANCE_MS;
  return points.map(({ createdAtMs, copiedAtMs }) => {
    const seenMs = Math.min(copiedAtMs, nowMs);
    const isAhead = createdAtMs > seenMs + TOLERANCE_MS;
    const isDoubted = isAhead || createdAtMs < EARLIEST_MS;
    const isOwn = !isDoubted || (isAhead && createdAtMs <= latestMs);
    return { atMs: isOwn ? createdAtMs : seenMs, isDoubted };
  });
}

/** Dates of the points of a copy, in their order.
 *  @param nowMs absent: whatever the time is */
export function datesOfCopy(
  points: readonly Pick<TargetTreePoint, 'createdAt' | 'copiedAt'>[],
  nowMs = Infinity,
): BelievedDate[] {
  return believedTreeDates(points.map(datedCopy), nowMs);
}

function datedCopy({
  createdAt,
  copiedAt,
}: Pick<TargetTreePoint, 'createdAt' | 'copiedAt'>): DatedTreePoint {
  return { createdAtMs: Date.parse(createdAt), copiedAtMs: Date.parse(copiedAt) };
}

/** From when the ages of a copy are counted.
 *  @param shown what comes counts, too: as if copied now, unless the copy has the very backup and tells when it was copied */
export function copyAgesFrom(
  points: readonly Pick<TargetTreePoint, 'createdAt' | 'copiedAt' | 'source'>[],
  nowMs: number,
  shown: readonly Pick<TreePoint, 'id' | 'createdAtMs'>[] = [],
): number {
  const held = new Map(
    points.map(({ source, createdAt }) => [source.restorePointId, Date.parse(createdAt)]),
  );
  const coming = shown.flatMap(({ id, createdAtMs }) =>
    held.get(id) === createdAtMs ? [] : [{ createdAtMs, copiedAtMs: nowMs }],
  );
  return treeAgesFrom(believedTreeDates([...points.map(datedCopy), ...coming], nowMs), nowMs);
}

/** From when ages are counted (docs/adr/0009-ages-from-the-newest-point.md): one date that nobody believes, among others, tells nothing of the time. */
export function treeAgesFrom(dates: readonly BelievedDate[], nowMs: number): number {
  const believed = dates.filter(({ isDoubted }) => !isDoubted);
  const counted = believed.length > 0 ? believed : dates;
  if (counted.length === 0) return nowMs;
  return agesFrom(
    counted.reduce((newest, { atMs }) => Math.max(newest, atMs), -Infinity),
    nowMs,
  );
}

/** The points of a copy with the date that counts in place of `createdAt`, in their order. */
export function withBelievedTreeDates(
  points: readonly TargetTreePoint[],
  nowMs: number,
): TargetTreePoint[] {
  const dates = datesOfCopy(points, nowMs);
  return points.map((point, index) => {
    const { atMs } = dates[index]!;
    const isOwn = atMs === Date.parse(point.createdAt);
    return isOwn ? point : { ...point, createdAt: new Date(atMs).toISOString() };
  });
}

/** The points of a copy, oldest first by what is believed of their dates, which they keep. */
export function inBelievedOrder(points: readonly TargetTreePoint[]): TargetTreePoint[] {
  const dates = datesOfCopy(points);
  return points
    .map((point, index) => ({ point, atMs: dates[index]!.atMs }))
    .sort((a, b) => a.atMs - b.atMs)
    .map(({ point }) => point);
}
