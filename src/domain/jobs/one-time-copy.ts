/** A one-time copy: one workload's newest restore point, or a named one, copied once. It is a job that no schedule carries: its definition lies beside
 *  its data alone. Pure. */

import { utcText } from '../schedules/calendar-date.js';
import type { CopyJob, OneTime } from './copy-job.js';
import { copyId } from './copy-id.js';

export interface OneTimeOrder {
  readonly source: {
    readonly repositoryId: string;
    /** Id or name. */
    readonly workload: string;
    /** null: the newest. */
    readonly restorePointId: string | null;
  };
  readonly target: { readonly repositoryId: string };
  /** RFC 3339 UTC; null: it stays until somebody removes it. */
  readonly expiresAt: string | null;
}

/** The job that a session carries out. It is tried again by nobody: whoever ordered it sees how it ended.
 *  @param id of the job: `oneTimeId` */
export function oneTimeJob(id: string, order: OneTimeOrder, timeZone: string): CopyJob {
  const { source, target, expiresAt } = order;
  const { repositoryId, workload, restorePointId } = source;
  return {
    ...{ id, revision: 1, replaces: null, mode: 'periodic', timeZone },
    name: `One-time copy of ${workload}`,
    description: oneTimeWords({ restorePointId, expiresAt }),
    once: { restorePointId, expiresAt },
    sources: { include: [{ repositoryId, workloads: [workload] }], exclude: [] },
    target,
    ...{ restorePoints: 'latest', transactionLogs: false, gfs: null },
    // There is one point, and nothing but its date or an operator lets it go.
    retention: { type: 'restorePoints', value: 9_999 },
    ...{ schedule: { type: 'manual' }, missedStarts: 'skip', allowedHours: null },
    retry: { attempts: 0, pausesMinutes: [10] },
    onSourceChainRecreated: 'requireNewJob',
    storage: { digest: 'sha256', verifyAfterCopy: 'cached' },
    ...{ healthCheck: null, compact: null, rpo: null, removedWorkloadsAfterDays: null },
  };
}

/** @param digest of the order, in hex */
export function oneTimeId(workload: string, digest: string): string {
  return copyId('once', workload, digest);
}

export function oneTimeWords({ restorePointId, expiresAt }: OneTime): string {
  const what = restorePointId === null ? 'the newest restore point' : restorePointId;
  const end =
    expiresAt === null
      ? 'it stays until it is removed'
      : `it is removed after ${utcText(Date.parse(expiresAt))}`;
  return `one-time copy of ${what}; ${end}`;
}
