import { writeFile } from 'node:fs/promises';
import { afterEach, expect, it } from 'vitest';
import { makeLayoutKnown } from '../../support/layout/known-layout.js';
import { wholeLayout } from '../../support/layout/whole-layout.js';
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
    makeLayoutKnown(wholeLayout);
    site = await TestSite.create();
    for (const name of ['a', 'b'])
      await writeFile(site.path('primary', `${name}.whole`), Buffer.alloc(1_024, 7));
    workers = await TestWorkers.start(site);
    const include = [{ repositoryId: 'primary' }];
    const sources = { include, exclude: [{ workload: 'a' }] };
    const gfs = {
      ...{ weekly: { keep: 4, day: 'sunday' as const }, monthly: null, yearly: null },
      fullMethod: 'synthetic' as const,
    };
    const { tasks } = await workers.runSession(testJob({ sources, gfs, compact: null }));
    expect(tasks.filter(({ code }) => code === 'WORKLOAD_RULE_BROKEN')).toMatchObject([
      {
        ...{ workload: 'a', result: 'failed', committed: [] },
        reason:
          'sources.exclude.0.workload: backups of Whole machines are copied with their whole repository: a cannot be excluded (a)',
      },
      {
        ...{ workload: 'b', result: 'failed', committed: [] },
        reason: 'gfs: backups of Whole machines are kept without gfs only (b)',
      },
    ]);
    expect(await site.readBack('nightly', 'files01')).toHaveLength(3);
  });
});
