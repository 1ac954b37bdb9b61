import { rateAt, UNLIMITED, type RateLimits } from '../domain/rate-limits.js';
import { SERVICE, type RateMeters } from '../repository/rate-meters.js';

/** How soon a change holds, and the hours of the week begin. */
const LOOK_INTERVAL_MS = 3_000;

interface LimitsLog {
  warn(fields: object, message: string): void;
}

/** Keeps the meters of a process at the limits that hold. While these cannot be read the last ones hold, with their hours.
 *  @returns ends it */
export function keepLimits(
  meters: RateMeters,
  repositoryIds: readonly string[],
  read: () => Promise<RateLimits>,
  log: LimitsLog,
): () => void {
  let last: RateLimits | null = null;
  let isSilent = false;
  const look = async (): Promise<void> => {
    try {
      last = await read();
      isSilent = false;
    } catch (err) {
      if (!isSilent) log.warn({ err }, 'the limits cannot be read; the last ones hold');
      isSilent = true;
    }
    if (last !== null) applyLimits(meters, repositoryIds, last, Date.now());
  };
  // One look after the other, however slow the server is.
  let looking = look();
  const timer = setInterval(() => {
    void (looking = looking.then(look));
  }, LOOK_INTERVAL_MS);
  // What it is for keeps the process alive, not the look.
  timer.unref();
  return () => clearInterval(timer);
}

/** @param repositoryIds of the meters */
export function applyLimits(
  meters: RateMeters,
  repositoryIds: readonly string[],
  { timeZone, service, repositories }: RateLimits,
  nowMs: number,
): void {
  meters.set(SERVICE, rateAt(service, timeZone, nowMs));
  for (const id of repositoryIds) {
    const limit = repositories.find(({ repositoryId }) => repositoryId === id);
    meters.set(id, limit === undefined ? UNLIMITED : rateAt(limit, timeZone, nowMs));
  }
}
