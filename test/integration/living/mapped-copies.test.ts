import { expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { holdLease, releaseLease } from '../../../src/chain/leases.js';
import { LivingSite } from '../../support/living/living-site.js';
import { definitionOf, runOverApi } from '../../support/living/session-over-api.js';
import { testJob } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { until } from '../../support/session/until.js';
import { describeTemporal } from '../../support/temporal/server.js';
import { startApiServer, type ApiServer } from '../api/support/api-server.js';

const WORKLOAD = 'ovirt-mail01';

/** Orders it, and waits for its end. @returns its result or the code that refused it */
async function order(api: ApiServer, path: string, body: object): Promise<unknown> {
  const started = await api.request('POST', path, body);
  if (started.status !== 202) return started.body.code;
  const operation = `/operations/${encodeURIComponent(started.body.operationId as string)}`;
  let ended: { state?: unknown; result?: unknown } = {};
  await until(async () => {
    ended = (await api.request('GET', operation)).body;
    return ended.state === 'ended';
  });
  return ended.result;
}

async function storedJobs(api: ApiServer): Promise<Map<string, Record<string, unknown>>> {
  const { body } = await api.request('GET', '/repositories/offsite/jobs');
  return new Map((body.items as { id: string }[]).map((job) => [job.id, { ...job }]));
}

/** The copies of a job that is gone, in a target of another job. */
describeTemporal('copies that belong to no job', () => {
  it('are gone on with by a job that gets them, and stay when they are taken from it', async () => {
    const living = await LivingSite.create();
    await living.copyAt('2026-11-02T23:00:00Z', { jobId: 'old' });
    await living.backUp('mail01', 3);
    const workers = await TestWorkers.start(living.site);
    const [, offsite] = living.site.repositories;
    const repositories = [...living.site.repositories, { ...offsite!, id: 'vault' }];
    const api = await startApiServer({ client: workers.client, repositories });
    try {
      const job = testJob({ retention: { type: 'restorePoints', value: 9 } });
      expect((await api.request('POST', '/jobs', definitionOf(job))).status).toBe(201);
      const other = definitionOf({ ...job, id: 'other', name: 'Other' });
      expect((await api.request('POST', '/jobs', other)).status).toBe(201);
      // It lives, and copies elsewhere: what lies here is not its own any more.
      const old = { ...job, id: 'old', name: 'Old', target: { repositoryId: 'vault' } };
      expect((await api.request('POST', '/jobs', definitionOf(old))).status).toBe(201);
      const wanted = { fromJobId: 'old', workload: 'mail01' };
      const map = (body: object) => order(api, '/jobs/nightly/map', body);
      expect(await map({ ...wanted, workload: 'web01' })).toBe('WORKLOAD_MISSING');
      expect(await map({ ...wanted, fromJobId: 'other' })).toBe('CHAIN_OF_JOB');

      expect(await map(wanted)).toBe('success');
      const { result, tasks } = await runOverApi(api, 'nightly');
      expect(result).toBe('success');
      expect(tasks).toMatchObject([{ algorithm: 'increment' }]);
      expect((await living.points()).map(({ kind }) => kind)).toEqual([
        ...['full', 'increment', 'increment'],
      ]);
      expect(await living.wrongPoints()).toEqual([]);

      expect(await order(api, '/jobs/nightly/detach', { workload: WORKLOAD })).toBe('success');
      const stored = await storedJobs(api);
      const [id] = [...stored.keys()].filter((each) => each.startsWith('detached-mail01-'));
      expect([...stored.keys()]).toEqual([id]);
      expect(stored.get(id!)).toMatchObject({
        detached: { fromJobId: 'nightly' },
        ...{ workloadCount: 1, restorePointCount: 3, newestAt: '2026-11-03T22:00:00.000Z' },
      });
      expect(stored.get(id!)!.storedBytes).toBeGreaterThan(3 * 65_536);
      const points = await api.request('GET', `/repositories/offsite/restore-points`);
      for (const point of points.body.items as { keptUntil: unknown; keptBecause: string[] }[])
        expect([point.keptUntil, point.keptBecause[0]]).toEqual([
          null,
          expect.stringMatching(/^detached from job nightly on .*; it stays until/),
        ]);
      const imported = { repositoryId: 'offsite', jobId: id };
      expect((await api.request('POST', '/jobs/import', imported)).body.code).toBe(
        'JOB_KIND_WRONG',
      );
      expect(await living.wrongPoints(id)).toEqual([]);

      const back = { fromJobId: id, workload: WORKLOAD };
      const target = await living.site.openTarget();
      const chain = chainFolder(id!, WORKLOAD);
      const [{ id: restorePointId } = { id: '' }] = await living.points(id);
      const lease = { restorePointId, expiresAtMs: Date.now() + 60_000 };
      await holdLease(target, chain, 'reader', { ...lease, purpose: 'restore' });
      expect(await map(back)).toBe('failed');
      await releaseLease(target, chain, 'reader');
      expect(await map(back)).toBe('success');
      // Each as it ended, also of those with one id.
      const { body } = await api.request('GET', '/operations?kind=map');
      const ended = (body.items as { result: string; code: string | null }[]).map(
        ({ result, code }) => `${result} ${code ?? ''}`,
      );
      expect(ended).toEqual(['success ', 'failed POINT_IN_USE', 'success ']);
    } finally {
      await api.close();
      await workers.stop();
      await living.site.remove();
    }
  });
});
