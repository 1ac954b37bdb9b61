import { open } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { TestSite } from '../../support/session/test-site.js';

describe('synthetic full of a chain with a rotten block', () => {
  let site: TestSite;
  beforeAll(async () => {
    site = await TestSite.create();
  });
  afterAll(() => site.remove());

  it('is refused, so that the block is not carried on into a file that is called good', async () => {
    const mover = new InProcessMover(await site.openSource(), await site.openTarget());
    const { id, name } = await site.workload('web01');
    await mover.copy({
      jobId: 'nightly',
      owner: 'first',
      workload: { id, name, type: 'libvirt-kvm' },
      sourceRepositoryId: 'primary',
      targetRepositoryId: 'offsite',
      restorePoints: 'all',
    });
    const chain = chainFolder('nightly', id);
    const { points, epoch } = (await readChainRecord(await site.openTarget(), chain))!;
    const newest = points.at(-1)!;
    const file = await open(site.path('offsite', chain, newest.disks[0]!.path), 'r+');
    await file.write(Buffer.from('rot'), 0, 3, 65_536 + 17);
    await file.close();

    const place = { targetRepositoryId: 'offsite', chain };
    const nowMs = Date.parse('2026-11-25T00:00:00Z');
    const pointId = newest.id;
    const plan = await mover.run('planSyntheticFull', { ...place, epoch, nowMs, pointId });
    const staging = `${chain}/.staging/${pointId}-full`;
    const batch = { ...place, staging, reference: plan.reference, disk: plan.disks[0]!.disk };
    await expect(mover.runWindows('copyBlocks', batch, [0])).rejects.toMatchObject({
      code: 'BLOCK_DIGEST_MISMATCH',
    });
  }, 60_000);
});
