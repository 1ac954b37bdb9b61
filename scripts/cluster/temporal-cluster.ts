import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { stringify } from 'yaml';
import type { TemporalSettings } from '../../src/temporal/connect.js';
import { prepareNamespace } from '../../src/temporal/namespace.js';
import { clusterPrograms, type ClusterPrograms } from './cluster-programs.js';

const run = promisify(execFile);

const NAMESPACE = 'longhaul';
const USER = 'temporal';
const DATABASES = { temporal: 'temporal', visibility: 'temporal_visibility' } as const;
const START_LIMIT_MS = 120_000;
const SERVICES = ['frontend', 'history', 'matching', 'worker'] as const;

type Ports = Readonly<Record<'postgresql' | `${(typeof SERVICES)[number]}${'' | 'Ring'}`, number>>;

/** The Temporal server that users run, on PostgreSQL, both on loopback and in a temporary folder; each can be killed and started again. */
export class TemporalCluster {
  #server: ChildProcess | null = null;

  private constructor(
    private readonly programs: ClusterPrograms,
    private readonly folder: string,
    private readonly ports: Ports,
  ) {}

  static async start(): Promise<TemporalCluster> {
    const programs = await clusterPrograms();
    const folder = await mkdtemp(join(tmpdir(), 'longhaul-cluster-'));
    const cluster = new TemporalCluster(programs, folder, await freePorts());
    await cluster.#makeDatabases();
    await cluster.startServer();
    return cluster;
  }

  get settings(): TemporalSettings {
    const address = `127.0.0.1:${this.ports.frontend}`;
    return {
      stateDirectory: this.folder,
      temporal: { type: 'external', address, namespace: NAMESPACE, tls: null, apiKeyFile: null },
    };
  }

  /** Resolves when it answers and has its namespace. */
  async startServer(): Promise<void> {
    const { folder, programs } = this;
    const child = spawn(
      programs.temporalServer,
      ['--root', folder, '--config', 'config', '--env', 'longhaul', '--allow-no-auth', 'start'],
      { stdio: 'ignore' },
    );
    this.#server = child;
    const deadline = Date.now() + START_LIMIT_MS;
    for (;;) {
      try {
        return await this.#prepare();
      } catch (error) {
        if (child.exitCode !== null || Date.now() > deadline) throw error;
        await sleep(500);
      }
    }
  }

  async killServer(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
  }

  /** As after a crash: what is open is cut, and its journal is read again. */
  async crashDatabase(): Promise<void> {
    await this.#pgCtl('restart', '-m', 'immediate');
  }

  async stop(): Promise<void> {
    await this.killServer();
    await this.#pgCtl('stop', '-m', 'immediate').catch(() => undefined);
    await rm(this.folder, { recursive: true, force: true });
  }

  async #prepare(): Promise<void> {
    const connection = await Connection.connect({ address: `127.0.0.1:${this.ports.frontend}` });
    try {
      const request = {
        namespace: NAMESPACE,
        workflowExecutionRetentionPeriod: { seconds: 30 * 86_400 } as never,
      };
      await connection.workflowService.registerNamespace(request).catch((error: unknown) => {
        if (!String(error).includes('already exists')) throw error;
      });
      await prepareNamespace(connection, NAMESPACE);
    } finally {
      await connection.close();
    }
  }

  async #makeDatabases(): Promise<void> {
    const { folder, programs, ports } = this;
    const data = join(folder, 'data');
    await mkdir(data);
    await mkdir(join(folder, 'config'));
    await chmod(folder, 0o755);
    if (process.getuid?.() === 0) await chown(data, ...(await postgresUser()));
    await this.#asPostgres('initdb', '-D', data, '-U', USER, '--auth=trust', '--no-sync');
    await this.#pgCtl('start');
    for (const [name, database] of Object.entries(DATABASES)) {
      const sql = (...args: string[]) =>
        run(programs.sqlTool, [
          ...['--plugin', 'postgres12', '--ep', '127.0.0.1', '-p', String(ports.postgresql)],
          ...['-u', USER, '--pw', USER, '--db', database, ...args],
        ]);
      await sql('create');
      await sql('setup-schema', '-v', '0.0');
      await sql('update-schema', '-d', join(programs.schema, name, 'versioned'));
    }
    await writeFile(join(folder, 'config', 'longhaul.yaml'), stringify(this.#config()));
    await writeFile(join(folder, 'config', 'dynamic.yaml'), '{}\n');
  }

  async #pgCtl(verb: string, ...args: string[]): Promise<void> {
    const data = join(this.folder, 'data');
    const options = `-p ${this.ports.postgresql} -k /tmp -c listen_addresses=127.0.0.1`;
    const log = join(data, 'log');
    const start = verb === 'stop' ? [] : ['-o', options, '-l', log];
    await this.#asPostgres('pg_ctl', '-D', data, '-w', ...start, ...args, verb);
  }

  /** PostgreSQL refuses to run as root. */
  async #asPostgres(program: string, ...args: string[]): Promise<void> {
    const path = join(this.programs.postgresql, program);
    const command =
      process.getuid?.() === 0
        ? ['runuser', '-u', 'postgres', '--', path, ...args]
        : [path, ...args];
    const child = spawn(command[0]!, command.slice(1), { stdio: 'ignore', cwd: '/' });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}`);
  }

  /** After `config/development-postgres12.yaml` of the server, with ports of our own. */
  #config(): object {
    const { ports } = this;
    const store = (databaseName: string) => ({
      sql: {
        pluginName: 'postgres12',
        databaseName,
        connectAddr: `127.0.0.1:${ports.postgresql}`,
        connectProtocol: 'tcp',
        user: USER,
        password: USER,
        maxConns: 20,
        maxIdleConns: 20,
        maxConnLifetime: '1h',
      },
    });
    const service = (name: (typeof SERVICES)[number]) => ({
      rpc: {
        grpcPort: ports[name],
        membershipPort: ports[`${name}Ring`],
        bindOnLocalHost: true,
      },
    });
    return {
      log: { stdout: false, level: 'error' },
      persistence: {
        defaultStore: 'main',
        visibilityStore: 'visibility',
        numHistoryShards: 4,
        datastores: { main: store(DATABASES.temporal), visibility: store(DATABASES.visibility) },
      },
      global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
      services: Object.fromEntries(SERVICES.map((name) => [name, service(name)])),
      clusterMetadata: {
        enableGlobalNamespace: false,
        failoverVersionIncrement: 10,
        masterClusterName: 'active',
        currentClusterName: 'active',
        clusterInformation: {
          active: {
            enabled: true,
            initialFailoverVersion: 1,
            rpcName: 'frontend',
            rpcAddress: `127.0.0.1:${ports.frontend}`,
          },
        },
      },
      dcRedirectionPolicy: { policy: 'noop' },
      dynamicConfigClient: {
        filepath: join(this.folder, 'config', 'dynamic.yaml'),
        pollInterval: '60s',
      },
    };
  }
}

async function postgresUser(): Promise<[number, number]> {
  const id = async (flag: string) => Number((await run('id', [flag, 'postgres'])).stdout);
  return [await id('-u'), await id('-g')];
}

/** Temporal keeps ports of its services in a column of 15 bits. */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;

async function freePorts(): Promise<Ports> {
  const names = ['postgresql', ...SERVICES.flatMap((name) => [name, `${name}Ring`])];
  const ports = new Set<number>();
  while (ports.size < names.length) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if (await isFree(port)) ports.add(port);
  }
  return Object.fromEntries(names.map((name, n) => [name, [...ports][n]])) as Ports;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
