/** Copies that a clock has dated which ran ahead (docs/adr/0009-ages-from-the-newest-point.md). Pure. */

import { utcDay } from '../schedules/calendar-date.js';
import type { SafetyProblems } from './problem-groups.js';
import type { Copies, ProtectedWorkload } from './protection.js';
import { DAY_MS } from '../elapsed.js';

/** Clocks of two machines are never quite the same. */
const CLOCK_TOLERANCE_MS = DAY_MS;

export function clockProblems(
  workload: ProtectedWorkload,
  { job, repositoryId, chain }: Copies,
  { nowMs, found }: { readonly nowMs: number; readonly found: SafetyProblems },
): void {
  const newestCopiedAt = chain?.newestCopiedAt ?? null;
  if (newestCopiedAt === null) return;
  const copiedAtMs = Date.parse(newestCopiedAt);
  if (copiedAtMs - nowMs <= CLOCK_TOLERANCE_MS) return;
  const copiedAt = utcDay(copiedAtMs);
  found.add('COPY_OF_FUTURE', {
    ...{ jobId: job.id, repositoryId, workload, key: copiedAt },
    text: ({ names }) =>
      `the newest copies of ${names} in ${repositoryId} count as made on ${copiedAt}, which has not come`,
  });
}
