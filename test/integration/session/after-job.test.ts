import { afterAll, beforeAll, expect, it } from 'vitest';
import { JobStore } from '../../../src/api/jobs/job-store.js';
import { SessionStore } from '../../../src/api/sessions/session-store.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { until } from '../../support/session/until.js';
import { describeTemporal } from '../../support/temporal/server.js';

describeTemporal('a job that follows another one', () => {
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

  async function create(job: CopyJob): Promise<void> {
    const { revision, replaces, ...definition } = job;
    expect([revision, replaces]).toEqual([1, null]);
    const { client } = workers;
    await new JobStore(client, new SessionStore(client), Date.now).create(definition);
  }

  it('starts when that one has ended, in a session of the same start time', async () => {
    await create(testJob());
    const schedule = { type: 'afterJob', jobId: 'nightly' } as const;
    await create(testJob({ id: 'second', name: 'Second site', schedule }));
    // The Schedule's search attribute is found a moment after it was made.
    await until(async () => {
      let found = 0;
      for await (const entry of workers.client.schedule.list({
        query: "LonghaulAfterJob = 'nightly'",
      }))
        found += entry.scheduleId === 'job/second' ? 1 : 0;
      return found === 1;
    });
    const first = await workers.startSession(testJob());
    await first.result();
    const followed = first.workflowId.replace('session/nightly-', 'session/second-');
    const outcome = (await workers.client.workflow.getHandle(followed).result()) as {
      result: string;
    };
    expect(outcome.result).toBe('success');
    expect((await site.chain('second', 'web01'))?.points).toHaveLength(3);
  });
});
