/** How fast a worker may read and write: in each repository, and in all together. */

import { isTimeZone } from './schedules/calendar-date.js';
import { spanDaysFault, spanHolds, type WeeklySpan } from './schedules/weekly-hours.js';

/** null: as fast as it can. */
export interface Rate {
  readonly readBytesPerSecond: number | null;
  readonly writeBytesPerSecond: number | null;
}

/** A rate, and others in its place in some hours of the week; of several that hold at once the lowest. */
export interface RateLimit extends Rate {
  readonly hours: readonly (WeeklySpan & Rate)[];
}

export interface RateLimits {
  /** Of the hours; IANA name. */
  readonly timeZone: string;
  /** Of all repositories together. */
  readonly service: RateLimit;
  /** Each repository once; those that are not named have no limit of their own. */
  readonly repositories: readonly ({ readonly repositoryId: string } & RateLimit)[];
}

export const UNLIMITED: Rate = { readBytesPerSecond: null, writeBytesPerSecond: null };
export const NO_LIMIT: RateLimit = { ...UNLIMITED, hours: [] };

/** Slower than this a batch of the default size would not end within the time that it may take. */
export const MIN_BYTES_PER_SECOND = 64 * 1024;

/** What holds at `nowMs`. */
export function rateAt(limit: RateLimit, timeZone: string, nowMs: number): Rate {
  const holding = limit.hours.filter((span) => spanHolds(span, timeZone, nowMs));
  const rates: readonly Rate[] = holding.length === 0 ? [limit] : holding;
  return {
    readBytesPerSecond: lowest(rates.map(({ readBytesPerSecond }) => readBytesPerSecond)),
    writeBytesPerSecond: lowest(rates.map(({ writeBytesPerSecond }) => writeBytesPerSecond)),
  };
}

function lowest(rates: readonly (number | null)[]): number | null {
  const limited = rates.filter((rate) => rate !== null);
  return limited.length === 0 ? null : Math.min(...limited);
}

/** Fields and indexes joined by dots, and what is wrong there. */
interface LimitFault {
  readonly path: string;
  readonly message: string;
}

/** All faults at once. A limit of a repository that has left the configuration stays until somebody clears it: it holds nothing,
 *  and must not keep the others from being changed.
 *  @param repositoryIds that are configured
 *  @param present what is changed */
export function limitFaults(
  { timeZone, service, repositories }: RateLimits,
  repositoryIds: readonly string[],
  present: Pick<RateLimits, 'repositories'>,
): LimitFault[] {
  const known = new Set([
    ...repositoryIds,
    ...present.repositories.map(({ repositoryId }) => repositoryId),
  ]);
  const faults = spanFaults('service', service);
  if (!isTimeZone(timeZone))
    faults.push({ path: 'timeZone', message: `${timeZone} is not a known time zone` });
  const seen = new Set<string>();
  repositories.forEach((limit, index) => {
    const { repositoryId } = limit;
    const path = `repositories.${String(index)}`;
    if (!known.has(repositoryId))
      faults.push({
        path: `${path}.repositoryId`,
        message: `no repository ${repositoryId} is configured`,
      });
    if (seen.has(repositoryId))
      faults.push({ path: `${path}.repositoryId`, message: `${repositoryId} is named twice` });
    seen.add(repositoryId);
    faults.push(...spanFaults(path, limit));
  });
  return faults;
}

function spanFaults(path: string, { hours }: RateLimit): LimitFault[] {
  return hours.flatMap((span, index) => {
    const message = spanDaysFault(span);
    return message === null ? [] : [{ path: `${path}.hours.${String(index)}.days`, message }];
  });
}
