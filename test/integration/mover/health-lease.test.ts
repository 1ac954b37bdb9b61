import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { LIBVIRT_FIXTURE, TestSite } from '../../support/session/test-site.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';

describe('lease of a health check', () => {
  let site: TestSite;
  beforeAll(async () => {
    site = await TestSite.create(LIBVIRT_FIXTURE);
  });
  afterAll(() => site.remove());

  it('keeps a merge away from the files that are being read, until it is released', async () => {
    const mover = new InProcessMover(await site.openSource(), await site.openTarget());
    const { id, name } = await site.workload('web01');
    const order = {
      jobId: 'nightly',
      owner: 'first',
      workload: { id, name, type: 'libvirt-kvm' as const },
      sourceRepositoryId: 'primary',
      targetRepositoryId: 'offsite',
      restorePoints: 'all' as const,
    };
    await mover.copy(order);
    const chain = chainFolder('nightly', id);
    const { points, epoch } = (await readChainRecord(await site.openTarget(), chain))!;
    const [full, increment] = points;
    const nowMs = Date.parse('2026-11-25T00:00:00Z');
    const verify = { targetRepositoryId: 'offsite', chain, pointId: increment!.id, nowMs };
    await mover.run('prepareVerification', verify);

    const merge = {
      targetRepositoryId: 'offsite',
      chain,
      epoch,
      nowMs,
      fullId: full!.id,
      incrementId: increment!.id,
    };
    await expect(mover.mergeIncrement(merge)).rejects.toMatchObject({
      code: 'POINT_IN_USE',
    });
    const during = (await readChainRecord(await site.openTarget(), chain))!;
    expect(during.points).toEqual(points);
    expect(during.pending).toBeNull();

    await mover.run('collectDamage', verify);
    expect(await mover.mergeIncrement(merge)).toBeNull();
  }, 60_000);
});
