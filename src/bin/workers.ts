import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import { createActivities } from '../../activities/activities.js';
import { noteFirstPoll } from '../../activities/running/run-task.js';
import { createTurnActivities } from '../../activities/task/turn-activities.js';
import {
  CONTROL_TASK_QUEUE,
  lookTaskQueue,
  repositoryTaskQueue,
  turnTaskQueue,
} from '../../workflows/messages.js';
import type { RepositoryConfig } from '../config/config.js';
import { folderOf, storageOf } from '../config/repository-storage.js';
import type { CopySettings } from '../domain/jobs/copy-settings.js';
import type { StorageProbe } from '../domain/targets/storage-probe.js';
import type { NotificationSettings } from '../domain/notices/notification-channel.js';
import { limitStore } from '../api/limits/limit-store.js';
import type { PrimaryBackup } from '../domain/jobs/primary-backup.js';
import { serverTimeZone } from '../api/jobs/job-time-zone.js';
import { DataMover } from '../mover/data-mover.js';
import type { RepositoryLocation } from '../repository/open-repository.js';
import type { Logger } from '../api/api-dependencies.js';
import { jobStarter } from './job-starter.js';
import { keepLimits } from './live-limits.js';
import { safetyOfAll } from './safety-of-all.js';

interface WorkersOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly repositories: readonly RepositoryConfig[];
  /** Repositories whose data activities this process does; each needs to be reachable from here, and so do the sources of its jobs. */
  readonly served: readonly string[];
  /** Where it is remembered which targets were seen; null: nowhere. */
  readonly stateDirectory: string | null;
  /** Whether this process also runs workflows and the small activities of the server. */
  readonly servesControl: boolean;
  readonly settings: CopySettings;
  readonly notifications: NotificationSettings;
  readonly primaryBackups: readonly PrimaryBackup[];
  /** For starting the jobs that follow another one. */
  readonly client: Client;
  readonly logger: Pick<Logger, 'warn' | 'error'>;
  /** A file with the bundled workflows; absent: what the build made. */
  readonly workflowBundle?: string | undefined;
}

/** The workers of one process: one for each repository it serves, with the repository's task limit, and one for workflows. When one cannot be made, those
 *  that were are stopped, and the connection is closed. */
export async function startWorkers(options: WorkersOptions): Promise<RunningWorkers> {
  const { connection, namespace, repositories, settings } = options;
  const mover = new DataMover(repositories.map(locationOf), options.stateDirectory);
  const byId = new Map(repositories.map((repository) => [repository.id, repository]));
  const activities = createActivities({
    mover,
    settings: { ...settings, ...jobPings(options.notifications) },
    starter: jobStarter(options.client),
    immutableForDays: (id) => byId.get(id)?.immutableForDays ?? 0,
    settleMs: (id) => (byId.get(id)?.settleSeconds ?? 0) * 1000,
    targetIds: repositories.filter(({ role }) => role === 'target').map(({ id }) => id),
    repositoryFolders: repositories.map(folderOf).filter((folder) => folder !== null),
    notifications: options.notifications,
    primaryBackups: options.primaryBackups,
    repositoryFolder: (id) => {
      const repository = byId.get(id);
      return repository === undefined ? null : folderOf(repository);
    },
    timeZone: serverTimeZone(),
    readSafety: safetyOfAll(options.client, repositories, options.notifications),
  });
  const shared: SharedOptions = {
    ...{ connection, namespace, activities },
    shutdownGraceTime: SHUTDOWN_GRACE,
  };
  const wanted = repositories
    .filter(({ id }) => options.served.includes(id))
    .flatMap((repository) => workersOf(repository, shared));
  if (options.servesControl)
    wanted.push({
      ...shared,
      ...workflowCode(options.workflowBundle),
      taskQueue: CONTROL_TASK_QUEUE,
      maxCachedWorkflows: CACHED_WORKFLOWS,
    });
  const workers: Worker[] = [];
  const made = { workers, mover, connection, logger: options.logger };
  try {
    for (const each of wanted) workers.push(await Worker.create(each));
  } catch (error) {
    // A worker that was made holds the connection until it has run.
    await new RunningWorkers({ ...made, leaveLimits: () => undefined }).stop();
    throw error;
  }
  return new RunningWorkers({ ...made, leaveLimits: limitMover(mover, options) });
}

/** Sessions of other jobs tell nobody, and their histories hold nothing of it. */
function jobPings({ channels }: NotificationSettings): Pick<CopySettings, 'pingedJobs'> {
  const pingedJobs = channels.flatMap((channel) =>
    channel.kind === 'ping' && channel.job !== null ? [channel.job] : [],
  );
  return pingedJobs.length === 0 ? {} : { pingedJobs };
}

