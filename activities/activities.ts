import type { CopySettings } from '../src/domain/jobs/copy-settings.js';
import type { NotificationSettings } from '../src/domain/notices/notification-channel.js';
import type { PrimaryBackup } from '../src/domain/jobs/primary-backup.js';
import type { SafetySeen } from '../src/domain/safety/safety-facts.js';
import type { DataMover } from '../src/mover/data-mover.js';
import { createAuditActivities } from './watch/audit-activities.js';
import { createBrowseActivities } from './watch/browse-activities.js';
import { createCopyActivities } from './task/copy-activities.js';
import { createFactsActivities } from './watch/facts-activities.js';
import { createFileBackupActivities } from './session/file-backup-activities.js';
import { createHealthActivities } from './operations/health-activities.js';
import { createNotifyActivities } from './watch/notify-activities.js';
import { createReadRecordActivities } from './session/record-activities.js';
import { createRemovedWorkloadActivities } from './session/removed-workload-activities.js';
import { createRestoreActivities } from './operations/restore-activities.js';
import { createRetentionActivities } from './task/retention-activities.js';
import { createSessionActivities, type JobStarter } from './session/session-activities.js';
import { createTreeActivities } from './task/tree-activities.js';
import { createTreeHealthActivities } from './operations/tree-health-activities.js';
import { createWatchActivities } from './watch/watch-activities.js';

interface ActivityDependencies {
  readonly mover: DataMover;
  readonly settings: CopySettings;
  readonly starter: JobStarter;
  /** Days during which a repository changes nothing. */
  readonly immutableForDays: (repositoryId: string) => number;
  /** How long what nothing vouches for must not have changed, by the repository's id. */
  readonly settleMs: (repositoryId: string) => number;
  /** Configured repositories that are written to. */
  readonly targetIds: readonly string[];
  /** Roots of the configured repositories: a restore never writes into one. */
  readonly repositoryFolders: readonly string[];
  readonly notifications: NotificationSettings;
  readonly primaryBackups: readonly PrimaryBackup[];
  /** Root of a repository on this machine; null: it is not configured here. */
  readonly repositoryFolder: (repositoryId: string) => string | null;
  /** Of the server, IANA name. */
  readonly timeZone: string;
  /** All that is known of the copies, and what follows. */
  readonly readSafety: () => Promise<SafetySeen>;
}

/** All activities, by their names. */
export function createActivities(deps: ActivityDependencies) {
  return {
    ...createAuditActivities(deps),
    ...createBrowseActivities(deps),
    ...createCopyActivities(deps),
    ...createFactsActivities(deps),
    ...createFileBackupActivities(deps),
    ...createHealthActivities(deps),
    ...createNotifyActivities(deps),
    ...createReadRecordActivities(deps),
    ...createRestoreActivities(deps),
    ...createRemovedWorkloadActivities(deps),
    ...createRetentionActivities(deps),
    ...createSessionActivities(deps),
    ...createTreeActivities(deps),
    ...createTreeHealthActivities(deps),
    ...createWatchActivities(deps),
  };
}

export type Activities = ReturnType<typeof createActivities>;
