/** How fast a repository fills, and when it is full, from one look a day. */

import { utcDay } from '../schedules/calendar-date.js';
import { DAY_MS } from '../elapsed.js';

/** Of one day, UTC; the last look of it. */
export interface FillSample {
  /** `2026-11-26`. */
  readonly day: string;
  readonly totalBytes: number;
  readonly freeBytes: number;
}

export interface Growth {
  /** First day that counts. */
  readonly since: string;
  /** Days that were looked at. */
  readonly samples: number;
  /** Of the used room; negative: it shrinks. */
  readonly bytesPerDay: number;
  /** With a probability of nine in ten it lies between these two. */
  readonly leastBytesPerDay: number;
  readonly mostBytesPerDay: number;
  /** RFC 3339 UTC. null: not within ten years, or never. */
  readonly fullAt: string | null;
  /** If it grows as fast as `mostBytesPerDay`. */
  readonly earliestFullAt: string | null;
  /** If it grows as slowly as `leastBytesPerDay`. */
  readonly latestFullAt: string | null;
}

/** Older looks tell of other jobs. */
const WINDOW_DAYS = 90;
/** Fewer are no trend: retention and GFS come in weeks. */
const MIN_SAMPLES = 7;
const MIN_SPAN_DAYS = 7;
const TEN_YEARS_MS = 3_653 * DAY_MS;
/** Of the normal distribution, for nine in ten. */
const Z_90 = 1.645;

/** The median of the slopes between any two days, which one night of retention or a large first copy does not move, with its interval.
 *  Source: Sen 1968; Gilbert, Statistical Methods for Environmental Pollution Monitoring (1987), 16.5.
 *  @param samples each day once
 *  @returns null: too little is known */
export function growthOf(samples: readonly FillSample[], nowMs: number): Growth | null {
  const recent = samples
    .map(({ day, totalBytes, freeBytes }) => ({
      day,
      number: Date.parse(day) / DAY_MS,
      usedBytes: totalBytes - freeBytes,
      freeBytes,
    }))
    .filter(({ number }) => number > nowMs / DAY_MS - WINDOW_DAYS && number <= nowMs / DAY_MS)
    .sort((a, b) => a.number - b.number);
  const [first] = recent;
  const last = recent.at(-1);
  if (first === undefined || last === undefined) return null;
  if (recent.length < MIN_SAMPLES || last.number - first.number < MIN_SPAN_DAYS) return null;
  const slopes = recent
    .flatMap((a, index) =>
      recent.slice(index + 1).map((b) => (b.usedBytes - a.usedBytes) / (b.number - a.number)),
    )
    .sort((a, b) => a - b);
  const n = recent.length;
  const spread = Z_90 * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const at = (rank: number): number =>
    Math.round(slopes[Math.min(Math.max(Math.round(rank), 1), slopes.length) - 1]!);
  const bytesPerDay = Math.round(median(slopes));
  const leastBytesPerDay = at((slopes.length - spread) / 2);
  const mostBytesPerDay = at((slopes.length + spread) / 2 + 1);
  const fullAt = (slope: number): string | null => whenFull(last.freeBytes, slope, nowMs);
  return {
    ...{ since: first.day, samples: n, bytesPerDay, leastBytesPerDay, mostBytesPerDay },
    fullAt: fullAt(bytesPerDay),
    earliestFullAt: fullAt(mostBytesPerDay),
    latestFullAt: fullAt(leastBytesPerDay),
  };
}

/** Samples with that of today, oldest first, no more than are kept.
 *  @param nowMs of the look */
export function withSample(
  samples: readonly FillSample[],
  room: Omit<FillSample, 'day'>,
  nowMs: number,
): FillSample[] {
  const day = utcDay(nowMs);
  return [...samples.filter((sample) => sample.day !== day), { day, ...room }]
    .sort((a, b) => (a.day < b.day ? -1 : 1))
    .slice(-KEPT_SAMPLES);
}

const KEPT_SAMPLES = 400;

function whenFull(freeBytes: number, bytesPerDay: number, nowMs: number): string | null {
  const inMs = (freeBytes / bytesPerDay) * DAY_MS;
  return bytesPerDay > 0 && inMs <= TEN_YEARS_MS ? new Date(nowMs + inMs).toISOString() : null;
}

function median(sorted: readonly number[]): number {
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
