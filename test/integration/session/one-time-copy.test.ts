import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { holdLease } from '../../../src/chain/leases.js';
import { availablePoints } from '../../../src/chain/chain-record.js';
import { writeChainRecord } from '../../../src/chain/chain-store.js';
import { startApiServer, type ApiServer } from '../api/support/api-server.js';
import { libvirtTruth, testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { until } from '../../support/session/until.js';
import { describeTemporal } from '../../support/temporal/server.js';

describeTemporal('a one-time copy', () => {
  let site: TestSite;
  let workers: TestWorkers;
  let api: ApiServer;
  beforeAll(async () => {
    site = await TestSite.create();
    workers = await TestWorkers.start(site);
    api = await startApiServer({ client: workers.client, repositories: site.repositories });
  });
  afterAll(async () => {
    await api.close();
    await workers.stop();
    await site.remove();
  });

  async function copyOnce(more: object, key: string): Promise<{ copyId: string; session: string }> {
    const { status, body } = await api.request(
      'POST',
      '/one-time-copies',
      { target: { repositoryId: 'offsite' }, ...more },
      { 'Idempotency-Key': key },
    );
    expect([status, body.code]).toEqual([202, undefined]);
    return { copyId: body.copyId as string, session: body.sessionId as string };
  }

  async function ended(session: string): Promise<unknown> {
    let result: unknown = null;
    await until(async () => {
      const { body } = await api.request('GET', `/sessions/${session}`);
      result = body.result;
      return result !== null && result !== undefined;
    });
    return result;
  }

  async function stored(copyId: string) {
    const { body } = await api.request('GET', '/repositories/offsite/jobs');
    return (body.items as { id: string }[]).find(({ id }) => id === copyId);
  }

  const source = { repositoryId: 'primary', workload: 'files01' };
  const NEXT_YEAR = new Date(Date.now() + 365 * 86_400_000).toISOString();

  it('takes the point that is named and no other, once, and is listed with its date', async () => {
    const truth = Object.values((await libvirtTruth()).files01!);
    const points = (await site.workload('files01')).restorePoints;
    const order = { source: { ...source, restorePointId: points[1]!.id }, expiresAt: NEXT_YEAR };
    const first = await copyOnce(order, 'named');
    expect(await copyOnce(order, 'named')).toEqual(first);
    expect(await ended(first.session)).toBe('success');
    expect(await site.readBack(first.copyId, 'files01')).toEqual([truth[1]]);
    expect(await stored(first.copyId)).toMatchObject({
      once: { restorePointId: points[1]!.id, expiresAt: NEXT_YEAR },
      restorePointCount: 1,
    });
  });

  it('is removed after its date as soon as no reader holds it, and nothing else with it', async () => {
    await workers.runSession(testJob({ restorePoints: 'latest' }));
    const expiresAt = new Date(Date.now() + 4_000).toISOString();
    const { copyId, session } = await copyOnce({ source, expiresAt }, 'short');
    expect(await ended(session)).toBe('success');
    const { id: workloadId } = await site.workload('files01');
    const chain = chainFolder(copyId, workloadId);
    const [point] = availablePoints((await site.chain(copyId, 'files01'))!);
    const lease = { restorePointId: point!.id, purpose: 'restore' } as const;
    const target = await site.openTarget();
    await holdLease(target, chain, 'reader', { ...lease, expiresAtMs: Date.now() + 60_000 });
    const handle = workers.client.workflow.getHandle(`once/offsite/${copyId}`);
    await until(async () =>
      (await handle.fetchHistory()).events!.some(
        (event) =>
          event.timerStartedEventAttributes?.startToFireTimeout?.seconds?.toString() === '3600',
      ),
    );
    expect(await site.readBack(copyId, 'files01')).toHaveLength(1);

    await target.remove(`${chain}/.leases/reader.json`);
    const removed = await api.request(
      'POST',
      `/repositories/offsite/one-time-copies/${copyId}/remove`,
    );
    expect(removed.status).toBe(202);
    await handle.result();
    expect(availablePoints((await site.chain(copyId, 'files01'))!)).toEqual([]);
    expect((await readdir(site.path('offsite', chain))).sort()).toEqual(
      expect.not.arrayContaining([point!.id]),
    );
    expect(await site.readBack('nightly', 'files01')).toHaveLength(1);

    // A removal that was stopped when the record had announced it, and no file was gone.
    await target.makeFolder(`${chain}/${point!.id}`);
    const record = (await site.chain(copyId, 'files01'))!;
    await writeChainRecord(target, chain, {
      ...record,
      pending: { type: 'delete', ids: [point!.id] },
    });
    await api.request('POST', `/repositories/offsite/one-time-copies/${copyId}/remove`);
    await workers.client.workflow.getHandle(`once/offsite/${copyId}`).result();
    expect(await readdir(site.path('offsite', chain))).not.toContain(point!.id);
    expect((await site.chain(copyId, 'files01'))!.pending).toBeNull();
  });

  it('is never what a job keeps: neither an order nor a date removes a chain of one', async () => {
    const refused = await api.request(
      'POST',
      '/repositories/offsite/one-time-copies/nightly/remove',
    );
    expect([refused.status, refused.body.code]).toEqual([422, 'JOB_KIND_WRONG']);
    const folder = site.path('offsite', 'nightly');
    const before = createHash('sha256')
      .update(await readFile(`${folder}/job.json`))
      .digest('hex');
    // Whoever starts the workflow by hand for a job meets the definition that lies beside the data.
    const order = { repositoryId: 'offsite', copyId: 'nightly', copy: null, expiresAt: null };
    const handle = await workers.client.workflow.start('oneTimeCopy', {
      workflowId: 'once/offsite/nightly',
      taskQueue: 'control',
      args: [{ ...order, isOrdered: true }],
    });
    await until(async () =>
      (await handle.fetchHistory()).events!.some(
        (event) =>
          event.timerStartedEventAttributes?.startToFireTimeout?.seconds?.toString() === '3600',
      ),
    );
    await handle.terminate();
    expect(await site.readBack('nightly', 'files01')).toHaveLength(1);
    const after = createHash('sha256')
      .update(await readFile(`${folder}/job.json`))
      .digest('hex');
    expect(after).toBe(before);
  });

  it('is refused with a date that has passed, and from a source that is none', async () => {
    const past = { source, target: { repositoryId: 'offsite' }, expiresAt: '2020-01-01T00:00:00Z' };
    const { status, body } = await api.request('POST', '/one-time-copies', past);
    expect([status, body.code]).toEqual([400, 'REQUEST_INVALID']);
    const nowhere = { source: { ...source, repositoryId: 'nowhere' }, target: past.target };
    const wrong = await api.request('POST', '/one-time-copies', nowhere);
    expect([wrong.status, wrong.body.code]).toEqual([422, 'JOB_RULE_BROKEN']);
  });
});
