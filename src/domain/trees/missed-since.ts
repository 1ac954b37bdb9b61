/** Since when a copy counts as missed what its source does not show. Pure. */

import type { TargetTreePoint } from './target-tree.js';
import { copyAgesFrom } from './tree-dates.js';
import { DAY_MS } from '../elapsed.js';

interface LastLooks {
  readonly points: readonly TargetTreePoint[];
  /** Of the copy. */
  readonly changedAt: string | null;
}

/** Since when something counts as gone that a look misses now: never earlier than the source was known to have it, so that a clock that is behind for one
 *  look does not make it old. Epoch milliseconds.
 *  @param lookedAtMs when the newest of the sessions began that are on record until `lookedBeforeMs`; null: there is none */
export function missedSinceMs(
  copy: LastLooks,
  nowMs: number,
  lookedAtMs: number | null = null,
): number {
  return Math.max(shownAtMs(copy, nowMs), lookedAtMs ?? -Infinity);
}

/** A session that began later was one of a clock that ran ahead: what is missed now would stay until then. */
export function lookedBeforeMs(copy: LastLooks, nowMs: number): number {
  return shownAtMs(copy, nowMs) + BELIEVED_AHEAD_MS;
}

/** How far a clock may be behind what sessions say of the time. */
const BELIEVED_AHEAD_MS = 30 * DAY_MS;

function shownAtMs({ points, changedAt }: LastLooks, nowMs: number): number {
  if (changedAt === null) return nowMs;
  const changedAtMs = Date.parse(changedAt);
  return Math.max(nowMs, copyAgesFrom(points, changedAtMs));
}
