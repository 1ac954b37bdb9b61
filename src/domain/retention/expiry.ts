/** When the copies of a one-time copy go: after its date, or because an operator says so; never while they are immutable or in use. Pure. */

import { utcText } from '../schedules/calendar-date.js';
import type { OneTime } from '../jobs/copy-job.js';
import { withAgeDates, withBelievedCopies } from '../sources/believed-dates.js';
import type { TargetRestorePoint } from '../targets/target-point.js';
import { immutableReason, immutableUntilMs } from './immutability.js';

type ExpiringPoint = Pick<TargetRestorePoint, 'id' | 'createdAt' | 'copiedAt'>;

export interface ExpiryRule {
  /** An operator has it removed now. */
  readonly isOrdered: boolean;
  readonly immutableForDays: number;
  readonly leasedPointIds: ReadonlySet<string>;
  /** The earlier of what the clocks of Temporal's server and of the worker show. */
  readonly nowMs: number;
}

/** Points that go now, dependents first: all or none. */
export interface Expiry {
  readonly ids: readonly string[];
  /** Why none goes, as words; null: they go, or there are none. */
  readonly heldBy: string | null;
}

/** @param points in the order of the record */
export function expiryOf(
  points: readonly ExpiringPoint[],
  { expiresAt }: OneTime,
  { isOrdered, immutableForDays, leasedPointIds, nowMs }: ExpiryRule,
): Expiry {
  const held = (heldBy: string): Expiry => ({ ids: [], heldBy });
  if (points.length === 0) return { ids: [], heldBy: null };
  const aged = withAgeDates(withBelievedCopies(points, nowMs));
  if (!isOrdered) {
    if (expiresAt === null) return held('it has no date after which it is removed');
    if (nowMs < Date.parse(expiresAt))
      return held(`it stays until ${utcText(Date.parse(expiresAt))}`);
    // A clock that stood behind when it was copied says nothing of now.
    const later = aged.find(({ copiedAt }) => Date.parse(copiedAt) > nowMs);
    if (later !== undefined)
      return held(`restore point ${later.id} was copied after the present time; check the clock`);
  }
  // Nothing newer will ever come to count from, so the clock alone decides; `nowMs` is what two clocks agree on.
  for (const point of aged.toReversed()) {
    const reason = immutableReason(point, { immutableForDays, nowMs, asOfMs: nowMs });
    if (reason !== null) return held(`restore point ${point.id} is ${reason}`);
  }
  const leased = points.find(({ id }) => leasedPointIds.has(id));
  if (leased !== undefined) return held(`restore point ${leased.id} is in use`);
  return { ids: points.map(({ id }) => id).toReversed(), heldBy: null };
}

/** First instant at which `expiryOf` may let a one-time copy go by itself. Epoch milliseconds; null: it has no date.
 *  @param points in the order of the record */
export function expiresAtMs(
  points: readonly ExpiringPoint[],
  { expiresAt }: OneTime,
  immutableForDays: number,
): number | null {
  if (expiresAt === null) return null;
  const ends =
    immutableForDays === 0
      ? []
      : withAgeDates(points).map((point) => immutableUntilMs(point, immutableForDays));
  return Math.max(Date.parse(expiresAt), ...ends);
}
