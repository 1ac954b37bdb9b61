import { afterAll, beforeAll, expect, it } from 'vitest';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { JobStore } from '../../../src/api/jobs/job-store.js';
import { SessionStore } from '../../../src/api/sessions/session-store.js';
import type {
  RestorePointView,
  WorkloadSummary,
} from '../../../src/domain/targets/repository-view.js';
import { makeDatastore } from '../../support/tree/datastore.js';
import { LonghaulProcess, writeConfig } from '../../support/session/longhaul-process.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

const JOB = testJob({ retention: { type: 'days', value: 14 }, compact: null });

describeTemporal('a store of a backup tool', () => {
  let site: TestSite;
  let workers: TestWorkers;
  let truth: ReadonlyMap<string, Buffer>;
  beforeAll(async () => {
    site = await TestSite.create(null);
    truth = await makeDatastore(site.path('primary'));
    workers = await TestWorkers.start(site);
  });
  afterAll(async () => {
    await workers.stop();
    await site.remove();
  });

  async function browse<Item>(what: string): Promise<Item[]> {
    const { items } = await workers.client.workflow.execute<
      (input: unknown) => Promise<{ items: Item[] }>
    >('browseRepository', {
      workflowId: `browse/offsite/${what}`,
      taskQueue: 'control',
      args: [{ repositoryId: 'offsite', what }],
    });
    return items;
  }

  it('is copied as it lies, with its snapshots as restore points, and not read again', async () => {
    const { result, tasks } = await workers.runSession(JOB);
    expect({ result, tasks }).toMatchObject({
      result: 'success',
      tasks: [{ committed: ['2026-11-24T220000Z'] }],
    });
    for (const [path, bytes] of truth)
      expect(
        (await readFile(site.path('offsite', 'nightly', 'pbs-%2E', 'files', path))).equals(bytes),
      ).toBe(true);
    const newestAtSeconds = Date.parse('2026-11-24T22:00:00Z') / 1_000;
    expect(await browse('facts')).toMatchObject([
      { is: 'chain', machines: [{ name: 'vm/100', newestAtSeconds }] },
    ]);
    const again = await workers.runSession(JOB);
    expect(again).toMatchObject({
      result: 'nothingToCopy',
      tasks: [{ progress: { readBytes: 0 } }],
    });
  });

  it('is left alone by a job of the same id that did not make its copy, until that is to go on with it', async () => {
    const other = { ...JOB, origin: 'made-later', removedWorkloadsAfterDays: 1 };
    expect(await workers.runSession(other)).toMatchObject({
      result: 'actionRequired',
      tasks: [{ code: 'COPIES_OF_OTHER_JOB' }, { result: 'warning' }],
    });
    const definition = await readFile(site.path('offsite', 'nightly', 'job.json'));
    expect(JSON.parse(definition.toString())).toMatchObject({ job: JOB });
    await workers.runSession(other, { takeOver: true });
    expect(await workers.runSession(other)).toMatchObject({ result: 'nothingToCopy' });
    await workers.runSession(JOB, { takeOver: true });
  });

  it('shows its copy in lists of workloads, restore points and facts', async () => {
    expect(await browse<WorkloadSummary>('workloads')).toMatchObject([
      {
        id: 'pbs-.',
        type: 'proxmox-backup-server',
        jobId: 'nightly',
        restorePointCount: 1,
        newestAt: '2026-11-24T22:00:00.000Z',
      },
    ]);
    expect(await browse<RestorePointView>('restorePoints')).toMatchObject([
      {
        kind: 'snapshot',
        complete: true,
        keptBecause: ['the source shows it'],
        files: [{ path: 'nightly/pbs-%2E/files' }],
      },
    ]);
    const storedBytes = [...truth.values()].reduce((sum, { length }) => sum + length, 0);
    expect(await browse('facts')).toMatchObject([
      { is: 'chain', storedBytes, restorePointCount: 1 },
    ]);
    expect(await browse('jobs')).toMatchObject([
      {
        ...{ id: 'nightly', workloadCount: 1, restorePointCount: 1 },
        newestAt: '2026-11-24T22:00:00.000Z',
      },
    ]);
  });

  it('that was wiped changes nothing at its copy', async () => {
    await rm(site.path('primary', '.chunks', '0000'), { recursive: true });
    const { result, tasks } = await workers.runSession(JOB);
    expect({ result, tasks }).toMatchObject({
      result: 'actionRequired',
      tasks: [{ code: 'SOURCE_SUSPICIOUS', result: 'actionRequired' }],
    });
  });
});

const MIRROR = testJob({
  ...{ id: 'mirror', kind: 'mirror', mode: 'immediate', compact: null },
  retention: { type: 'days', value: 21 },
  sources: { include: [{ repositoryId: 'store' }], exclude: [] },
});

describeTemporal('a mirror of an appliance', () => {
  let site: TestSite;
  let workers: TestWorkers;
  let config: string;
  beforeAll(async () => {
    site = await TestSite.create(null);
    await site.makeFolder('store');
    const [primary] = site.repositories;
    site.otherSources = [
      { ...primary!, ...{ id: 'store', path: site.path('store'), contents: 'storeonce' } },
    ];
    workers = await TestWorkers.start(site, { watchIntervalMs: 300, batchWindows: 1 }, ['store']);
    config = await writeConfig(site, workers.temporal);
  });
  afterAll(async () => {
    await workers.stop();
    await site.remove();
  });

  const truth = new Map<string, Buffer>();
  async function bring(name: string, sizeBytes: number): Promise<void> {
    const bytes = randomBytes(sizeBytes);
    truth.set(name, bytes);
    await mkdir(dirname(site.path('store', name)), { recursive: true });
    await writeFile(site.path('store', name), bytes);
  }

  const copyOf = (name: string) => site.path('offsite', 'mirror', 'storeonce-store', 'files', name);

  async function isAllThere(): Promise<boolean> {
    for (const [name, bytes] of truth) {
      const copy = await readFile(copyOf(name)).catch(() => null);
      if (copy?.equals(bytes) !== true) return false;
    }
    return true;
  }

  it('goes on after its worker was killed, and copies each new file as it appears', async () => {
    await bring('Job 1/full.vbk', 24 * 1024 ** 2);
    for (const name of ['Job 1/next.vib', 'catalyst/0000']) await bring(name, 1_000);
    let worker = await LonghaulProcess.worker(config);
    const jobs = new JobStore(workers.client, new SessionStore(workers.client), Date.now);
    await jobs.create(MIRROR);
    const staged = site.path('offsite', 'mirror', 'storeonce-store', '.staging', 'large');
    const isBegun = async () => (await readdir(staged).catch(() => [])).length > 0;
    await expect.poll(isBegun, { timeout: 120_000, interval: 5 }).toBe(true);
    await worker.kill();
    expect(await isAllThere()).toBe(false);
    worker = await LonghaulProcess.worker(config);
    await expect.poll(isAllThere, { timeout: 120_000, interval: 100 }).toBe(true);
    await bring('later', 1_000);
    await expect.poll(isAllThere, { timeout: 120_000, interval: 100 }).toBe(true);
    await jobs.delete('mirror');
    const running = async () =>
      (await workers.client.workflow.count(`ExecutionStatus = 'Running'`)).count;
    await expect.poll(running, { timeout: 120_000, interval: 100 }).toBe(0);
    await worker.kill();
    expect(await readdir(copyOf(''))).toEqual(['Job 1', 'catalyst', 'later']);
  }, 900_000);
});
