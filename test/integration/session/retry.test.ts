import { cp, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { JobStore } from '../../../src/api/jobs/job-store.js';
import { SessionStarter } from '../../../src/api/sessions/session-starter.js';
import { SessionStore } from '../../../src/api/sessions/session-store.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import { connectTemporal } from '../../../src/temporal/connect.js';
import { ownNamespace } from '../../support/temporal/own-namespace.js';
import { OVIRT_FIXTURE, TestSite, testJob } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

/** Two machines are named, and one of them is not there yet: its task fails. */
describeTemporal('a session that failed', () => {
  let site: TestSite;
  let temporal: Awaited<ReturnType<typeof ownNamespace>>;
  let workers: TestWorkers;
  beforeEach(async () => {
    site = await TestSite.create();
    await mkdir(site.path('primary'), { recursive: true });
    await copyMachine('mail01');
    temporal = await ownNamespace();
    workers = await TestWorkers.on(temporal, site);
  });
  afterEach(async () => {
    await workers.stop();
    await site.remove();
  });

  async function copyMachine(name: string): Promise<void> {
    const beside = site.path(`arriving-${name}`);
    await cp(join(OVIRT_FIXTURE, name), beside, { recursive: true });
    await rename(beside, site.path('primary', name));
  }

  async function start(seconds: number, changes: Partial<CopyJob> = {}) {
    const job = testJob({
      sources: {
        include: [{ repositoryId: 'primary', workloads: ['mail01', 'dns01'] }],
        exclude: [],
      },
      retry: { attempts: 2, pausesMinutes: [seconds / 60] },
      ...changes,
    });
    const { client } = await connectTemporal(temporal);
    const sessions = new SessionStore(client);
    const jobs = new JobStore(client, sessions, Date.now);
    const { revision: _revision, replaces: _replaces, ...definition } = job;
    await jobs.create(definition);
    // As it is stored: its origin tells its copies from those of another job of its id.
    const stored = await jobs.definition(job.id);
    const first = await new SessionStarter(client, Date.now).start(stored, {}, null, 'nobody');
    const ended = async (id: string) => {
      await expect.poll(async () => (await sessions.get(id)).state).toBe('ended');
      return sessions.get(id);
    };
    const retries = async () =>
      (await sessions.list({ jobId: job.id })).items
        .filter(({ trigger }) => trigger === 'retry')
        .sort((one, other) => one.tryNumber - other.tryNumber);
    return { jobs, ended, retries, first: await ended(first) };
  }

  it('is tried again with the workload that failed, and shows when', async () => {
    const { first, jobs, ended, retries } = await start(8);
    expect(first).toMatchObject({ result: 'failed', tryNumber: 1 });
    expect(Date.parse(first.nextTryAt ?? '')).toBeGreaterThan(Date.parse(first.startedAt));
    expect((await jobs.get('nightly')).nextTryAt).toBe(first.nextTryAt);
    await copyMachine('dns01');
    await expect.poll(retries).toHaveLength(1);
    const retry = await ended((await retries())[0]!.id);
    expect(retry).toMatchObject({
      trigger: 'retry',
      tryNumber: 2,
      result: 'success',
      nextTryAt: null,
    });
    expect(retry.tasks.map(({ workload }) => workload)).toEqual(['dns01']);
  });

  it('is tried as often as the job says, also when all workers were gone meanwhile', async () => {
    const { first, retries } = await start(5);
    await workers.stop();
    expect(first.nextTryAt).not.toBeNull();
    workers = await TestWorkers.on(temporal, site);
    await expect
      .poll(async () => (await retries()).map(({ tryNumber, result }) => [tryNumber, result]), {
        timeout: 60_000,
      })
      .toEqual([
        [2, 'failed'],
        [3, 'failed'],
      ]);
    const [, last] = await retries();
    expect(last?.nextTryAt).toBeNull();
  });

  it('is not tried again when the job was disabled meanwhile', async () => {
    const { jobs, retries } = await start(3);
    await jobs.disable('nightly');
    expect((await jobs.get('nightly')).nextTryAt).toBeNull();
    const { client } = await connectTemporal(temporal);
    const waiting = async () =>
      (await client.workflow.getHandle('retry/nightly').describe()).status;
    await expect.poll(async () => (await waiting()).name).toBe('COMPLETED');
    expect(await retries()).toEqual([]);
  });
});
