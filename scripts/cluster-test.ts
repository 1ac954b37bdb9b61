import { readdir } from 'node:fs/promises';
import type { CopySessionOutcome } from '../workflows/messages.js';
import { CONTROL_TASK_QUEUE } from '../workflows/messages.js';
import { openDirectoryRepository } from '../src/repository/directory/directory-repository.js';
import { connectTemporal } from '../src/temporal/connect.js';
import { rawDigest } from '../test/support/image/qemu-oracle.js';
import { GrowingSource } from '../test/support/living/growing-source.js';
import { makeLargeChain } from '../test/support/session/large-chain.js';
import { LonghaulProcess, writeConfig } from '../test/support/session/longhaul-process.js';
import { stagedDisk } from '../test/support/session/staged-disk.js';
import { testJob, TestSite } from '../test/support/session/test-site.js';
import { until } from '../test/support/session/until.js';
import { TemporalCluster } from './cluster/temporal-cluster.js';

const DAY_MS = 86_400_000;
const FIRST_MS = Date.parse('2026-11-01T01:00:00Z');
const LARGE = 'db05';
const SESSION_LIMIT_MS = 30 * 60_000;

/** Sessions on the Temporal server that users run (on PostgreSQL), with a process for the workflows and two for the data, all of which are
 *  killed on the way: a worker, the control process, Temporal itself and, as by a crash, the database. Every point is then read back by
 *  qemu-img and compared with its source. Usage: npm run test:cluster -- [machines] [MiB of the large disk] */
async function clusterTest(count: number, sizeMiB: number): Promise<void> {
  const site = await TestSite.create(null);
  const cluster = await TemporalCluster.start();
  try {
    await new ClusterRun(site, cluster).run(count, sizeMiB);
  } finally {
    await cluster.stop();
    await site.remove();
  }
}

class ClusterRun {
  private control!: LonghaulProcess;
  private readonly workers: LonghaulProcess[] = [];
  private configPath = '';
  private readonly job = testJob({ restorePoints: 'all' });

  constructor(
    private readonly site: TestSite,
    private readonly cluster: TemporalCluster,
  ) {}

  async run(count: number, sizeMiB: number): Promise<void> {
    const machines = await this.makeMachines(count);
    await this.site.makeFolder('primary', LARGE);
    await makeLargeChain(this.site.path('primary', LARGE), { sizeMiB, seed: LARGE });
    const { temporal } = this.cluster.settings;
    this.configPath = await writeConfig(this.site, temporal, {}, { taskLimit: 4 });
    await this.startProcesses();
    try {
      await this.tell('first copy', () => this.killEverything());
      await this.tell('nothing new', () => Promise.resolve());
      for (const machine of machines) {
        machine.work(1);
        await machine.backUp(FIRST_MS + DAY_MS, 'incremental');
      }
      await this.tell('one increment each', () => this.killWorker());
      await this.compare();
    } finally {
      for (const process of [this.control, ...this.workers]) await process.kill();
    }
  }

  private async makeMachines(count: number): Promise<GrowingSource[]> {
    const rootPath = this.site.path('primary');
    const source = await openDirectoryRepository({ id: 'primary', rootPath, readOnly: false });
    const machines = Array.from(
      { length: count },
      (_, n) => new GrowingSource(source, `vm-${String(n).padStart(4, '0')}`, { blockCount: 4 }),
    );
    for (const machine of machines) await machine.backUp(FIRST_MS, 'full');
    return machines;
  }

  private async startProcesses(): Promise<void> {
    this.control = await LonghaulProcess.control(this.configPath);
    for (let n = 0; n < 2; n++) this.workers.push(await LonghaulProcess.worker(this.configPath));
  }

  /** @param meanwhile runs beside the session */
  private async tell(what: string, meanwhile: () => Promise<unknown>): Promise<void> {
    const startedMs = performance.now();
    const { client, connection } = await connectTemporal(this.cluster.settings);
    try {
      const start = new Date(FIRST_MS + this.sessions++ * 1_000).toISOString().slice(0, 19);
      const handle = await client.workflow.start('copySession', {
        workflowId: `session/${this.job.id}-${start}Z`,
        taskQueue: CONTROL_TASK_QUEUE,
        args: [{ job: this.job }],
      });
      const [outcome] = await Promise.all([this.outcome(handle.workflowId), meanwhile()]);
      const { result, taskCounts, tasks } = outcome;
      const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
      const failures = tasks.flatMap(({ result: of, reason }) => (of === 'failed' ? [reason] : []));
      console.log({ session: what, result, taskCounts, seconds, failures });
      if (taskCounts.failed > 0 || result === 'failed') process.exitCode = 1;
    } finally {
      await connection.close();
    }
  }
  private sessions = 0;

  /** Asked for anew while the server is away. */
  private async outcome(workflowId: string): Promise<CopySessionOutcome> {
    const deadline = Date.now() + SESSION_LIMIT_MS;
    for (;;)
      try {
        const { client, connection } = await connectTemporal(this.cluster.settings);
        try {
          return (await client.workflow.getHandle(workflowId).result()) as CopySessionOutcome;
        } finally {
          await connection.close();
        }
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
  }

  /** One after the other, while the large disk is copied, whose workers are slow until then. */
  private async killEverything(): Promise<void> {
    await this.windowsMore();
    this.slowDown();
    await this.killWorker();
    this.slowDown();
    await this.windowsMore();
    await this.control.kill();
    this.control = await LonghaulProcess.control(this.configPath);
    console.log('the control process was killed and started again');
    await this.windowsMore();
    await this.cluster.killServer();
    await this.cluster.startServer();
    console.log('the Temporal server was killed and started again');
    await this.windowsMore();
    await this.cluster.crashDatabase();
    console.log('the database crashed and came back');
    await this.windowsMore();
    for (const speedUp of this.slow.splice(0)) speedUp();
  }
  private readonly slow: (() => void)[] = [];

  private slowDown(): void {
    for (const speedUp of this.slow.splice(0)) speedUp();
    this.slow.push(...this.workers.map((worker) => worker.slowDown()));
  }

  /** Waits until more of the disk is durable than now. @throws when it is copied already: nothing would be killed in its middle */
  private async windowsMore(): Promise<void> {
    const before = await stagedDisk(this.site, this.job.id, LARGE);
    await until(async () => {
      const now = await stagedDisk(this.site, this.job.id, LARGE);
      if (before !== null && now === null) throw new Error('copied already: take a larger disk');
      return (now?.doneWindows ?? 0) > (before?.doneWindows ?? 0);
    }, SESSION_LIMIT_MS);
  }

  private async killWorker(): Promise<void> {
    await this.workers.shift()!.kill();
    this.workers.push(await LonghaulProcess.worker(this.configPath));
    console.log('a worker was killed, and another one started');
  }

  /** Every point of every machine, read by qemu-img from source and copy. */
  private async compare(): Promise<void> {
    let points = 0;
    let wrong = 0;
    for (const machine of (await readdir(this.site.path('primary'))).sort()) {
      const files = (await readdir(this.site.path('primary', machine))).sort();
      const copies = await this.site.readBack(this.job.id, machine);
      if (copies.length !== files.length) wrong++;
      for (const [n, file] of files.entries()) {
        const digest = await rawDigest(this.site.path('primary', machine, file));
        points++;
        if (!Object.values(copies[n] ?? {}).includes(digest)) wrong++;
      }
    }
    console.log({ points, wrong });
    if (wrong > 0) process.exitCode = 1;
  }
}

const [count = '20', sizeMiB = '1024'] = process.argv.slice(2);
await clusterTest(Number(count), Number(sizeMiB));
