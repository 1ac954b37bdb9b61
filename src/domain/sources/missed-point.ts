/** Which newest restore point of a source will be in no copy, as it looks. Pure. */

import { utcText } from '../schedules/calendar-date.js';
import type { SourceRestorePoint } from './source-workload.js';
import { DAY_MS } from '../elapsed.js';

/** A tool that still writes changes something within it: what is incomplete for longer was cut, or its tool has died. */
const STALE_MS = DAY_MS;

type SeenPoint = Pick<
  SourceRestorePoint,
  'id' | 'createdAtMs' | 'state' | 'reason' | 'evidence' | 'copyId' | 'short'
>;

/** The newest point that can be copied by no session, with no whole one after it: broken, or for longer than a day incomplete or not readable. null: there is
 *  none such. It may be the only one: of a file that is written over, an earlier state may have been copied.
 *  @param points settled, oldest first */
export function missedPoint<P extends SeenPoint>(points: readonly P[], nowMs: number): P | null {
  const whole = points.filter(({ state }) => state === 'complete');
  const newestWholeMs = whole.reduce(
    (newest, { createdAtMs }) => Math.max(newest, createdAtMs),
    -Infinity,
  );
  const isMissed = (point: P): boolean =>
    point.createdAtMs > newestWholeMs && (point.state === 'broken' || isStale(point, nowMs));
  return points.findLast(isMissed) ?? null;
}

/** It may still become whole, or be readable at the next look (some tools keep a file to themselves while they write it), but nothing has written to it for
 *  longer than a day. A point of one of Longhaul's chains is incomplete while a merge goes on, or because it was taken too early. */
function isStale(point: SeenPoint, nowMs: number): boolean {
  const { state, copyId, short } = point;
  const isLeft = copyId === undefined || short !== undefined;
  const mayStay = state === 'unknown' || (state === 'incomplete' && isLeft);
  return mayStay && nowMs - unchangedSinceMs(point, nowMs) > STALE_MS;
}

/** Of files that are dated in the future the point's own date tells. */
function unchangedSinceMs({ evidence, createdAtMs }: SeenPoint, nowMs: number): number {
  const changedAtMs = evidence?.changedAtMs ?? createdAtMs;
  return changedAtMs > nowMs ? createdAtMs : changedAtMs;
}

/** What is wrong with it, for a sentence that names it: `is broken (its parent is missing)`. */
export function missedText({ state, reason }: Pick<SeenPoint, 'state' | 'reason'>): string {
  const what =
    state === 'broken'
      ? 'is broken'
      : state === 'incomplete'
        ? 'has been incomplete for more than a day'
        : 'cannot be read';
  return reason === null ? what : `${what} (${reason})`;
}

/** For the session of a machine; empty: none is stale. What is broken or cannot be read ends it otherwise (`unusable`). */
export function staleWarnings(points: readonly SeenPoint[], nowMs: number): string[] {
  const missed = missedPoint(points, nowMs);
  if (missed?.state !== 'incomplete') return [];
  return [
    `restore point ${missed.id}, ${utcText(missed.createdAtMs)}, ${missedText(missed)}, so it is in no copy`,
  ];
}
