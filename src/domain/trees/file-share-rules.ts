import { ALL_ALLOWED, type WorkloadRules } from '../sources/workload-rules.js';

/** Of backups of file shares. The tool's own removal decides what stays, so a number of restore points or a calendar of fulls means nothing for them.
 *  Source: VBR user guide, `file_share_backup_job_secondary_target`. */
export const FILE_SHARE_RULES: WorkloadRules = {
  ...ALL_ALLOWED,
  job: 'fileBackup',
  allowsGfs: false,
  retentionByDaysOnly: true,
};