/** @returns ends it */
function limitMover(
  mover: DataMover,
  { client, repositories, logger }: WorkersOptions,
): () => void {
  const limits = limitStore(client, serverTimeZone());
  const ids = repositories.map(({ id }) => id);
  return keepLimits(mover.meters, ids, () => limits.read(), logger);
}

type SharedOptions = Pick<
  WorkerOptions,
  'connection' | 'namespace' | 'activities' | 'shutdownGraceTime'
>;

/** What serves one repository: its data, looks that must not wait for them, and the turns of those that work at its workloads. */
export function workersOf(
  { id, taskLimit, workloadLimit }: RepositoryConfig,
  shared: SharedOptions,
): WorkerOptions[] {
  const { connection, namespace } = shared;
  return [
    {
      ...shared,
      taskQueue: repositoryTaskQueue(id),
      maxConcurrentActivityTaskExecutions: taskLimit,
      maxConcurrentActivityTaskPolls: Math.min(POLLS, taskLimit),
      maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    },
    {
      ...shared,
      taskQueue: lookTaskQueue(id),
      maxConcurrentActivityTaskExecutions: CONCURRENT_LOOKS,
      maxConcurrentActivityTaskPolls: POLLS,
    },
    {
      ...{ connection, namespace },
      activities: createTurnActivities(),
      taskQueue: turnTaskQueue(id),
      maxConcurrentActivityTaskExecutions: workloadLimit,
      maxConcurrentActivityTaskPolls: Math.min(POLLS, workloadLimit),
    },
  ];
}

/** Groups of workers in this process that ask for tasks. */
let polling = 0;

interface MadeWorkers {
  readonly workers: readonly Worker[];
  readonly mover: DataMover;
  readonly connection: NativeConnection;
  readonly leaveLimits: () => void;
  readonly logger: Pick<Logger, 'error'>;
}

export class RunningWorkers {
  private readonly runs: Promise<void>[];

  constructor(private readonly made: MadeWorkers) {
    if (polling === 0) noteFirstPoll();
    polling++;
    this.runs = made.workers.map((worker) => worker.run());
    void Promise.allSettled(this.runs).then(() => polling--);
  }

  /** Resolves when all have stopped; rejects when one fails. */
  async finished(): Promise<void> {
    await Promise.all(this.runs);
  }

  /** null for a repository that is only read, when it is there. */
  async storageOf(repositoryId: string): Promise<StorageProbe | null> {
    await this.made.mover.source(repositoryId);
    return this.made.mover.storage.of(repositoryId, false);
  }

  /** Stops polling, lets short activities end, hands long ones over at their durable position, and closes the connection. What waits for storage that does
   *  not answer cannot end: at the limit it is left to the end of the process, which is then a kill, and the log says what it waits for. */
  async stop(limitMs = STOP_LIMIT_MS): Promise<void> {
    for (const worker of this.made.workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    const deadline = new AbortController();
    const late = sleep(limitMs, 'late', { signal: deadline.signal }).catch(() => 'late');
    const outcome = await Promise.race([this.end(), late]);
    deadline.abort();
    if (outcome === 'late') {
      this.made.leaveLimits();
      const storage = this.made.mover.unanswered();
      this.made.logger.error(
        { storage },
        storage.length > 0
          ? 'what waits for storage that does not answer is not stopped'
          : 'what has not ended by now is not stopped',
      );
      return;
    }
    await this.made.connection.close();
  }

  private async end(): Promise<void> {
    await Promise.allSettled(this.runs);
    this.made.leaveLimits();
    await this.made.mover.close();
  }
}

/** Waiting calls of each queue. A server keeps 1,200 of a namespace (`frontend.namespaceCount`): the SDK's ten each are too many for 50 repositories. */
const POLLS = 2;
/** A watch holds a place for as long as its job is immediate. */
const CONCURRENT_LOOKS = 500;
/** Long enough for a window to finish, short enough for a container's stop timeout. */
const SHUTDOWN_GRACE = '5s';
/** With what else has to stop still short enough for one. */
const STOP_LIMIT_MS = 20_000;
/** What a heartbeat carries may be this old after a kill; the durable cursor is in the staging folder anyway. */
const HEARTBEAT_THROTTLE = '5s';
/** About 200 per GiB of memory are safe (Temporal’s own advice). */
const CACHED_WORKFLOWS = 200;

export function locationOf(repository: RepositoryConfig): RepositoryLocation {
  const { id, role, contents } = repository;
  const opened = { isOpaque: contents === 'storeonce', isDated: contents === 'dated-tree' };
  return { id, storage: storageOf(repository), isReadOnly: role !== 'target', ...opened };
}

/** The build bundles the workflows once; from source they are bundled at start. */
function workflowCode(
  bundle = fileURLToPath(new URL('../../workflow-bundle.js', import.meta.url)),
): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> {
  if (existsSync(bundle)) return { workflowBundle: { codePath: bundle } };
  return { workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)) };
}
