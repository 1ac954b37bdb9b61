/** What is judged of jobs, from what lists show of them. Pure. */

import type { FileBackupFacts } from '../../domain/safety/file-backup-problems.js';
import type { JobFacts } from '../../domain/safety/safety-facts.js';
import type { JobOutcome } from '../../domain/sessions/job-outcome.js';
import type { ListedFileBackup } from '../file-backups/file-backup-store.js';
import type { ListedJob } from '../jobs/job-schemas.js';

export function fileBackupFacts({ view, lastJudged }: ListedFileBackup): FileBackupFacts {
  const { id, name, source, primaryBackup, state, missedStartAt, nextRunAt, timeZone } = view;
  return {
    ...{ id, name, repositoryId: source.repositoryId },
    ...{ makesBackups: primaryBackup !== null, isDisabled: state === 'disabled' },
    missedStartAtMs: missedStartAt === null ? null : Date.parse(missedStartAt),
    next: nextRunAt === null ? null : { at: nextRunAt, timeZone },
    lastRun: lastJudged && {
      ...{ result: lastJudged.result, reason: lastJudged.reason },
      startedAtMs: Date.parse(lastJudged.startedAt),
    },
  };
}

export function jobFacts(
  listed: Exclude<ListedJob, { state: 'unknown' }>,
  standsSinceMs: number | null,
  outcome: JobOutcome | undefined,
): JobFacts {
  const { state, missedStartAt } = listed;
  const { fault = null, undecided = null } = outcome ?? {};
  return {
    job: listed,
    state,
    standsSinceMs,
    missedStartAtMs: missedStartAt === null ? null : Date.parse(missedStartAt),
    fault: fault && {
      ...{ sessionId: fault.id, result: fault.result },
      startedAtMs: Date.parse(fault.startedAt),
      causes: fault.left?.causes ?? [],
    },
    undecidedSessionId: undecided?.id ?? null,
  };
}
