/** Copies that were taken from their job: they lie under an id of their own, and their definition lies beside them alone. Pure. */

import { utcText } from '../schedules/calendar-date.js';
import type { CopyJob, Detached } from './copy-job.js';

/** What stands beside the copies of one workload from then on. Nobody ever runs it.
 *  @param id `copyId` */
export function detachedJob(
  id: string,
  workload: { readonly name: string },
  from: CopyJob,
  at: string,
): CopyJob {
  const detached = { fromJobId: from.id, at };
  const { endedGfs: _endedGfs, fileBackupJobId: _job, origin: _origin, ...rest } = from;
  return {
    ...rest,
    ...{ id, revision: 1, replaces: null, detached },
    name: `${workload.name}, detached from ${from.name}`,
    description: detachedWords(detached),
    // A job may name ten thousand workloads: this is of one.
    sources: {
      include: from.sources.include.map(({ repositoryId }) => ({
        ...{ repositoryId, workloads: [workload.name] },
      })),
      exclude: [],
    },
    ...{ schedule: { type: 'manual' }, allowedHours: null, gfs: null, rpo: null },
    ...{ healthCheck: null, compact: null, removedWorkloadsAfterDays: null },
  };
}

export function detachedWords({ fromJobId, at }: Detached): string {
  return `detached from job ${fromJobId} on ${utcText(Date.parse(at))}; it stays until somebody removes it`;
}
