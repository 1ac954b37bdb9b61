import type { Client } from '@temporalio/client';
import { translated } from '../api/executions/temporal-errors.js';
import { FileBackupStore } from '../api/file-backups/file-backup-store.js';
import { JobStore } from '../api/jobs/job-store.js';
import { RepositoryBrowser } from '../api/repositories/repository-browser.js';
import { SafetyReader, watchedChannels } from '../api/safety/safety-reader.js';
import { RecordedOutcomes } from '../api/sessions/recorded-outcomes.js';
import { SessionStore } from '../api/sessions/session-store.js';
import type { RepositoryConfig } from '../config/config.js';
import type { NotificationSettings } from '../domain/notices/notification-channel.js';
import { unjudgedRuns } from '../domain/safety/file-backup-problems.js';
import type { SafetySeen } from '../domain/safety/safety-facts.js';

/** All that is known of the copies, as the API knows it: the same facts, the same judgement. */
export function safetyOfAll(
  client: Client,
  repositories: readonly RepositoryConfig[],
  notifications: NotificationSettings,
): () => Promise<SafetySeen> {
  const now = Date.now;
  const browser = new RepositoryBrowser(client, now);
  const recorded = new RecordedOutcomes(browser, now);
  const jobs = new JobStore(client, new SessionStore(client), now, { recorded });
  const reader = new SafetyReader({
    ...{ browser, jobs, repositories, now },
    fileBackups: new FileBackupStore(client, jobs, now),
    channels: watchedChannels(client, notifications),
    // It looks seldom, so what it saw last is what it told last.
    servesMs: 0,
  });
  return translated(async () => {
    const { safety, facts } = await reader.safety();
    const { areOutcomesKnown, fileBackups } = facts;
    return { ...safety, areOutcomesKnown, unjudgedRuns: unjudgedRuns(fileBackups) };
  });
}
