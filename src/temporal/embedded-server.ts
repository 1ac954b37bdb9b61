import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BackupError } from '../domain/errors.js';
import { identifyProcess } from './process-identity.js';
import type { LaunchOptions, ServerProcess } from './server-process.js';
import { launchServer, stopProcess, waitUntilServing } from './server-process.js';
import type { ServerRecord } from './server-record.js';
import {
  choosePort,
  LOOPBACK,
  readServerRecord,
  whyNotFree,
  writeServerRecord,
} from './server-record.js';

const DATABASE_FILE = 'temporal.db';
/** A new file takes 0.3 s; a slow disk or a large file may take far longer. */
const START_TIMEOUT_MS = 60_000;
/** The server needs 2.4 s for a clean stop (measured); its file survives SIGKILL as well. */
const STOP_TIMEOUT_MS = 10_000;
const FIRST_RESTART_DELAY_MS = 200;
const LONGEST_RESTART_DELAY_MS = 30_000;

interface ServerLog {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface EmbeddedTemporalOptions {
  readonly binaryPath: string;
  /** Must be locked by the caller (`lockStateDirectory`). Holds the server's file and the record of its ports and process. */
  readonly stateDirectory: string;
  /** 0: a free port, the same one at every start while it is free. */
  readonly port: number;
  readonly uiPort: number;
  readonly log: ServerLog;
  readonly environment?: LaunchOptions['environment'];
  readonly dynamicConfig?: LaunchOptions['dynamicConfig'];
  readonly sqlitePragmas?: LaunchOptions['sqlitePragmas'];
  readonly startTimeoutMs?: number;
  readonly stopTimeoutMs?: number;
}

export interface EmbeddedTemporal {
  /** `host:port` of the gRPC front end; stays the same for the life of this object. */
  readonly address: string;
  /** The web pages of Temporal. They have no login, hence loopback. */
  readonly uiUrl: string;
  /** Process id of the running server; null between its death and its restart. */
  pid(): number | null;
  /** Resolves when the process is gone. Idempotent. */
  stop(): Promise<void>;
}

/** Runs a Temporal development server as a child process with its state in `<stateDirectory>/temporal.db`, resolves when it
 *  answers, and starts it again whenever it dies, for ever, with growing pauses.
 *
 *  A server left over from a killed parent is stopped first: it is known by pid and start time in `temporal-server.json`.
 *  It is not adopted, because nobody would see it die; a new one goes on from the same file within a second.
 *  @throws TEMPORAL_NOT_STARTED when the first start fails, with the last lines the server printed. */
export async function startEmbeddedTemporal(
  options: EmbeddedTemporalOptions,
): Promise<EmbeddedTemporal> {
  await mkdir(options.stateDirectory, { recursive: true, mode: 0o700 });
  const remembered = await readServerRecord(options.stateDirectory);
  await stopLeftOver(remembered, options);
  const server = new EmbeddedServer(options, {
    port: await choosePort(options.port, remembered?.port ?? null),
    uiPort: await choosePort(options.uiPort, remembered?.uiPort ?? null),
  });
  await server.start();
  return server;
}

async function stopLeftOver(
  record: ServerRecord | null,
  { log, stopTimeoutMs = STOP_TIMEOUT_MS }: EmbeddedTemporalOptions,
): Promise<void> {
  if (record === null || record.process === null) return;
  // Without a start time the pid may be anybody's by now.
  if (record.process.startedAt === null) return;
  const current = await identifyProcess(record.process.pid);
  if (current?.startedAt !== record.process.startedAt) return;
  log.warn(`stopping the Temporal server ${current.pid} that a killed parent left over`);
  await stopProcess(current, stopTimeoutMs);
}

class EmbeddedServer implements EmbeddedTemporal {
  readonly address: string;
  readonly uiUrl: string;
  readonly #options: EmbeddedTemporalOptions;
  readonly #ports: { readonly port: number; readonly uiPort: number };
  readonly #stopping = new AbortController();
  readonly #stopped: Promise<null>;
  #process: ServerProcess | null = null;
  #supervision: Promise<void> = Promise.resolve();

