import { afterAll, beforeAll, expect, it } from 'vitest';
import { chainWorkflowId } from '../../../workflows/messages.js';
import { libvirtTruth, testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

describeTemporal('copySession', () => {
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

  it('copies all restore points of all workloads, bit for bit, and says so', async () => {
    const outcome = await workers.runSession(testJob());
    const ended = outcome.tasks.map(({ workload, result, reason }) => [workload, result, reason]);
    expect(ended.sort()).toEqual([
      ['files01', 'success', null],
      ['web01', 'success', null],
    ]);
    expect(outcome.result).toBe('success');
    const truth = await libvirtTruth();
    for (const name of ['web01', 'files01'])
      expect(await site.readBack('nightly', name)).toEqual(Object.values(truth[name]!));
  });

  it('has nothing to copy when it is started again', async () => {
    const outcome = await workers.runSession(testJob());
    expect(outcome.result).toBe('nothingToCopy');
    expect(outcome.reason).toContain('copied already');
  });

  it('tells every look at the source in which folder it found the workload', async () => {
    const job = testJob({ id: 'one-look', restorePoints: 'latest' });
    expect((await workers.runSession(job)).result).toBe('success');
    const { id, name, type } = await site.workload('web01');
    const child = workers.client.workflow.getHandle(chainWorkflowId('offsite', job.id, id));
    const { events } = await child.fetchHistory();
    const looks = (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) => {
      const activity = scheduled?.activityType?.name ?? '';
      if (!['lookForWork', 'planCopy'].includes(activity)) return [];
      const input = Buffer.from(scheduled?.input?.payloads?.[0]?.data ?? []).toString();
      const { sourceFolders } = JSON.parse(input) as { sourceFolders?: string[] };
      return [[activity, sourceFolders]];
    });
    expect(looks).toEqual([
      ['lookForWork', ['web01']],
      ['planCopy', ['web01']],
    ]);
    // Where the source lies is the session's business, not the chain's.
    expect((await site.chain(job.id, 'web01'))?.workload).toEqual({ id, name, type });
  });
});
