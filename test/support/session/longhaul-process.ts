import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { TemporalSettings } from '../../../src/temporal/connect.js';
import { processEntry } from '../process-entry.js';
import { workflowBundle } from '../workflows/workflow-sandbox.js';
import type { TestSite } from './test-site.js';

/** On a machine with much else to do. */
const START_TIMEOUT_MS = 120_000;
const ENTRY = fileURLToPath(new URL('./longhaul-entry.ts', import.meta.url));

/** A system call that the storage refuses, every time. Folders are synced with `fsync`, files with `fdatasync`. */
interface Refusal {
  readonly call: 'fsync' | 'fdatasync' | 'rename' | 'renameat2';
  readonly errno: string;
}

/** `-D`: the process that is started stays the one that is traced, so that killing it kills it. */
function tracer(refusals: readonly Refusal[]): string[] {
  if (refusals.length === 0) return [];
  const calls = refusals.map(({ call }) => call).join(',');
  const inject = refusals.flatMap(({ call, errno }) => ['-e', `inject=${call}:error=${errno}`]);
  return [
    'strace',
    '-D',
    '-f',
    '-qq',
    '--seccomp-bpf',
    '-o',
    '/dev/null',
    '-e',
    `trace=${calls}`,
    ...inject,
  ];
}

/** A Longhaul server or worker as a process of its own, to be killed, frozen and started again. */
export class LonghaulProcess {
  private output = '';
  private readonly exited: Promise<unknown>;

  private constructor(private readonly child: ChildProcess) {
    this.exited = once(child, 'exit');
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
  }

  /** A worker that does the data work of `offsite`; workflows run elsewhere. Resolves when it polls. */
  static async worker(
    configPath: string,
    refusals: readonly Refusal[] = [],
  ): Promise<LonghaulProcess> {
    const worker = await LonghaulProcess.start(['worker', configPath, 'offsite'], refusals);
    await worker.says('"working"');
    return worker;
  }

  /** A worker that runs workflows and does no data work. Resolves when it polls. */
  static async control(configPath: string): Promise<LonghaulProcess> {
    const worker = await LonghaulProcess.start(['control', configPath]);
    await worker.says('"working"');
    return worker;
  }

  /** A whole server. Resolves when its API answers. */
  static async serve(configPath: string): Promise<LonghaulProcess> {
    const server = await LonghaulProcess.start(['serve', configPath]);
    await server.says('API pages');
    return server;
  }

  private static async start(
    args: string[],
    refusals: readonly Refusal[] = [],
  ): Promise<LonghaulProcess> {
    const node = [process.execPath, await processEntry(ENTRY), await workflowBundle(), ...args];
    const [program, ...rest] = [...tracer(refusals), ...node] as [string, ...string[]];
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    return new LonghaulProcess(child);
  }

  /** Waits until the process has printed `text`. */
  async says(text: string): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!this.output.includes(text)) {
      if (this.hasEnded || Date.now() > deadline)
        throw new Error(`a Longhaul process did not say ${text} but:\n${this.output}`);
      await sleep(20);
    }
  }

  private get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Stops every thread of it at once, without its knowledge. */
  freeze(): void {
    this.child.kill('SIGSTOP');
  }

  unfreeze(): void {
    this.child.kill('SIGCONT');
  }

  /** Lets it run for 5 ms of every 100, until the returned function is called: what takes a second then takes twenty, on any machine. */
  slowDown(): () => void {
    const timer = setInterval(() => {
      this.unfreeze();
      setTimeout(() => this.freeze(), 5);
    }, 100);
    return () => {
      clearInterval(timer);
      setTimeout(() => this.unfreeze(), 10);
    };
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    if (!this.hasEnded) this.child.kill('SIGKILL');
    await this.exited;
  }
}

/** Writes a configuration for processes of `site`, with the shortest delay before a task is given to another worker. */
export async function writeConfig(
  site: TestSite,
  temporal: TemporalSettings['temporal'],
  server: { readonly port?: number } = {},
  settings: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const path = site.path('longhaul.yaml');
  const config = {
    server,
    stateDirectory: site.path('state'),
    temporal,
    // One task at a time: a worker that is frozen in one holds no open poll that would swallow the next.
    repositories: site.repositories.map((repository) => ({
      ...repository,
      taskLimit: 1,
      ...settings,
    })),
    copy: { heartbeatTimeoutSeconds: 2 },
    logLevel: 'debug',
  };
  await writeFile(path, stringify(config));
  return path;
}
