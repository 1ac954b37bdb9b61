import { createServer, type Server } from 'node:http';
import { access, constants, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { Runtime } from '@temporalio/worker';
import { pino, type Logger } from 'pino';
import { createApi } from '../api/create-api.js';
import type { CopyConfig, LonghaulConfig } from '../config/config.js';
import { DEFAULT_COPY_SETTINGS, type CopySettings } from '../domain/jobs/copy-settings.js';
import { WINDOW_BLOCKS } from '../domain/targets/digest.js';
import { BackupError } from '../domain/errors.js';
import { workloadTypes } from '../layout/layouts.js';
import { connectNative, connectTemporal, type TemporalClient } from '../temporal/connect.js';
import { startEmbeddedTemporal, type EmbeddedTemporal } from '../temporal/embedded-server.js';
import { findTemporalBinary } from '../temporal/find-binary.js';
import { prepareNamespace } from '../temporal/namespace.js';
import { lockStateDirectory, type StateLock } from '../temporal/state-lock.js';
import { apiHost, urlHost } from './api-host.js';
import { apiSecrets, type ApiSecrets } from './api-secrets.js';
import { reportStateDirectory } from './state-directory.js';
import { Stops } from './stops.js';
import {
  CONTROL_TASK_QUEUE,
  lookNowSignal,
  WATCH_SAFETY_ID,
  WORKFLOW_WATCH_SAFETY,
} from '../../workflows/messages.js';
import { temporalLogger } from './temporal-logger.js';
import { startWorkers, type RunningWorkers } from './workers.js';

/** What runs of a Longhaul server in this process. `stop` ends it in the right order; `failed` rejects when a part dies. */
export interface Service {
  /** null without the API. */
  readonly url: string | null;
  /** null when Temporal runs elsewhere. */
  readonly temporalUiUrl: string | null;
  readonly failed: Promise<never>;
  stop(): Promise<void>;
}

interface ServiceParts {
  readonly api: boolean;
  readonly control: boolean;
  /** Repositories to serve; null: all. */
  readonly repositories: readonly string[] | null;
  /** A file with the bundled workflows; absent: what the build made. */
  readonly workflowBundle?: string | undefined;
}

export const ALL_PARTS: ServiceParts = { api: true, control: true, repositories: null };

export function createLogger(level: LonghaulConfig['logLevel']): Logger {
  const destination = pino.destination(2);
  // A log that takes no more (its disk is full, its reader has gone) must not end the service.
  destination.on('error', () => undefined);
  return pino({ level, base: null }, destination);
}

/** Starts the parts of a server: the embedded Temporal server when configured, workers, API. What was started is stopped again when a
 *  later part cannot start.
 *  @throws STATE_DIRECTORY_LOCKED, TEMPORAL_BINARY_MISSING, TEMPORAL_NOT_STARTED, TEMPORAL_UNREACHABLE, CONFIG_INVALID, REPOSITORY_MISSING */
export async function startService(
  config: LonghaulConfig,
  parts: ServiceParts,
  logger: Logger,
  environment: NodeJS.ProcessEnv,
): Promise<Service> {
  const stops = new Stops();
  try {
    return await startParts(config, parts, logger, environment, stops);
  } catch (error) {
    await stops
      .run()
      .catch((err: unknown) => logger.warn({ err }, 'what was started did not stop cleanly'));
    throw error;
  }
}

async function startParts(
  config: LonghaulConfig,
  parts: ServiceParts,
  logger: Logger,
  environment: NodeJS.ProcessEnv,
  stops: Stops,
): Promise<Service> {
  // Before Temporal is started: what is wrong with one of them is said at once.
  const secrets = parts.api ? await apiSecrets(config.server) : null;
  const embedded = await startTemporal(config, parts, logger, environment, stops);
  const temporal = await connectTemporal(config);
  stops.add(() => temporal.connection.close());
  await prepareNamespace(temporal.connection, temporal.namespace);

  const failures: Promise<void>[] = [];
  const served = parts.repositories ?? config.repositories.map(({ id }) => id);
  if (parts.control || served.length > 0) {
    const { client } = temporal;
    const wanted = { ...parts, served, client };
    const workers = await startServiceWorkers(config, wanted, logger, stops);
    failures.push(workers.finished());
  }
  const url =
    secrets === null ? null : await startApi(config, secrets, temporal, embedded, logger, stops);
  const failed = Promise.all(failures).then(() => new Promise<never>(() => undefined));
  failed.catch(() => undefined); // whoever waits for it sees the failure; nobody needs to
  return { url, temporalUiUrl: embedded?.server.uiUrl ?? null, failed, stop: () => stops.run() };
}

async function startTemporal(
  config: LonghaulConfig,
  parts: ServiceParts,
  logger: Logger,
  environment: NodeJS.ProcessEnv,
  stops: Stops,
): Promise<{ server: EmbeddedTemporal; lock: StateLock } | null> {
  const { temporal, stateDirectory } = config;
  // The server belongs to `serve`; a worker of its own joins the one that runs.
  if (temporal.type !== 'embedded' || !(parts.api && parts.control)) return null;
  const lock = await lockStateDirectory(stateDirectory);
  stops.add(() => lock.release());
  const binaryPath = await findTemporalBinary({
    configuredPath: temporal.binaryPath,
    cacheFolder: join(stateDirectory, 'cache'),
    env: environment,
  });
  const server = await startEmbeddedTemporal({
    binaryPath,
    stateDirectory,
    port: temporal.port,
    uiPort: temporal.uiPort,
    environment,
    log: {
      info: (message) => logger.info({ part: 'temporal' }, message),
      warn: (message) => logger.warn({ part: 'temporal' }, message),
      error: (message) => logger.error({ part: 'temporal' }, message),
    },
  });
  stops.add(() => server.stop());
  const endReports = reportStateDirectory(lock, logger);
  stops.add(async () => endReports());
  return { server, lock };
}

let isRuntimeInstalled = false;

async function startServiceWorkers(
  config: LonghaulConfig,
  {
    control,
    served,
    client,
    workflowBundle,
  }: ServiceParts & { readonly served: readonly string[]; readonly client: Client },
  logger: Logger,
  stops: Stops,
): Promise<RunningWorkers> {
  for (const id of served)
    if (!config.repositories.some((repository) => repository.id === id))
      throw new BackupError('REPOSITORY_MISSING', `no repository "${id}" is configured`);
  if (!isRuntimeInstalled) {
    // `shutdownSignals: []`: this process decides what stops in which order.
    Runtime.install({
      logger: temporalLogger(logger),
      shutdownSignals: [],
      workerHeartbeatInterval: WORKER_HEARTBEAT,
      telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } },
    });
    isRuntimeInstalled = true;
  }
  const { stateDirectory } = config;
  await warnWithoutMemory(stateDirectory, logger);
  // Closed by the workers when they stop, or cannot start.
  const native = await connectNative(config);
  const workers = await startWorkers({
    ...native,
    stateDirectory,
    repositories: config.repositories,
    served,
    servesControl: control,
    settings: copySettings(config.copy),
    notifications: config.notifications,
    primaryBackups: config.primaryBackups,
    client,
    workflowBundle,
    logger,
  });
  stops.add(() => workers.stop());
  void reportStorage(workers, served, logger);
  if (control) await watchSafety(client, config);
  return workers;
}

