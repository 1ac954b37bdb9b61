/** What is wrong with file-backup jobs themselves: their copies are jobs like any other, but nobody else tells of the backups that they make. Pure. */

import { utcText } from '../schedules/calendar-date.js';
import type { SafetyProblems } from './problem-groups.js';

export interface FileBackupFacts {
  readonly id: string;
  readonly name: string;
  /** In which its backups lie. */
  readonly repositoryId: string;
  /** Whether it makes them itself. */
  readonly makesBackups: boolean;
  readonly isDisabled: boolean;
  /** A start that was due and did not come; epoch milliseconds; null: none. */
  readonly missedStartAtMs: number | null;
  /** Its next start, RFC 3339 UTC, and the zone of its schedule. null or absent: none is planned. */
  readonly next?: { readonly at: string; readonly timeZone: string } | null;
  /** The newest that ended with a result; null: none that is remembered. */
  readonly lastRun: {
    readonly result: 'success' | 'warning' | 'failed' | null;
    readonly reason: string | null;
    readonly startedAtMs: number;
  } | null;
}

/** Ids of those of which no run is remembered that has ended with a result: one that had failed may stand as it was left. */
export function unjudgedRuns(facts: readonly FileBackupFacts[]): string[] {
  return facts.flatMap(({ id, lastRun }) => (lastRun === null ? [id] : []));
}

export function fileBackupProblems(
  { id, name, repositoryId, makesBackups, isDisabled, missedStartAtMs, lastRun }: FileBackupFacts,
  found: SafetyProblems,
): void {
  // Its id may be that of a copy job as well.
  const own = { repositoryId, key: `file-backup/${id}`, jobs: [id] };
  if (isDisabled && makesBackups)
    found.add('JOB_DISABLED', {
      ...own,
      text: () => `file-backup job ${name} is disabled: it makes no backups`,
    });
  if (missedStartAtMs !== null)
    found.add('JOB_NOT_STARTED', {
      ...{ ...own, sinceMs: missedStartAtMs },
      text: () => `file-backup job ${name} did not start at ${utcText(missedStartAtMs)}`,
    });
  if (lastRun?.result === 'failed' || lastRun?.result === 'warning') {
    const { result, reason, startedAtMs } = lastRun;
    found.add('JOB_FAILED', {
      ...{ ...own, sinceMs: startedAtMs },
      text: () =>
        `the last run of file-backup job ${name} ended with ${String(result)}${reason === null ? '' : `: ${reason}`}`,
    });
  }
}
