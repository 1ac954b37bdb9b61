import { ALL_ALLOWED, type WorkloadRules } from '../../domain/sources/workload-rules.js';

/** Backups that the plug-in of a database writes as it likes: only new ones are followed, and how many points stay says nothing of pieces that build on
 *  each other. Source: VBR user guide, `backup_copy_plugins`, `backup_copy_target_rman`. */
export const PLUG_IN_RULES: WorkloadRules = {
  ...ALL_ALLOWED,
  modes: ['immediate'],
  allowsGfs: false,
  retentionByDaysOnly: true,
};

/** By how much clocks of a database and of the storage of its logs may differ. */
export const LOGS_BEFORE_FULL_MS = 15 * 60_000;

/** Whether a full backup is so much smaller than the one before it that it may have died, though all that names tell of it is there.
 *  @param bytes of its data */
export function isTooSmall(bytes: number, bytesBefore: number): boolean {
  return bytes < bytesBefore / 2;
}

/** @param before what it is smaller than */
export function tooSmallText(before: string): string {
  return `it has less than half the bytes of ${before}: it may have died`;
}
