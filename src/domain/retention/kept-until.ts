/** Until when each restore point stays, as far as a calendar decides it. Pure. */

import { withAgeDates } from '../sources/believed-dates.js';
import { dayNumberOf, startOfDayMs } from '../schedules/calendar-date.js';
import type { EndedGfs, GfsPolicy, RetentionPolicy } from '../jobs/copy-job.js';
import { flagPeriods, isKeptFull } from './ended-gfs.js';
import { GFS_FLAGS } from './gfs.js';
import { immutableUntilMs } from './immutability.js';
import { gfsFlagEndDay } from './gfs-calendar.js';
import { uncountedPoints, type RetainedPoint } from './retention.js';

export interface KeptUntilInput {
  /** In the order of the record. */
  readonly points: readonly RetainedPoint[];
  readonly policy: RetentionPolicy;
  readonly gfs: GfsPolicy | null;
  readonly endedGfs?: EndedGfs | undefined;
  readonly timeZone: string;
  /** 0: not immutable. */
  readonly immutableForDays: number;
}

/** First instant at which the rules of `planRetention` may let a point go, as long as its source goes on to make new ones (without them nothing
 *  grows old, docs/adr/0009-ages-from-the-newest-point.md). Epoch milliseconds; null: no calendar decides it, but how many newer ones come, or
 *  that it is corrupt. Every point is in it. What is in use, or cannot be read then, stays for longer. */
export function keptUntil(input: KeptUntilInput): Map<string, number | null> {
  const points = withAgeDates(input.points);
  const newest = newestIds(points, input.policy);
  const own = new Map(points.map((point) => [point.id, ownEnd(point, newest, input)]));
  const chains = new Map<string, RetainedPoint[]>();
  for (const point of points)
    chains.set(point.chainId, [...(chains.get(point.chainId) ?? []), point]);
  // The oldest increment of the only chain is merged away by itself; any other goes with all increments of its chain.
  if (input.gfs === null && [...chains.values()].slice(0, -1).every(isKeptFull)) return own;
  const ends = new Map<string, number | null>();
  for (const [full, ...increments] of chains.values()) {
    if (full === undefined) continue;
    const together = latest(increments.map(({ id }) => own.get(id) ?? null));
    for (const { id } of increments) ends.set(id, together);
    const ofFull = own.get(full.id) ?? null;
    ends.set(full.id, increments.length === 0 ? ofFull : latest([ofFull, together]));
  }
  return ends;
}

/** Those that stay for their number alone. */
function newestIds(points: readonly RetainedPoint[], policy: RetentionPolicy): Set<string> {
  if (policy.type === 'days') return new Set();
  const uncounted = uncountedPoints(points);
  const counted = points.filter(({ id }) => !uncounted.has(id));
  const oldest = counted.slice(-Math.max(1, policy.value))[0];
  // What does not count stays among those that do.
  const first = oldest === undefined ? 0 : points.indexOf(oldest);
  return new Set(points.slice(first).map(({ id }) => id));
}

function ownEnd(
  point: RetainedPoint,
  newest: ReadonlySet<string>,
  { policy, gfs, endedGfs, timeZone, immutableForDays }: KeptUntilInput,
): number | null {
  if (newest.has(point.id) || point.health === 'corrupt') return null;
  const createdMs = Date.parse(point.createdAt);
  const day = dayNumberOf(createdMs, timeZone);
  const ends = [createdMs];
  // The day of the run does not count.
  if (policy.type === 'days') ends.push(startOfDayMs(day + policy.value + 1, timeZone));
  const periods = flagPeriods({ gfs, endedGfs });
  for (const flag of GFS_FLAGS) {
    const keep = periods[flag];
    if (keep !== null && point.flags.includes(flag))
      ends.push(startOfDayMs(gfsFlagEndDay(flag, day, keep), timeZone));
  }
  if (immutableForDays > 0) ends.push(immutableUntilMs(point, immutableForDays));
  return Math.max(...ends);
}

/** null: one of them has no end that is known. */
function latest(ends: readonly (number | null)[]): number | null {
  return ends.includes(null) ? null : Math.max(...(ends as number[]));
}