/** The watch ends by itself when no channel is left. One that runs already is asked to read the channels anew. */
async function watchSafety(client: Client, { notifications }: LonghaulConfig): Promise<void> {
  if (notifications.channels.length === 0) return;
  await client.workflow.signalWithStart(WORKFLOW_WATCH_SAFETY, {
    workflowId: WATCH_SAFETY_ID,
    taskQueue: CONTROL_TASK_QUEUE,
    args: [],
    signal: lookNowSignal,
    staticSummary: 'Watches whether all copies are well, and tells the channels.',
  });
}

/** Without a state directory the work goes on, but a target that is not mounted at the next start is not told from a new one. */
async function warnWithoutMemory(stateDirectory: string, logger: Logger): Promise<void> {
  try {
    await mkdir(stateDirectory, { recursive: true });
    await access(stateDirectory, constants.W_OK);
  } catch (err) {
    logger.warn(
      { stateDirectory, err },
      'cannot be written: which targets were seen is not remembered over a restart',
    );
  }
}

/** What the storage of the targets lacks stands in the log from the start, not only when a copy meets it. Each by itself: one that hangs keeps no other from it. */
async function reportStorage(
  workers: RunningWorkers,
  served: readonly string[],
  logger: Logger,
): Promise<void> {
  await Promise.all(served.map((repository) => reportStorageOf(repository, workers, logger)));
}

