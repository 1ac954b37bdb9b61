import { rename, rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { libvirtTruth, testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';
import { directory } from '../../support/repository/directory-storage.js';

describeTemporal('a session with a source that fails', () => {
  let site: TestSite;
  let workers: TestWorkers;
  let files01: Record<string, string>[];
  beforeAll(async () => {
    site = await TestSite.create();
    const share = directory(site.path('share'));
    site.otherSources = [{ ...site.repositories[0]!, id: 'share', ...share }];
    workers = await TestWorkers.start(site, { unavailableLimitMs: 12_000 });
    files01 = Object.values((await libvirtTruth())['files01']!);
  });
  afterAll(async () => {
    await workers.stop();
    await site.remove();
  });

  it('copies the workloads of the other repository when one cannot be reached', async () => {
    const job = testJob({
      id: 'unreachable',
      sources: { include: [{ repositoryId: 'share' }, { repositoryId: 'primary' }], exclude: [] },
    });
    const { result, tasks } = await workers.runSession(job);
    expect(result).toBe('failed');
    const ended = tasks.map(({ workload, result, code }) => [workload, result, code]);
    expect(ended.sort()).toEqual([
      ['files01', 'success', null],
      ['repository share', 'failed', 'REPOSITORY_UNREACHABLE'],
      ['web01', 'success', null],
    ]);
    const unreachable = tasks.find(({ workload }) => workload === 'repository share');
    expect(unreachable!.reason).toMatch(/cannot be opened.*Check that the share is mounted/);
    expect(await site.readBack(job.id, 'files01')).toEqual(files01);
  });

  it('copies the other workloads when the chain of one is broken, and is not called a success', async () => {
    await rename(site.path('primary', 'web01', 'vda.cp1.qcow2'), site.path('vda.cp1.qcow2'));
    const job = testJob({ id: 'broken' });
    const { result, reason, tasks } = await workers.runSession(job);
    await rename(site.path('vda.cp1.qcow2'), site.path('primary', 'web01', 'vda.cp1.qcow2'));
    expect(result).toBe('failed');
    expect(reason).toContain('web01');
    const ended = tasks.map((task) => [task.workload, task.result, task.code]);
    expect(ended.sort()).toEqual([
      ['files01', 'success', null],
      ['web01', 'failed', 'RESTORE_POINT_BROKEN'],
    ]);
    expect(await site.readBack(job.id, 'files01')).toEqual(files01);
  });

  it('warns when it copies what is good and the newest restore point is broken', async () => {
    await rm(site.path('primary', 'web01', 'vda.cp3.qcow2'));
    const job = testJob({ id: 'newest-broken' });
    const { tasks } = await workers.runSession(job);
    const task = tasks.find(({ workload }) => workload === 'web01');
    expect(task).toMatchObject({
      result: 'warning',
      code: 'RESTORE_POINT_BROKEN',
      reason: expect.stringContaining('is missing'),
    });
    const truth = Object.values((await libvirtTruth())['web01']!);
    expect(await site.readBack(job.id, 'web01')).toEqual(truth.slice(0, 2));
  });
});
