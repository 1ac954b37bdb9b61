import { copyFile, mkdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { JobStore } from '../../../src/api/jobs/job-store.js';
import { SessionStore } from '../../../src/api/sessions/session-store.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import { chainWorkflowId, taskQuery } from '../../../workflows/messages.js';
import { OVIRT_FIXTURE, testJob, TestSite, truthOf } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';
import { until } from '../../support/session/until.js';

/** The two disks of the first restore point of `mail01`, a full. */
const POINT = '20261101010002.1f0a6e2c-58b4-4d1b-9a52-0c6f7b3d9e01';
const FIRST_DISK = `${POINT}.3d5c0f8e-2b71-4c9d-8e46-a1f7b2d39c11.full.qcow2`;
const SECOND_DISK = `${POINT}.9e81a4b2-6f0d-4537-b2c8-7d4e0a5f6c22.full.qcow2`;
/** Longer than the pause between the two disks. */
const SETTLE_SECONDS = 8;
const PAUSE_MS = 2_500;
const RUNNING = `ExecutionStatus = 'Running'`;

/** The tool leaves no mark when it has finished: the second disk comes well after the first. */
describeTemporal('a machine whose second disk is written later', () => {
  let site: TestSite;
  let workers: TestWorkers;
  afterEach(async () => {
    for (const id of watched.splice(0)) await jobs().delete(id);
    await until(async () => (await workers.client.workflow.count(RUNNING)).count === 0);
    await workers.stop();
    await site.remove();
  });

  async function start(): Promise<void> {
    site = await TestSite.create(null);
    site.settleSeconds = SETTLE_SECONDS;
    workers = await TestWorkers.start(site, { watchIntervalMs: 300 });
  }

  /** A watch ends by itself when there is no such job. */
  async function watch(job: CopyJob): Promise<void> {
    await jobs().create(job);
    watched.push(job.id);
  }
  const watched: string[] = [];
  const jobs = () => new JobStore(workers.client, new SessionStore(workers.client), Date.now);

  async function bring(name: string): Promise<void> {
    await mkdir(site.path('primary', 'mail01'), { recursive: true });
    await copyFile(join(OVIRT_FIXTURE, 'mail01', name), site.path('primary', 'mail01', name));
  }

  async function firstPoint(): Promise<Record<string, string>> {
    return Object.values((await truthOf(OVIRT_FIXTURE))['mail01']!)[0]!;
  }

  it('is copied whole by an immediate job, by itself', async () => {
    await start();
    await watch(testJob({ id: 'now', mode: 'immediate', restorePoints: 'latest' }));
    await bring(FIRST_DISK);
    await sleep(PAUSE_MS);
    await bring(SECOND_DISK);
    await until(async () => (await site.chain('now', 'mail01'))?.points.length === 1);
    expect(await site.readBack('now', 'mail01')).toEqual([await firstPoint()]);
  });

  it('is awaited by the session of a periodic job, which says so', async () => {
    await start();
    await bring(FIRST_DISK);
    const session = await workers.startSession(testJob());
    const { id } = await site.workload('mail01');
    const task = workers.client.workflow.getHandle(chainWorkflowId('offsite', 'nightly', id));
    const view = async () => task.query(taskQuery).catch(() => null);
    await until(async () => (await view())?.state === 'waiting');
    expect((await view())?.reason).toMatch(
      /^newest restore point 2026-11-01 01:00:02 UTC is in progress \(nothing says that it is whole, and it has changed within 8 s; it is looked at again at /,
    );
    await bring(SECOND_DISK);
    const [result] = (await session.result()).tasks;
    expect(result).toMatchObject({
      result: 'success',
      reason: null,
      notes: ['restore point 1f0a6e2c-58b4-4d1b-9a52-0c6f7b3d9e01 was in progress and was awaited'],
    });
    expect(await site.readBack('nightly', 'mail01')).toEqual([await firstPoint()]);
  });

  it('is taken as it is by a start that does not wait', async () => {
    await start();
    await bring(FIRST_DISK);
    const { tasks } = await workers.runSession(testJob(), { now: true });
    expect(tasks).toMatchObject([{ workload: 'mail01', result: 'success', notes: [] }]);
    expect((await site.readBack('nightly', 'mail01')).map((disks) => Object.keys(disks))).toEqual([
      ['3d5c0f8e-2b71-4c9d-8e46-a1f7b2d39c11'],
    ]);
  });

  it.each(['immediate', 'periodic'] as const)(
    'is copied by a job that is %s although the clock of its storage is a year ahead',
    async (mode) => {
      await start();
      site.settleSeconds = 1;
      await workers.stop();
      workers = await TestWorkers.start(site, { watchIntervalMs: 300 });
      for (const name of [FIRST_DISK, SECOND_DISK]) {
        await bring(name);
        const nextYear = new Date(Date.now() + 365 * 24 * 60 * 60_000);
        await utimes(site.path('primary', 'mail01', name), nextYear, nextYear);
      }
      const job = testJob({ mode, restorePoints: 'latest' });
      if (mode === 'periodic') await workers.runSession(job);
      else await watch(job);
      await until(async () => (await site.chain('nightly', 'mail01'))?.points.length === 1);
      expect(await site.readBack('nightly', 'mail01')).toEqual([await firstPoint()]);
    },
  );
});
