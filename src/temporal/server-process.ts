import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { connectClient } from './client-connection.js';
import type { ProcessIdentity } from './process-identity.js';
import { isRunning } from './process-identity.js';
import { LOOPBACK } from './server-record.js';

const POLL_INTERVAL_MS = 100;
const KEPT_LINES = 5;
/** By itself the server keeps 1,200 polls of a namespace and refuses the rest, from which workers of some hundred repositories starve. */
const MANY_POLLS = 'frontend.namespaceCount=100000';

export interface LaunchOptions {
  readonly binaryPath: string;
  /** The server's SQLite file. */
  readonly databasePath: string;
  readonly port: number;
  readonly uiPort: number;
  /** Of the server; absent: that of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** `key=value` of the server's dynamic configuration, where it shall differ from the server's own defaults. */
  readonly dynamicConfig?: readonly string[] | undefined;
  /** `key=value`, where the file shall be treated otherwise than by SQLite's own defaults, which lose nothing when power fails. */
  readonly sqlitePragmas?: readonly string[] | undefined;
}

/** A started `temporal server start-dev`. */
export interface ServerProcess {
  readonly child: ChildProcess;
  /** Resolves with a description when the process has ended or could not be started; never rejects. */
  readonly ended: Promise<string>;
}

/** Starts the server on loopback. It is in a process group of its own, so that Ctrl-C in a terminal reaches only the parent, which
 *  stops it last. Where `setpriv` (util-linux) is at hand the kernel kills it with its parent, however that one dies. */
export async function launchServer(options: LaunchOptions): Promise<ServerProcess> {
  const args = ['server', 'start-dev', '--ip', LOOPBACK, '--db-filename', options.databasePath];
  args.push('--port', String(options.port), '--ui-port', String(options.uiPort));
  args.push('--ui-disable-news-fetch', '--log-level', 'warn', '--color', 'never');
  args.push('--disable-config-file', '--disable-config-env');
  for (const value of [MANY_POLLS, ...(options.dynamicConfig ?? [])])
    args.push('--dynamic-config-value', value);
  for (const value of options.sqlitePragmas ?? []) args.push('--sqlite-pragma', value);
  const bound = (await hasParentDeathSignal())
    ? ['setpriv', '--pdeathsig', 'KILL', options.binaryPath]
    : [options.binaryPath];
  const [program, ...prefix] = bound as [string, ...string[]];
  const child = spawn(program, [...prefix, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
    env: withAccount(options),
  });
  const lines: string[] = [];
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text: string) => {
    lines.push(...text.split('\n').filter((line) => line.trim() !== ''));
    lines.splice(0, lines.length - KEPT_LINES);
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('close', (code, signal) =>
      resolve([`ended with ${signal ?? `exit code ${code}`}`, ...lines].join('\n  ').trim()),
    );
  });
  return { child, ended };
}

/** The server asks who it runs as, and ends where nothing tells: under a number without a name, as in containers. */
function withAccount({ environment, databasePath }: LaunchOptions): NodeJS.ProcessEnv | undefined {
  if (environment === undefined) return undefined;
  const { USER, HOME } = environment;
  return { ...environment, USER: USER || 'longhaul', HOME: HOME || dirname(databasePath) };
}

/** Waits until the server answers and has its `default` namespace. null: it does; otherwise why it does not. */
export async function waitUntilServing(
  server: ServerProcess,
  port: number,
  timeoutMs: number,
): Promise<string | null> {
  const deadline = performance.now() + timeoutMs;
  let end: string | null = null;
  void server.ended.then((description) => (end = description));
  while (performance.now() < deadline) {
    if (end !== null) return end;
    if (await answers(port)) return null;
    await sleep(POLL_INTERVAL_MS);
  }
  return end ?? `did not answer on ${LOOPBACK}:${port} within ${timeoutMs} ms`;
}

/** SIGTERM, and SIGKILL after `timeoutMs`. Resolves when the process is gone. Does nothing for one that is gone already. */
export async function stopProcess(identity: ProcessIdentity, timeoutMs: number): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!(await isRunning(identity))) return;
    process.kill(identity.pid, signal);
    const deadline = performance.now() + timeoutMs;
    while ((await isRunning(identity)) && performance.now() < deadline) {
      await sleep(POLL_INTERVAL_MS);
    }
  }
}

async function answers(port: number): Promise<boolean> {
  try {
    const connection = await connectClient({
      address: `${LOOPBACK}:${port}`,
      connectTimeout: '1s',
    });
    try {
      await connection.withDeadline(Date.now() + 1_000, () =>
        connection.workflowService.describeNamespace({ namespace: 'default' }),
      );
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    return false;
  }
}

async function hasParentDeathSignal(): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  return promisify(execFile)('setpriv', ['--pdeathsig', 'KILL', 'true']).then(
    () => true,
    () => false,
  );
}
