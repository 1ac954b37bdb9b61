/** Until when a restore point of an immutable repository must stay as it was written. Every step that deletes a point or writes its files
 *  anew asks here. */

import { utcText } from '../schedules/calendar-date.js';
import type { TargetRestorePoint } from '../targets/target-point.js';
import { DAY_MS } from '../elapsed.js';

export interface ImmutabilityRule {
  /** 0: not immutable. */
  readonly immutableForDays: number;
  readonly nowMs: number;
  /** Never later than what the chain itself shows of the time (`ageBase`). */
  readonly asOfMs: number;
}

/** `createdAt` is the date that the point's age counts from (`withAgeDates`).
 *
 *  null: not immutable, or not any more. The days must have passed for the clock since `copiedAt`, and for the source's clock since
 *  `createdAt`: what a clock that runs ahead takes for over is not over, and a source whose clock is behind holds nothing for longer than
 *  the real days (docs/adr/0009-ages-from-the-newest-point.md). */
export function immutableReason(
  point: Pick<TargetRestorePoint, 'createdAt' | 'copiedAt'>,
  { immutableForDays, nowMs, asOfMs }: ImmutabilityRule,
): string | null {
  if (immutableForDays === 0) return null;
  const spanMs = immutableForDays * DAY_MS;
  const isOver =
    Date.parse(point.copiedAt) + spanMs <= nowMs && Date.parse(point.createdAt) + spanMs <= asOfMs;
  return isOver ? null : `immutable until ${utcText(immutableUntilMs(point, immutableForDays))}`;
}

/** From when on nothing is immutable any more of a point, for clocks that are right. Epoch milliseconds.
 *  @param immutableForDays 1 or more */
export function immutableUntilMs(
  { createdAt, copiedAt }: Pick<TargetRestorePoint, 'createdAt' | 'copiedAt'>,
  immutableForDays: number,
): number {
  return Math.max(Date.parse(createdAt), Date.parse(copiedAt)) + immutableForDays * DAY_MS;
}

/** Whether the files of this point may give way to a full that shows the same. The newest one may become its day's full on the day on
 *  which it was copied: the session that wrote it does that.
 *  @param newest the last point of its chain */
export function mayBecomeFull(
  point: Pick<TargetRestorePoint, 'id' | 'createdAt' | 'copiedAt'>,
  newest: Pick<TargetRestorePoint, 'id'> | undefined,
  rule: ImmutabilityRule,
): boolean {
  const ageMs = rule.nowMs - Date.parse(point.copiedAt);
  const isOfToday = point.id === newest?.id && ageMs >= 0 && ageMs < DAY_MS;
  return isOfToday || immutableReason(point, rule) === null;
}
