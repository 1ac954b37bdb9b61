import { execFileSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

/** `web-é01` in ISO 8859-1. */
const NOT_UTF8 = Buffer.from([0x77, 0x65, 0x62, 0x2d, 0xe9, 0x30, 0x31]);
const SHOWN = 'web-\\xe901';
const WORDS = `the name ${SHOWN} cannot be part of a path (it is not UTF-8, or holds a backslash), so nothing that lies there is copied`;

describeTemporal('a machine whose folder has a name that is not UTF-8', () => {
  let site: TestSite;
  let workers: TestWorkers;
  beforeAll(async () => {
    site = await TestSite.create();
    const primary = Buffer.from(`${site.path('primary')}/`);
    renameSync(site.path('primary', 'web01'), Buffer.concat([primary, NOT_UTF8]));
    workers = await TestWorkers.start(site);
  });
  afterAll(async () => {
    await workers.stop();
    execFileSync('rm', ['-rf', site.folder]); // Node cannot list the name
  });

  it('is named by the session, which copies the rest', async () => {
    const { result, tasks } = await workers.runSession(testJob());
    expect(result).toBe('warning');
    expect(tasks).toMatchObject([
      { workload: SHOWN, result: 'warning', code: 'NAME_UNSUPPORTED', reason: WORDS },
      { workload: 'files01', result: 'success' },
    ]);
  });

  it('is listed with what is wrong', async () => {
    const { items } = await workers.client.workflow.execute<
      (input: unknown) => Promise<{ items: unknown[] }>
    >('browseRepository', {
      workflowId: 'browse/primary/workloads',
      taskQueue: 'control',
      args: [{ repositoryId: 'primary', what: 'workloads' }],
    });
    expect(items).toContainEqual({
      id: SHOWN,
      name: SHOWN,
      type: 'unknown',
      jobId: null,
      restorePointCount: 0,
      newestAt: null,
      problem: WORDS,
      doubt: null,
    });
  });
});
