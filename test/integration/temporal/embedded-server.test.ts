import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { connectTemporal } from '../../../src/temporal/connect.js';
import type {
  EmbeddedTemporal,
  EmbeddedTemporalOptions,
} from '../../../src/temporal/embedded-server.js';
import { startEmbeddedTemporal } from '../../../src/temporal/embedded-server.js';
import { identifyProcess, isRunning } from '../../../src/temporal/process-identity.js';
import { launchServer, waitUntilServing } from '../../../src/temporal/server-process.js';
import { choosePort, writeServerRecord } from '../../../src/temporal/server-record.js';
import { describeTemporal, temporalBinaryPath } from '../../support/temporal/server.js';

const NOTHING = { pid: 0, startedAt: 'never' };

describeTemporal('startEmbeddedTemporal', () => {
  let stateDirectory: string;
  let servers: EmbeddedTemporal[];
  let lines: string[];
  beforeEach(async () => {
    stateDirectory = await mkdtemp(join(tmpdir(), 'longhaul-embedded-'));
    servers = [];
    lines = [];
  });
  afterEach(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await rm(stateDirectory, { recursive: true, force: true });
  });

  it('keeps ports and workflows over a stop and a new start', async () => {
    const first = await start();
    await startWorkflow('kept');
    await first.stop();
    const second = await start();

    expect([second.address, second.uiUrl]).toEqual([first.address, first.uiUrl]);
    expect(await statusOf('kept')).toBe('RUNNING');
  });

  it('keeps the polls of workers of hundreds of repositories', async () => {
    const { address } = await start();
    // Without the interceptor that asks again.
    const connection = await Connection.connect({ address, interceptors: [] });
    const polls = Array.from({ length: 1_300 }, async (_, index) =>
      connection.withDeadline(Date.now() + 5_000, () =>
        connection.workflowService.pollActivityTaskQueue({
          namespace: 'default',
          taskQueue: { name: `queue-${index}` },
          identity: 'test',
        }),
      ),
    );
    const ends = await Promise.allSettled(polls);
    await connection.close();

    const reasons = ends.map((end) => (end.status === 'rejected' ? String(end.reason) : ''));
    expect(reasons.filter((reason) => reason.includes('limit exceeded'))).toEqual([]);
  });

  it('serves the web pages of Temporal at its link', async () => {
    const { uiUrl } = await start();

    expect((await fetch(uiUrl)).status).toBe(200);
  });

  it('leaves no process behind after stop', async () => {
    const server = await start();
    const process = (await identifyProcess(server.pid() ?? 0)) ?? NOTHING;
    expect(await isRunning(process)).toBe(true);

    await server.stop();

    expect(await isRunning(process)).toBe(false);
    expect(server.pid()).toBeNull();
  });

  it('starts again on the same address with the same workflows when its process is killed', async () => {
    const server = await start();
    await startWorkflow('survivor');
    const killed = server.pid() ?? 0;
    process.kill(killed, 'SIGKILL');

    await vi.waitFor(
      () =>
        expect(lines).toContain(`the embedded Temporal server answers again on ${server.address}`),
      { timeout: 60_000 },
    );
    expect(server.pid()).not.toBe(killed);
    expect(lines[0]).toContain('ended with SIGKILL; starting it again in 200 ms');
    expect(await statusOf('survivor')).toBe('RUNNING');
  });

  it('stops a server that a killed parent left over, and goes on from its file and port', async () => {
    const port = await choosePort(0, null);
    const uiPort = await choosePort(0, null);
    const leftOver = await launchServer({
      binaryPath: temporalBinaryPath(),
      databasePath: join(stateDirectory, 'temporal.db'),
      port,
      uiPort,
    });
    expect(await waitUntilServing(leftOver, port, 30_000)).toBeNull();
    const identity = (await identifyProcess(leftOver.child.pid ?? 0)) ?? NOTHING;
    await writeServerRecord(stateDirectory, { port, uiPort, process: identity });

    const server = await start();

    expect(await isRunning(identity)).toBe(false);
    expect(server.address).toBe(`127.0.0.1:${port}`);
    expect(lines).toEqual([
      `stopping the Temporal server ${identity.pid} that a killed parent left over`,
    ]);
  });

  it('leaves a process alone that was given the pid of the old server', async () => {
    const bystander = spawn('sleep', ['60']);
    await once(bystander, 'spawn');
    await writeServerRecord(stateDirectory, {
      port: await choosePort(0, null),
      uiPort: await choosePort(0, null),
      process: { ...NOTHING, pid: bystander.pid ?? 0 },
    });

    await start();

    expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
    bystander.kill('SIGKILL');
  });

  it.runIf(process.platform === 'linux')(
    'does not outlive a parent that is killed with SIGKILL',
    async () => {
      const module = new URL('../../../src/temporal/embedded-server.ts', import.meta.url).href;
      const log = '{ info() {}, warn() {}, error() {} }';
      const script = `
        import { startEmbeddedTemporal } from ${JSON.stringify(module)};
        const [binaryPath, stateDirectory] = process.argv.slice(1);
        await startEmbeddedTemporal({ binaryPath, stateDirectory, port: 0, uiPort: 0, log: ${log} });
        console.log('serving');
        setInterval(() => {}, 1000);`;
      const parent = spawn(
        'node',
        [
          '--import',
          'tsx',
          '--input-type=module',
          '-e',
          script,
          temporalBinaryPath(),
          stateDirectory,
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      await once(parent.stdout, 'data');
      const record = JSON.parse(
        await readFile(join(stateDirectory, 'temporal-server.json'), 'utf8'),
      ) as { process: { pid: number; startedAt: string } };
      expect(await isRunning(record.process)).toBe(true);

      parent.kill('SIGKILL');

      await vi.waitFor(async () => expect(await isRunning(record.process)).toBe(false), {
        timeout: 60_000,
      });
    },
  );

  it('says that the port is in use instead of talking to the server that uses it', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;

    await expect(start({ port })).rejects.toMatchObject({
      code: 'TEMPORAL_NOT_STARTED',
      message: expect.stringContaining(
        `cannot listen on 127.0.0.1:${port}: the port is in use. Set temporal.port to another port`,
      ) as string,
    });
    await expect(start({ uiPort: port })).rejects.toThrow('Set temporal.uiPort to');
    other.close();
  });

  it('tells the last lines of a program that ends instead of serving', async () => {
    const broken = join(stateDirectory, 'broken');
    await writeFile(broken, '#!/bin/sh\necho "no such database" >&2\nexit 3\n', { mode: 0o755 });

    await expect(start({ binaryPath: broken })).rejects.toMatchObject({
      code: 'TEMPORAL_NOT_STARTED',
      message: `The embedded Temporal server ${broken} ended with exit code 3\n  no such database`,
    });
  });

  it('kills a program that neither serves nor obeys SIGTERM, within its limits', async () => {
    const deaf = join(stateDirectory, 'deaf');
    await writeFile(deaf, '#!/bin/sh\ntrap "" TERM\nwhile :; do /bin/sleep 0.1; done\n', {
      mode: 0o755,
    });

    await expect(
      start({ binaryPath: deaf, startTimeoutMs: 500, stopTimeoutMs: 300 }),
    ).rejects.toMatchObject({
      message: expect.stringContaining('within 500 ms') as string,
    });
    const record = JSON.parse(
      await readFile(join(stateDirectory, 'temporal-server.json'), 'utf8'),
    ) as { process: { pid: number; startedAt: string } };
    expect(await isRunning(record.process)).toBe(false);
  });

  async function start(changes: Partial<EmbeddedTemporalOptions> = {}): Promise<EmbeddedTemporal> {
    const add = (line: string): void => void lines.push(line);
    const server = await startEmbeddedTemporal({
      binaryPath: temporalBinaryPath(),
      stateDirectory,
      port: 0,
      uiPort: 0,
      log: { info: add, warn: add, error: add },
      ...changes,
    });
    servers.push(server);
    return server;
  }

  async function startWorkflow(workflowId: string): Promise<void> {
    await withClient(({ client }) =>
      client.workflow.start('anything', { workflowId, taskQueue: 'nobody' }),
    );
  }

  async function statusOf(workflowId: string): Promise<string> {
    const { status } = await withClient(({ client }) =>
      client.workflow.getHandle(workflowId).describe(),
    );
    return status.name;
  }

  async function withClient<T>(
    use: (temporal: Awaited<ReturnType<typeof connectTemporal>>) => Promise<T>,
  ): Promise<T> {
    const temporal = await connectTemporal({
      stateDirectory,
      temporal: { type: 'embedded', binaryPath: null, port: 0, uiPort: 0 },
    });
    try {
      return await use(temporal);
    } finally {
      await temporal.connection.close();
    }
  }
});