  constructor(options: EmbeddedTemporalOptions, ports: { port: number; uiPort: number }) {
    this.#options = options;
    this.#ports = ports;
    this.address = `${LOOPBACK}:${ports.port}`;
    this.uiUrl = `http://${LOOPBACK}:${ports.uiPort}`;
    this.#stopped = new Promise((resolve) => {
      this.#stopping.signal.addEventListener('abort', () => resolve(null), { once: true });
    });
  }

  pid(): number | null {
    return this.#process?.child.pid ?? null;
  }

  async start(): Promise<void> {
    const server = await this.#launch();
    if (typeof server === 'string') {
      throw new BackupError(
        'TEMPORAL_NOT_STARTED',
        `The embedded Temporal server ${this.#options.binaryPath} ${server}`,
        { details: { address: this.address, binaryPath: this.#options.binaryPath } },
      );
    }
    this.#supervision = this.#supervise(server);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#end();
    await this.#supervision;
    // A restart that was under way may have brought up one more.
    await this.#end();
  }

  async #supervise(first: ServerProcess): Promise<void> {
    let server: ServerProcess | null = first;
    while (server !== null) {
      const end: string | null = await Promise.race([server.ended, this.#stopped]);
      server = end === null ? null : await this.#restart(end);
    }
  }

  /** Tries until a server serves again; null when `stop` was called meanwhile. */
  async #restart(end: string): Promise<ServerProcess | null> {
    const { log } = this.#options;
    let fault = end;
    for (let delayMs = FIRST_RESTART_DELAY_MS; !this.#stopping.signal.aborted;) {
      this.#process = null;
      log.error(`the embedded Temporal server ${fault}; starting it again in ${delayMs} ms`);
      await Promise.race([sleep(delayMs), this.#stopped]);
      if (this.#stopping.signal.aborted) return null;
      const server = await this.#launch().catch(launchFault);
      if (typeof server !== 'string') {
        log.info(`the embedded Temporal server answers again on ${this.address}`);
        return server;
      }
      fault = server;
      delayMs = Math.min(delayMs * 2, LONGEST_RESTART_DELAY_MS);
    }
    return null;
  }

  /** A server that serves, or why there is none; then its process is gone. */
  async #launch(): Promise<ServerProcess | string> {
    const { binaryPath, stateDirectory, environment, dynamicConfig, sqlitePragmas } = this.#options;
    const { startTimeoutMs = START_TIMEOUT_MS } = this.#options;
    for (const setting of ['port', 'uiPort'] as const) {
      const port = this.#ports[setting];
      const fault = await whyNotFree(port);
      if (fault !== null)
        return `cannot listen on ${LOOPBACK}:${port}: ${fault}. Set temporal.${setting} to another port (0: any that is free), or free this one`;
    }
    const databasePath = join(stateDirectory, DATABASE_FILE);
    const server = await launchServer({
      binaryPath,
      databasePath,
      environment,
      dynamicConfig,
      sqlitePragmas,
      ...this.#ports,
    });
    this.#process = server;
    const pid = server.child.pid;
    const identity = pid === undefined ? null : await identifyProcess(pid);
    await writeServerRecord(stateDirectory, { ...this.#ports, process: identity });
    const fault = await waitUntilServing(server, this.#ports.port, startTimeoutMs);
    if (fault === null) return server;
    await this.#end();
    return fault;
  }

  async #end(): Promise<void> {
    const server = this.#process;
    this.#process = null;
    if (server?.child.pid === undefined) return;
    const identity = await identifyProcess(server.child.pid);
    if (identity === null || server.child.exitCode !== null) return;
    await stopProcess(identity, this.#options.stopTimeoutMs ?? STOP_TIMEOUT_MS);
    await server.ended;
  }
}

/** What keeps a server from being started may pass: the state directory may be away for a while. */
function launchFault(error: unknown): string {
  return `could not be started: ${error instanceof Error ? error.message : String(error)}`;
}
