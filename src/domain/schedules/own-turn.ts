import { fingerprint } from '../targets/path-segment.js';

/** Place of an id within an interval: always the same one, and of many ids each has another one.
 *  @param id ASCII, as ids of jobs are
 *  @param every whole number of any unit
 *  @returns in the same unit, 0 or more and below `every` */
export function placeWithin(id: string, every: number): number {
  return Number(BigInt(`0x${fingerprint(id)}`) % BigInt(every));
}

/** How long it is until something that comes round each `everyMs` is to be done for an id again: at its own place of the interval, so that what begins
 *  for many ids in one moment, as after a start, comes apart. Half an interval is the shortest pause. */
export function untilOwnTurnMs(id: string, everyMs: number, nowMs: number): number {
  const every = Math.max(1, Math.round(everyMs));
  const sinceMs = (Math.round(nowMs) - placeWithin(id, every)) % every;
  const untilMs = every - sinceMs;
  return untilMs < every / 2 ? untilMs + every : untilMs;
}
