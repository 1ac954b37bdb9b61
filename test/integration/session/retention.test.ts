import { afterAll, beforeAll, expect, it } from 'vitest';
import { libvirtTruth, testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

describeTemporal('retention in a session', () => {
  let site: TestSite;
  let workers: TestWorkers;
  beforeAll(async () => {
    site = await TestSite.create();
    workers = await TestWorkers.start(site);
  });
  afterAll(async () => {
    await workers.stop();
    await site.remove();
  });

  it('merges the oldest increment into the full until as many points are left as asked', async () => {
    const job = testJob({ retention: { type: 'restorePoints', value: 2 } });
    const outcome = await workers.runSession(job);
    expect(outcome.tasks.map(({ result, reason }) => [result, reason])).toEqual([
      ['success', null],
      ['success', null],
    ]);
    const truth = await libvirtTruth();
    for (const name of ['web01', 'files01']) {
      const chain = await site.chain('nightly', name);
      expect(chain?.points.map(({ kind }) => kind)).toEqual(['full', 'increment']);
      expect(chain?.pending).toBeNull();
      expect(await site.readBack('nightly', name)).toEqual(Object.values(truth[name]!).slice(1));
    }
  });
});
