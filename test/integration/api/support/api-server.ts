import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Client, type Connection } from '@temporalio/client';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createApi } from '../../../../src/api/create-api.js';
import type { LonghaulConfig } from '../../../../src/config/config.js';
import { connectClient } from '../../../../src/temporal/client-connection.js';
import { prepareNamespace } from '../../../../src/temporal/namespace.js';
import type { CopyBlocksHeartbeat } from '../../../../src/domain/sessions/operation.js';
import { quietRuntime } from '../../../support/temporal/quiet-runtime.js';
import { temporalAddress } from '../../../support/temporal/server.js';
import { workflowBundle } from '../../../support/workflows/workflow-sandbox.js';

const STAND_INS = fileURLToPath(new URL('./stand-in-workflows.ts', import.meta.url));

const TEST_CONFIG: LonghaulConfig = {
  server: { address: '127.0.0.1', port: 8420, tokenFile: null, signIn: null },
  stateDirectory: '/var/lib/longhaul',
  temporal: { type: 'embedded', binaryPath: null, port: 7233, uiPort: 8233 },
  repositories: [
    repository('primary', 'primary'),
    repository('offsite', 'target'),
    repository('second', 'target'),
  ],
  copy: {
    heartbeatTimeoutSeconds: 30,
    batchBlocks: 256,
    parallelWorkloads: 4,
    unavailableLimitMinutes: 60,
  },
  notifications: { watchSeconds: 300, holdSeconds: 300, channels: [] },
  primaryBackups: [],
  logLevel: 'info',
};

export interface ApiServer {
  readonly url: string;
  readonly client: Client;
  /** JSON request to the API below its base path. */
  request(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Reply>;
  /** Runs stand-ins for the real workflows until the server closes. */
  startWorker(): Promise<void>;
  stopWorker(): Promise<void>;
  close(): Promise<void>;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** The API on a port of its own over a namespace of its own in the shared Temporal server, or over that of `client`. */
export async function startApiServer(
  options: {
    client?: Client;
    repositories?: LonghaulConfig['repositories'];
    now?: () => number;
  } = {},
): Promise<ApiServer> {
  const client = options.client ?? (await newClient());
  const { namespace } = client.options;
  const log = () => undefined;
  const app = createApi({
    client,
    config: { ...TEST_CONFIG, repositories: options.repositories ?? TEST_CONFIG.repositories },
    token: null,
    now: options.now ?? Date.now,
    logger: { info: log, warn: log, error: (fields) => console.error(fields) },
    followIntervalMs: 50,
    eventIntervalMs: 50,
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let worker: RunningWorker | null = null;
  const stopWorker = async () => {
    await worker?.stop();
    worker = null;
  };
  return {
    url,
    client,
    request: (method, path, body, headers) =>
      request(`${url}/api/v1${path}`, method, body, headers),
    startWorker: async () => {
      worker = await startWorker(namespace);
    },
    stopWorker,
    close: async () => {
      await stopWorker();
      server.closeAllConnections();
      server.close();
      if (options.client === undefined) await client.connection.close();
    },
  };
}

async function newClient(): Promise<Client> {
  const namespace = `api-${randomUUID()}`;
  const connection = await connectClient({ address: temporalAddress() });
  await registerNamespace(connection, namespace);
  await prepareNamespace(connection, namespace);
  return new Client({ connection, namespace });
}

async function request(
  url: string,
  method: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}

interface RunningWorker {
  stop(): Promise<void>;
}

async function startWorker(namespace: string): Promise<RunningWorker> {
  quietRuntime();
  const connection = await NativeConnection.connect({ address: temporalAddress() });
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: 'control',
    activities: { copyBlocks: heartbeatUntilCancelled, lookAway },
    workflowBundle: { codePath: await workflowBundle(STAND_INS) },
  });
  const running = worker.run();
  return {
    stop: async () => {
      worker.shutdown();
      await running;
      await connection.close();
    },
  };
}

/** As the activity edge tells of storage that is away. */
async function lookAway(): Promise<void> {
  throw ApplicationFailure.create({
    message: 'Repository "offsite" does not answer.',
    type: 'REPOSITORY_UNREACHABLE',
    details: [{ hint: 'Check the mount.' }],
  });
}

/** Counters of a batch, as the real activity sends them. */
async function heartbeatUntilCancelled(): Promise<void> {
  const context = Context.current();
  const counters: CopyBlocksHeartbeat = {
    processedBytes: 50,
    readBytes: 40,
    transferredBytes: 30,
    reusedBytes: 0,
    storedBytes: 30,
    bytesPerSecond: 25,
  };
  const timer = setInterval(() => context.heartbeat(counters), 100);
  await context.cancelled.finally(() => clearInterval(timer));
}

async function registerNamespace(connection: Connection, namespace: string): Promise<void> {
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 } as never,
  });
}

function repository(id: string, role: 'primary' | 'target') {
  return {
    id,
    kind: 'directory' as const,
    path: `/backups/${id}`,
    role,
    taskLimit: 4,
    workloadLimit: 10,
    settleSeconds: 60,
    immutableForDays: 0,
    folderSync: 'required' as const,
    stamps: 'strong' as const,
    // An appliance is a target like any other, and what other jobs have there is nobody's business.
    contents: role === 'target' ? ('storeonce' as const) : ('backups' as const),
  };
}