async function reportStorageOf(
  repository: string,
  workers: RunningWorkers,
  logger: Logger,
): Promise<void> {
  const late = setTimeout(
    () => logger.warn({ repository }, 'its storage does not answer: its jobs wait for it'),
    LATE_MS,
  );
  try {
    const probe = await workers.storageOf(repository);
    for (const fault of probe?.faults ?? [])
      logger.error({ repository, fault }, 'not fit as a target');
    for (const warning of probe?.warnings ?? [])
      logger.warn({ repository, warning }, 'the storage lacks something');
  } catch (err) {
    logger.warn({ repository, err }, 'cannot be reached');
  } finally {
    clearTimeout(late);
  }
}

/** A repository that has not been looked at after so long is named in the log. */
const LATE_MS = 5_000;

function copySettings(copy: CopyConfig): CopySettings {
  return {
    ...DEFAULT_COPY_SETTINGS,
    heartbeatTimeoutMs: copy.heartbeatTimeoutSeconds * 1_000,
    batchWindows: copy.batchBlocks / WINDOW_BLOCKS,
    parallelTasks: copy.parallelWorkloads,
    unavailableLimitMs: copy.unavailableLimitMinutes * 60_000,
  };
}

/** How soon `readyz` and the list of repositories notice a worker that is gone: three of these. */
const WORKER_HEARTBEAT = '10s';

async function startApi(
  config: LonghaulConfig,
  { token, signInSecrets }: ApiSecrets,
  temporal: TemporalClient,
  embedded: { server: EmbeddedTemporal; lock: StateLock } | null,
  logger: Logger,
  stops: Stops,
): Promise<string> {
  const { address, port } = config.server;
  const { client } = temporal;
  const stateFault = embedded === null ? {} : { stateFault: () => embedded.lock.fault() };
  const app = createApi({
    client,
    config,
    workloadTypes: workloadTypes(),
    token,
    signInSecrets,
    now: Date.now,
    logger,
    dashboardFolder: builtDashboard(),
    version: await ownVersion(),
    temporalUiUrl: embedded?.server.uiUrl ?? null,
    readsAhead: true,
    stateDirectory: config.stateDirectory,
    ...stateFault,
  });
  const server = createServer(app);
  const host = apiHost(address, token !== null);
  await listen(server, port, host);
  stops.add(() => closeServer(server));
  const bound = server.address();
  const actualPort = typeof bound === 'object' && bound !== null ? bound.port : port;
  return `http://${urlHost(host)}:${actualPort}`;
}

/** Folder of `package.json`, whether this runs from `dist` or from source. */
const PACKAGE = new URL(import.meta.url.endsWith('.js') ? '../../../' : '../../', import.meta.url);

/** What `npm run build` wrote of the dashboard. */
function builtDashboard(): string {
  return fileURLToPath(new URL('dist/dashboard', PACKAGE));
}

/** null: this is no whole installation. */
async function ownVersion(): Promise<string | null> {
  const text = await readFile(new URL('package.json', PACKAGE), 'utf8').catch(() => null);
  return text === null ? null : (JSON.parse(text) as { version: string }).version;
}

async function listen(server: Server, port: number, address: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new BackupError(
          'CONFIG_INVALID',
          `the API cannot listen on ${address}:${port}: ${error.message}`,
          {
            hint: 'Choose another server.address or server.port, or stop what listens there.',
            cause: error,
          },
        ),
      ),
    );
    server.listen(port, address, resolve);
  });
}

/** Followers of a session keep their connections open; they are cut. */
async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
