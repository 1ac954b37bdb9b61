/** What copies of one type of backup allow: data of the layout that finds them. */

import type { CopyMode } from './copy-job.js';

/** A type of backups, as the API, the commands and the dashboard name it. */
export interface WorkloadTypeFacts {
  /** Stands in commit records and plans, so it never changes its meaning. */
  readonly id: string;
  /** For people. */
  readonly title: string;
  readonly rules: WorkloadRules;
}

/** Source: the limits that the VBR user guide states for each backup type (`backup_copy_modes`, `ahv_backup_copy`, `backup_copy_plugins`). */
export interface WorkloadRules {
  /** A job takes a repository of them whole: it neither includes nor excludes single ones. */
  readonly wholeSourceOnly: boolean;
  readonly modes: readonly CopyMode[];
  readonly allowsGfs: boolean;
  /** How many restore points stay means nothing for pieces that depend on each other in ways that only the tool knows. */
  readonly retentionByDaysOnly: boolean;
}

/** Of machines whose backups stand for themselves. */
export const ALL_ALLOWED: WorkloadRules = {
  wholeSourceOnly: false,
  modes: ['immediate', 'periodic'],
  allowsGfs: true,
  retentionByDaysOnly: false,
};
