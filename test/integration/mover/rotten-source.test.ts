import { open } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { fullStagingId } from '../../../src/domain/targets/staging-id.js';
import { inActivity } from '../../support/activities/in-activity.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { GrowingSource } from '../../support/living/growing-source.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';
import { InProcessWorker } from '../../support/workflows/local-worker.js';

describe('synthetic full of a chain with a rotten block', () => {
  let site: TestSite;
  beforeAll(async () => {
    site = await TestSite.create();
  });
  afterAll(() => site.remove());

  it('is refused, so that the block is not carried on into a file that is called good', async () => {
    const source = await site.openSource();
    const target = await site.openTarget();
    const nowMs = Date.parse('2026-11-25T00:00:00Z');
    await new LocalSessions([source, target]).copy(testJob(), nowMs);
    const { id } = await site.workload('web01');
    const chain = chainFolder('nightly', id);
    const { points, epoch } = (await readChainRecord(await site.openTarget(), chain))!;
    const newest = points.at(-1)!;
    const file = await open(site.path('offsite', chain, newest.disks[0]!.path), 'r+');
    await file.write(Buffer.from('rot'), 0, 3, 65_536 + 17);
    await file.close();

    const { activities } = new InProcessWorker([source, target]);
    const place = { targetRepositoryId: 'offsite', jobId: 'nightly', workloadId: id };
    const full = { ...place, epoch, nowMs, pointId: newest.id };
    const { reference, disks } = await inActivity(activities.planSyntheticFull, full);
    const batch = {
      ...place,
      reference,
      stagingId: fullStagingId(newest.id),
      disk: disks[0]!.disk,
      firstWindow: 0,
      windowCount: disks[0]!.windowCount,
    };
    await expect(inActivity(activities.copyBlocks, batch)).rejects.toMatchObject({
      type: 'BLOCK_DIGEST_MISMATCH',
    });
  });
});

describe('a rotten last block of a disk that is no whole number of blocks', () => {
  it('is refused by a synthetic full', async () => {
    const source = new SimulatedRepository('primary');
    const target = new SimulatedRepository('offsite');
    const nowMs = Date.parse('2026-11-25T00:00:00Z');
    const machine = new GrowingSource(source, 'mail01', { blockCount: 13 });
    await machine.backUp(Date.parse('2026-11-24T22:00:00Z'), 'full');
    await new LocalSessions([source, target]).copy(testJob(), nowMs);
    const { id } = (await listSourceWorkloads(source))[0]!;
    const chain = chainFolder('nightly', id);
    const { points, epoch } = (await readChainRecord(target, chain))!;
    const { path } = points[0]!.disks[0]!;
    const file = await target.openWrite(`${chain}/${path}`, 'existing');
    // What a reader puts together is planned first: the last block has the first slot behind the header's unit.
    await file.write(Buffer.from('rot'), 65_536 + 17);
    await file.close();

    const { activities } = new InProcessWorker([source, target]);
    const place = { targetRepositoryId: 'offsite', jobId: 'nightly', workloadId: id };
    const full = { ...place, epoch, nowMs, pointId: points[0]!.id };
    const { reference, disks } = await inActivity(activities.planSyntheticFull, full);
    const { disk, windowCount } = disks[0]!;
    const stagingId = fullStagingId(points[0]!.id);
    const batch = { ...place, reference, stagingId, disk, firstWindow: 0, windowCount };
    await expect(inActivity(activities.copyBlocks, batch)).rejects.toMatchObject({
      type: 'BLOCK_DIGEST_MISMATCH',
    });
  });
});
