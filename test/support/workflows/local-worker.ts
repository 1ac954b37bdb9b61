import { createActivities, type Activities } from '../../../activities/activities.js';
import {
  DEFAULT_COPY_SETTINGS,
  type CopySettings,
} from '../../../src/domain/jobs/copy-settings.js';
import type { NotificationSettings } from '../../../src/domain/notices/notification-channel.js';
import type { DataMover } from '../../../src/mover/data-mover.js';
import type {
  BackupRepository,
  SourceRepository,
} from '../../../src/repository/backup-repository.js';
import type { RateMeters } from '../../../src/repository/rate-meters.js';
import { InProcessMover } from '../mover/in-process-mover.js';
import { SimulatedRepository } from '../repository/simulated-repository.js';
import type { Ask, AskAny, LocalWorker } from './worker-contract.js';
import { NO_NOTIFICATIONS } from '../notify/no-notifications.js';

export interface WorkerOptions {
  /** One process for all that is executed, with what it remembers; default: a new one each time. */
  readonly isResident?: boolean;
  /** Of every repository. */
  readonly immutableForDays?: number;
  /** Of every repository. Default 0. */
  readonly settleMs?: number;
  readonly settings?: Partial<CopySettings>;
  /** Default: none. */
  readonly notifications?: NotificationSettings;
  /** Default: as fast as it can. */
  readonly meters?: RateMeters;
  /** Default: when one of its repositories has crashed. */
  readonly isDead?: () => boolean;
  /** As `LocalWorker.isAway`. Default: never. */
  readonly isAway?: (activity: string) => boolean;
  /** As `LocalWorker.losesAnswer`. Default: never. */
  readonly losesAnswer?: (activity: string, attempt: number) => boolean;
  /** What happens meanwhile. */
  readonly beforeActivity?: (name: string, ask: Ask) => Promise<void>;
  /** What is seen when everything waits for a later moment. */
  readonly whileWaiting?: (ask: AskAny) => Promise<void>;
}

/** All activities of the product over the repositories of a test, in this thread. */
export class InProcessWorker implements LocalWorker {
  readonly activities: Activities;
  readonly isDead: () => boolean;
  readonly before: (name: string, ask: Ask) => Promise<void>;
  readonly whileWaiting: (ask: AskAny) => Promise<void>;
  readonly losesAnswer: (activity: string, attempt: number) => boolean;
  readonly isAway: (activity: string) => boolean;
  activity = '';

  constructor(repositories: readonly BackupRepository[], options: WorkerOptions = {}) {
    const isCrashed = (repository: SourceRepository) =>
      repository instanceof SimulatedRepository && repository.isCrashed;
    this.isDead = options.isDead ?? (() => repositories.some(isCrashed));
    this.before = options.beforeActivity ?? (() => Promise.resolve());
    this.whileWaiting = options.whileWaiting ?? (() => Promise.resolve());
    this.losesAnswer = options.losesAnswer ?? (() => false);
    this.isAway = options.isAway ?? (() => false);
    const mover: InProcessMover = new InProcessMover(...repositories);
    if (options.meters !== undefined) mover.meters = options.meters;
    this.activities = createActivities({
      mover: mover as Pick<DataMover, keyof DataMover> as DataMover,
      settings: { ...DEFAULT_COPY_SETTINGS, ...options.settings },
      starter: {
        startJobsAfter: () => Promise.resolve([]),
        tellSessionEnd: () => Promise.resolve(),
        startRetry: () => Promise.resolve(null),
        enabledJob: () => Promise.resolve(null),
        watchSessions: () => Promise.resolve([]),
        waitingSession: () => Promise.resolve(null),
      },
      immutableForDays: () => options.immutableForDays ?? 0,
      settleMs: () => options.settleMs ?? 0,
      targetIds: repositories.map(({ id }) => id),
      repositoryFolders: [],
      notifications: options.notifications ?? NO_NOTIFICATIONS,
      primaryBackups: [],
      repositoryFolder: () => null,
      timeZone: 'UTC',
      readSafety: () => Promise.reject(new Error('nobody watches here')),
    });
  }
}
