/** A file-backup job in words. */

import type {
  FileBackupJobView,
  FileBackupRunView,
} from '../../../api/file-backups/file-backup-schemas.js';
import { counted } from '../../show/format.js';
import { hoursWords, scheduleWords } from '../../show/job-words.js';
import { sayResult, type Said } from '../../show/words.js';

/** Where the backups lie, and who makes them. */
export function primaryWords({
  source: { repositoryId, workload },
  primaryBackup,
}: Pick<FileBackupJobView, 'source' | 'primaryBackup'>): string {
  const maker = primaryBackup === null ? 'made by something else' : `made by ${primaryBackup}`;
  return `${workload} in ${repositoryId}, ${maker}`;
}

/** When the primary run begins. */
export function primaryStartWords({
  primaryBackup,
  schedule,
}: Pick<FileBackupJobView, 'primaryBackup' | 'schedule'>): string {
  if (primaryBackup === null) return 'New snapshots are noticed, whoever makes them.';
  return `The backup is made ${scheduleWords(schedule)}.`;
}

export interface TargetWords {
  readonly repositoryId: string;
  readonly copyJob: string;
  readonly starts: string;
  readonly hours: string;
  readonly keeps: string;
}

/** Each secondary target with its copy job, in their order. */
export function targetWords(job: FileBackupJobView): TargetWords[] {
  return job.secondaryTargets.map((target, index) => {
    const { repositoryId, schedule, allowedHours } = target;
    const days = target.keepRemovedForDays ?? job.keepRemovedForDays;
    const follows = job.primaryBackup === null ? 'after each new snapshot' : 'after each run';
    return {
      repositoryId,
      copyJob: job.copyJobs[index] ?? '',
      starts: schedule === null ? follows : scheduleWords(schedule),
      hours: allowedHours === null ? 'at any time' : `begins ${hoursWords(allowedHours)}`,
      keeps: `${counted(days, 'day')} after the primary has removed it`,
    };
  });
}

export function sayFileBackupRun({
  state,
  result,
}: Pick<FileBackupRunView, 'state' | 'result'>): Said {
  if (state === 'running') return { mood: 'busy', word: 'running' };
  return result === null ? { mood: 'attention', word: 'stopped' } : sayResult(result);
}
