/** Whether the health check that a job asks for has come. Pure. */

import { latestScheduledMs } from '../schedules/maintenance-window.js';
import type { Copies } from './protection.js';
import type { JobFacts } from './safety-facts.js';
import { DAY_MS } from '../elapsed.js';

/** A check of many terabytes takes its time, and waits for copies that are at work. */
const GRACE_MS = 2 * DAY_MS;

/** When the check was due that has not read all of the copies. A check that was not begun, one that failed and one that passed something over look
 *  alike from the copies, and are.
 *  @returns epoch milliseconds; null: there is none */
export function lateCheckMs(
  { job, state, standsSinceMs }: JobFacts,
  { chain, target }: Copies,
  nowMs: number,
): number | null {
  if (job.healthCheck === null || state === 'disabled' || target.state !== 'seen') return null;
  const readAt = chain?.leastReadAt ?? null;
  if (readAt === null) return null;
  // Not that of the last days: else one that fails every week would count as well for the first two of them.
  const dueMs = latestScheduledMs(job.healthCheck, nowMs - GRACE_MS);
  const wasDue = standsSinceMs === null || standsSinceMs <= dueMs;
  return wasDue && Date.parse(readAt) < dueMs ? dueMs : null;
}
