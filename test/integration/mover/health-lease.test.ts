import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LIBVIRT_FIXTURE, testJob, TestSite } from '../../support/session/test-site.js';
import { ChainSteps } from '../../support/workflows/chain-steps.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

describe('lease of a health check', () => {
  let site: TestSite;
  beforeAll(async () => {
    site = await TestSite.create(LIBVIRT_FIXTURE);
  });
  afterAll(() => site.remove());

  it('keeps a merge away from the files that are being read, until it is released', async () => {
    const target = await site.openTarget();
    const nowMs = Date.parse('2026-11-25T00:00:00Z');
    await new LocalSessions([await site.openSource(), target]).copy(testJob(), nowMs);
    const { points, epoch, workload } = (await site.chain('nightly', 'web01'))!;
    const [full, increment] = points;
    const steps = new ChainSteps(target, 'nightly', workload);
    await steps.beginVerification(increment!.id, nowMs);

    const merge = () => steps.merge(epoch, nowMs, full!.id, increment!.id);
    await expect(merge()).rejects.toMatchObject({ type: 'POINT_IN_USE' });
    const during = (await site.chain('nightly', 'web01'))!;
    expect(during.points).toEqual(points);
    expect(during.pending).toBeNull();

    await steps.endVerification(increment!.id, nowMs);
    expect(await merge()).toMatchObject({ state: 'merged' });
  });
});
