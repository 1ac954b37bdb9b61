import { mkdir, writeFile } from 'node:fs/promises';
import { afterEach, expect, it } from 'vitest';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

describeTemporal('a type of backups that a job may not pick from', () => {
  let site: TestSite;
  let workers: TestWorkers;
  afterEach(async () => {
    await workers.stop();
    await site.remove();
  });

  it('is not copied by a job that excludes some of it, is told once, and holds up no other', async () => {
    site = await TestSite.create();
    const disk = 'a-0d9c1f52-7a3e-4b6f-9c2d-5e8f1a4b7c30-2026-11-24.raw';
    await writeFile(site.path('primary', disk), Buffer.alloc(1_024, 7));
    for (const folder of ['.chunks', 'vm'])
      await mkdir(site.path('primary', `store/${folder}`), { recursive: true });
    workers = await TestWorkers.start(site);
    const include = [{ repositoryId: 'primary' }];
    const sources = { include, exclude: [{ workload: 'a' }] };
    const gfs = {
      ...{ weekly: { keep: 4, day: 'sunday' as const }, monthly: null, yearly: null },
      fullMethod: 'synthetic' as const,
    };
    const retention = { type: 'days', value: 7 } as const;
    const { tasks } = await workers.runSession(testJob({ sources, gfs, retention, compact: null }));
    expect(tasks.filter(({ code }) => code === 'WORKLOAD_RULE_BROKEN')).toMatchObject([
      {
        ...{ workload: 'a', result: 'failed', committed: [] },
        reason:
          'sources.exclude.0.workload: backups of Nutanix AHV are copied with their whole repository: a cannot be excluded (a)',
      },
      {
        ...{ workload: 'store', result: 'failed', committed: [] },
        reason: 'gfs: backups of Proxmox Backup Server are kept without gfs only (store)',
      },
    ]);
    expect(await site.readBack('nightly', 'files01')).toHaveLength(3);
  });
});
