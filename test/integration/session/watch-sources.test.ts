import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ScheduleOverlapPolicy } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';

import { JobStore } from '../../../src/api/jobs/job-store.js';
import { SessionStore } from '../../../src/api/sessions/session-store.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import { defaultRetry } from '../../../src/domain/schedules/retry.js';
import { DataMover } from '../../../src/mover/data-mover.js';
import {
  libvirtTruth,
  LIBVIRT_FIXTURE,
  testJob,
  TestSite,
} from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

const definition: CopyJob = testJob({ id: 'now', mode: 'immediate', restorePoints: 'latest' });

describeTemporal('watchSources', () => {
  let site: TestSite;
  let workers: TestWorkers;
  beforeAll(async () => {
    site = await TestSite.create(null);
    workers = await TestWorkers.start(site, { watchIntervalMs: 300 });
  });
  afterAll(async () => {
    await workers.stop();
    await site.remove();
  });

  async function bring(checkpoint: string): Promise<void> {
    await mkdir(site.path('primary', 'web01'), { recursive: true });
    for (const name of [
      `vda.${checkpoint}.qcow2`,
      `domain.${checkpoint}.xml`,
      `checkpoint.${checkpoint}.xml`,
    ])
      await cp(join(LIBVIRT_FIXTURE, 'web01', name), site.path('primary', 'web01', name));
  }

  async function copied(count: number): Promise<Record<string, string>[]> {
    for (;;) {
      const chain = (await site.workload('web01')) && (await site.chain('now', 'web01'));
      if ((chain?.points.length ?? 0) >= count && (await sessions('Running')) === 0)
        return site.readBack('now', 'web01');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async function sessions(status: string, type = 'copySession'): Promise<number> {
    const query = `WorkflowType = '${type}' AND ExecutionStatus = '${status}'`;
    return (await workers.client.workflow.count(query)).count;
  }
  const watches = (status: string) => sessions(status, 'watchSources');

  it('copies each new restore point as it appears, and starts no session without work', async () => {
    const jobs = new JobStore(workers.client, new SessionStore(workers.client), Date.now);
    await jobs.create(definition);
    const truth = Object.values((await libvirtTruth())['web01']!);
    await bring('cp1');
    expect(await copied(1)).toEqual(truth.slice(0, 1));
    await bring('cp2');
    expect(await copied(2)).toEqual(truth.slice(0, 2));
    await bring('cp3');
    expect(await copied(3)).toEqual(truth);
    expect(await sessions('Completed')).toBe(3);
    await jobs.delete('now');
    await expect.poll(() => watches('Running'), POLL).toBe(0);
  });
});

const POLL = { timeout: 120_000, interval: 100 };

describeTemporal('the session of a watch', () => {
  let site: TestSite;
  let workers: TestWorkers;
  let jobs: JobStore;
  let release = () => {};
  const { runWindows } = DataMover.prototype;
  beforeEach(async () => {
    site = await TestSite.create(null);
    workers = await TestWorkers.start(site, { watchIntervalMs: 300 });
    jobs = new JobStore(workers.client, new SessionStore(workers.client), Date.now);
    const released = new Promise<void>((resolve) => (release = resolve));
    DataMover.prototype.runWindows = async function (this: DataMover, ...args) {
      await released;
      return runWindows.apply(this, args);
    };
    await cp(LIBVIRT_FIXTURE, site.path('primary'), { recursive: true });
  });
  afterEach(async () => {
    DataMover.prototype.runWindows = runWindows;
    release();
    await workers.stop();
    await site.remove();
  });

  async function executions(type: string) {
    const found = [];
    const query = `WorkflowType = '${type}'`;
    for await (const { workflowId, status } of workers.client.workflow.list({ query }))
      found.push({ workflowId, status: status.name });
    return found;
  }
  const states = async (type: string) =>
    (await executions(type)).map(({ status }) => status).sort();

  it('goes on when its job is changed; the next watch waits for it, and none watches a job that is disabled', async () => {
    await jobs.create(definition);
    await expect.poll(() => states('copySession'), POLL).toEqual(['RUNNING']);
    await expect.poll(() => states('copyWorkload'), POLL).toContain('RUNNING');
    await jobs.update({ ...definition, description: 'changed' }, null);
    await expect.poll(() => states('watchSources'), POLL).toEqual(['CANCELLED', 'RUNNING']);
    release();
    await expect.poll(() => states('copySession'), POLL).toEqual(['COMPLETED']);
    const [session] = await executions('copySession');
    const outcome = await workers.client.workflow.getHandle(session!.workflowId).result();
    expect(outcome).toMatchObject({ result: 'success', reason: null });
    await jobs.disable('now');
    await expect.poll(() => states('watchSources'), POLL).toEqual(['CANCELLED', 'CANCELLED']);
    // As a start does that waited behind the watch: it ends by itself.
    await workers.client.schedule.getHandle('job/now').trigger(ScheduleOverlapPolicy.BUFFER_ONE);
    await expect.poll(() => states('watchSources'), POLL).toContain('COMPLETED');
    expect(await states('copySession')).toEqual(['COMPLETED']);
  });

  it('is ordered again when somebody has terminated it', async () => {
    await jobs.create({ ...definition, retry: defaultRetry('immediate') });
    await expect.poll(() => states('copySession'), POLL).toEqual(['RUNNING']);
    const [session] = await executions('copySession');
    await workers.client.workflow.getHandle(session!.workflowId).terminate();
    await expect.poll(() => states('retrySessions'), POLL).toEqual(['RUNNING']);
  });
});
