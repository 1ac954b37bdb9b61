import { mkdir, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

describeTemporal('backups of a tool that no layout knows', () => {
  let site: TestSite;
  let workers: TestWorkers;
  beforeAll(async () => {
    site = await TestSite.create();
    await mkdir(site.path('primary', 'veeam'));
    for (const name of ['db01.vbk', 'db01.vbm'])
      await writeFile(site.path('primary', 'veeam', name), 'x');
    workers = await TestWorkers.start(site);
  });
  afterAll(async () => {
    await workers.stop();
    await site.remove();
  });

  async function problems(repositoryId: string): Promise<(string | null)[]> {
    const { items } = await workers.client.workflow.execute<
      (input: unknown) => Promise<{ items: { name: string; problem: string | null }[] }>
    >('browseRepository', {
      workflowId: `browse/${repositoryId}/workloads`,
      taskQueue: 'control',
      args: [{ repositoryId, what: 'workloads' }],
    });
    return items.map(({ name, problem }) => problem && `${name}: ${problem}`);
  }

  it('are named where the source is looked at, and keep nothing else from being copied', async () => {
    const { result, tasks } = await workers.runSession(testJob());
    expect(result).toBe('success');
    expect(tasks).toHaveLength(2);
    expect(await problems('primary')).toContain(
      'veeam: "db01.vbk", "db01.vbm" are of no backup layout that this release knows (as it seems, a backup of Veeam Backup & Replication), so they are not copied',
    );
  });

  it('are nothing that a target is searched for', async () => {
    await writeFile(site.path('offsite', 'README'), 'x');
    expect((await problems('offsite')).filter((problem) => problem !== null)).toEqual([]);
  });
});
