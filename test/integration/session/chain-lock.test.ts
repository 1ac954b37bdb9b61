import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { chainFolder, stagingFolder } from '../../../src/chain/chain-paths.js';
import { pauseUpdate, resumeUpdate, taskQuery } from '../../../workflows/messages.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { libvirtTruth, testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';
import { windowRuns } from '../../../src/mover/task/window-runs.js';

describeTemporal('one chain', () => {
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

  it('is written by one session; a second one at the same time is told that it is locked', async () => {
    const job = testJob({
      sources: { include: [{ repositoryId: 'primary', workloads: ['web01'] }], exclude: [] },
    });
    const first = await workers.startSession(job);
    await first.executeUpdate(pauseUpdate);
    const { id } = await site.workload('web01');
    const task = workers.client.workflow.getHandle(`chain/offsite/${job.id}/${id}`);
    await vi.waitFor(async () => expect((await task.query(taskQuery)).state).toBe('paused'), {
      timeout: 60_000,
    });

    const second = await workers.runSession(job);
    expect(second.result).toBe('warning');
    expect(second.tasks).toMatchObject([
      { workload: 'web01', result: 'warning', code: 'CHAIN_LOCKED' },
    ]);
    await first.executeUpdate(resumeUpdate);
    expect((await first.result()).result).toBe('success');
    expect(await site.readBack(job.id, 'web01')).toEqual(
      Object.values((await libvirtTruth())['web01']!),
    );
  });

  it('refuses the commit of a session that has lost it', async () => {
    const mover = new InProcessMover(await site.openSource(), await site.openTarget());
    const { id, name, type, restorePoints } = await site.workload('web01');
    const chain = chainFolder('lost', id);
    const ids = {
      targetRepositoryId: 'offsite',
      sourceRepositoryId: 'primary',
      chain,
      jobId: 'lost',
      workloadId: id,
    };
    const take = (owner: string) =>
      mover.run('inspectTargetChain', { ...ids, workload: { id, name, type }, owner, nowMs: 0 });
    const plan = (epoch: number) =>
      mover.run('planCopy', {
        ...ids,
        epoch,
        restorePointId: restorePoints[0]!.id,
        kind: 'full',
        changedBy: 'all',
        lineageFrom: null,
        digest: 'sha256',
        verifyAfterCopy: 'cached',
      });
    const commit = async (outcome: Awaited<ReturnType<typeof plan>>) =>
      mover.run('commitRestorePoint', {
        ...ids,
        staging: stagingFolder(chain, outcome.pointId),
        pointId: outcome.pointId,
        reference: outcome.reference,
        flags: [],
        copiedAt: '2026-11-24T22:00:00.000Z',
      });
    const first = await plan((await take('first')).record.epoch);
    const staging = stagingFolder(chain, first.pointId);
    const work = { targetRepositoryId: 'offsite', staging, reference: first.reference };
    for (const { disk, windowCount } of first.disks)
      await mover.runWindows('copyBlocks', { ...work, disk }, windowRuns(0, windowCount));
    await mover.run('composeTargetFile', work);
    const { epoch } = (await take('second')).record;

    await expect(commit(first)).rejects.toMatchObject({ code: 'STALE_EPOCH' });
    expect((await site.chain('lost', name))!.points).toEqual([]);

    const second = await plan(epoch);
    expect(second.reference.token).toBe(first.reference.token);
    await commit(second);
    const truth = Object.values((await libvirtTruth())[name]!);
    expect(await site.readBack('lost', name)).toEqual([truth[0]]);
  });
});
