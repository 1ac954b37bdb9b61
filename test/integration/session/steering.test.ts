import { mkdir } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import {
  pauseUpdate,
  resumeUpdate,
  stopOrderSignal,
  taskQuery,
} from '../../../workflows/messages.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import { LonghaulProcess, writeConfig } from '../../support/session/longhaul-process.js';
import { makeLargeChain, type LargeChain } from '../../support/session/large-chain.js';
import { stagedDisk, waitForWindows, WINDOW_BYTES } from '../../support/session/staged-disk.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

const MIB = 1024 * 1024;
const SIZE_MIB = 320;
/** The full and the three changed MiB of the increment. */
const TOTAL_BYTES = (SIZE_MIB + 3) * MIB;

type RunningSession = Awaited<ReturnType<TestWorkers['startSession']>>;

describeTemporal('a running session', () => {
  let site: TestSite;
  let workers: TestWorkers;
  let worker: LonghaulProcess;
  let chain: LargeChain;
  beforeAll(async () => {
    site = await TestSite.create(null);
    await mkdir(site.path('primary', 'db05'));
    const seed = 'db05';
    chain = await makeLargeChain(site.path('primary', 'db05'), { sizeMiB: SIZE_MIB, seed });
    workers = await TestWorkers.start(site, {}, []);
    worker = await LonghaulProcess.worker(await writeConfig(site, workers.temporal));
  });
  afterAll(async () => {
    await worker.kill();
    await workers.stop();
    await site.remove();
  });

  const taskOf = (jobId: string) =>
    workers.client.workflow.getHandle(`chain/offsite/${jobId}/ovirt-db05`).query(taskQuery);

  async function batchesStarted(jobId: string): Promise<number> {
    const { events } = await workers.client.workflow
      .getHandle(`chain/offsite/${jobId}/ovirt-db05`)
      .fetchHistory();
    return events!.filter(
      ({ activityTaskScheduledEventAttributes: scheduled }) =>
        scheduled?.activityType?.name === 'copyBlocks',
    ).length;
  }

  /** Starts a session and does something to it while its worker is slow and has most of the first disk ahead of it. */
  async function inTheMiddle(
    job: CopyJob,
    act: (session: RunningSession) => Promise<unknown>,
  ): Promise<RunningSession> {
    const session = await workers.startSession(job);
    await waitForWindows(site, job.id, 2);
    const speedUp = worker.slowDown();
    try {
      await act(session);
    } finally {
      speedUp();
    }
    return session;
  }

  it('stops in the middle of a disk, and the next one goes on from there', async () => {
    const job = testJob({ id: 'stopped' });
    const session = await inTheMiddle(job, async (running) => {
      await running.signal(stopOrderSignal, { by: 'anna', reason: 'the link is needed' });
      await running.cancel();
      await vi.waitFor(async () => expect((await taskOf(job.id)).result).toBe('stopped'), {
        timeout: 60_000,
      });
    });

    expect(await session.result()).toMatchObject({
      result: 'stopped',
      reason: 'the session was stopped by anna: the link is needed',
      tasks: [{ result: 'stopped', committed: [] }],
    });
    const { doneWindows } = (await stagedDisk(site, job.id))!;
    expect(doneWindows).toBeLessThan((SIZE_MIB * MIB) / WINDOW_BYTES);
    const next = await workers.runSession(job);
    expect(next).toMatchObject({
      result: 'success',
      tasks: [{ progress: { percent: 100, readBytes: TOTAL_BYTES - doneWindows * WINDOW_BYTES } }],
    });
    expect(await site.readBack(job.id, 'db05')).toEqual(chain.truth);
  });

  it('pauses in the middle of a disk and goes on from there when it is resumed', async () => {
    const job = testJob({ id: 'paused' });
    const session = await inTheMiddle(job, async (running) => {
      await running.executeUpdate(pauseUpdate);
      await vi.waitFor(async () => expect((await taskOf(job.id)).state).toBe('paused'), {
        timeout: 60_000,
      });
    });
    const atPause = (await stagedDisk(site, job.id))!;
    expect(atPause.doneWindows).toBeLessThan((SIZE_MIB * MIB) / WINDOW_BYTES);
    await session.executeUpdate(resumeUpdate);

    const { result, tasks } = await session.result();
    expect(result).toBe('success');
    expect(tasks[0]!.progress).toMatchObject({
      percent: 100,
      processedBytes: TOTAL_BYTES,
      totalBytes: TOTAL_BYTES,
    });
    expect(await site.readBack(job.id, 'db05')).toEqual(chain.truth);
  });

  it('goes on when it is resumed before the pause has come to rest', async () => {
    const job = testJob({ id: 'wavering' });
    const session = await inTheMiddle(job, async (running) => {
      await running.executeUpdate(pauseUpdate);
      await running.executeUpdate(resumeUpdate);
      // What ran is stopped all the same: the same batch starts again.
      await vi.waitFor(async () => expect(await batchesStarted(job.id)).toBe(2), {
        timeout: 60_000,
      });
    });

    expect((await session.result()).result).toBe('success');
    expect(await site.readBack(job.id, 'db05')).toEqual(chain.truth);
  });

  it('holds tasks that start while it is paused', async () => {
    const job = testJob({ id: 'early' });
    const session = await workers.startSession(job);
    await session.executeUpdate(pauseUpdate);
    await vi.waitFor(async () => expect((await taskOf(job.id)).state).toBe('paused'), {
      timeout: 60_000,
    });
    expect(await stagedDisk(site, job.id)).toBeNull();
    await session.cancel();
    expect((await session.result()).result).toBe('stopped');
  });
});
