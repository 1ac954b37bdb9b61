import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CONTROL_TASK_QUEUE, type WatchSourcesInput } from '../../../workflows/messages.js';
import {
  libvirtTruth,
  LIBVIRT_FIXTURE,
  testJob,
  TestSite,
} from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

describeTemporal('watchSources', () => {
  let site: TestSite;
  let workers: TestWorkers;
  beforeAll(async () => {
    site = await TestSite.create(null);
    workers = await TestWorkers.start(site, { watchIntervalMs: 300 });
  }, 60_000);
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

  async function sessions(status: string): Promise<number> {
    const query = `WorkflowType = 'copySession' AND ExecutionStatus = '${status}'`;
    return (await workers.client.workflow.count(query)).count;
  }

  it('copies each new restore point as it appears, and starts no session without work', async () => {
    const job = testJob({ id: 'now', mode: 'immediate', restorePoints: 'latest' });
    const watch = await workers.client.workflow.start('watchSources', {
      workflowId: 'watch/now-2026-11-24T22:00:00Z',
      taskQueue: CONTROL_TASK_QUEUE,
      args: [{ job } satisfies WatchSourcesInput],
    });
    const truth = Object.values((await libvirtTruth())['web01']!);
    await bring('cp1');
    expect(await copied(1)).toEqual(truth.slice(0, 1));
    await bring('cp2');
    expect(await copied(2)).toEqual(truth.slice(0, 2));
    await bring('cp3');
    expect(await copied(3)).toEqual(truth);
    await watch.cancel();
    await expect(watch.result()).rejects.toThrow();
    expect(await sessions('Completed')).toBe(3);
  }, 60_000);
});
