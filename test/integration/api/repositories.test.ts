import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { describeTemporal } from '../../support/temporal/server.js';
import { startApiServer, type ApiServer } from './support/api-server.js';

/** The list of workflows follows what they do, by seconds when the server is busy. */
const LISTED = { timeout: 120_000 };

describeTemporal('repositories over the API', () => {
  let api: ApiServer;
  beforeAll(async () => {
    api = await startApiServer();
    await api.startWorker();
  });
  afterAll(() => api.close());

  async function nameOfFirstWorkload(path: string): Promise<unknown> {
    const { body } = await api.request('GET', path);
    return (body.items as { name: string }[])[0]?.name;
  }

  it('describes every configured repository', async () => {
    const { status, body } = await api.request('GET', '/repositories');
    expect(status).toBe(200);
    const items = body.items as Record<string, unknown>[];
    expect(items.map(({ id }) => id)).toEqual(['primary', 'offsite', 'second']);
    expect(items[1]).toMatchObject({
      kind: 'directory',
      place: '/backups/offsite',
      folder: '/backups/offsite',
      settings: { path: '/backups/offsite', folderSync: 'required', stamps: 'strong' },
      role: 'target',
      taskLimit: 4,
      workloadLimit: 10,
      settleSeconds: 60,
      reachable: true,
      totalBytes: 1_000,
      freeBytes: 400,
      usedSlots: null,
    });
  });

  it('reads a page anew for each viewer, so that what a session has just committed is in it', async () => {
    const first = await nameOfFirstWorkload('/repositories/offsite/workloads');
    expect(await nameOfFirstWorkload('/repositories/offsite/workloads')).not.toBe(first);
    expect((await api.request('POST', '/repositories/offsite/rescan')).status).toBe(200);
  });

  it('removes the looks of a process that died before it could do so', async () => {
    await api.client.workflow.execute('browseRepository', {
      workflowId: 'browse/second/left',
      taskQueue: 'control',
      args: [{ repositoryId: 'second', what: 'workloads' }],
    });
    const isListedAsEnded = async () => {
      const query = "WorkflowId = 'browse/second/left' AND ExecutionStatus = 'Completed'";
      return (await api.client.workflow.count(query)).count === 1;
    };
    await expect.poll(isListedAsEnded, LISTED).toBe(true);
    // The server takes half a minute and more to do as it is told, so what it is told has to do.
    const told = vi.spyOn(api.client.workflowService, 'deleteWorkflowExecution');
    const removed = () => told.mock.calls.map(([order]) => order.workflowExecution?.workflowId);
    // Its first look, which sweeps, may be one of its own.
    const inAnHour = { now: () => Date.now() + 3_600_000 };
    const later = await startApiServer({ client: api.client, ...inAnHour });
    await later.request('GET', '/repositories/second/workloads');
    await expect.poll(removed, LISTED).toContain('browse/second/left');
    await later.close();
  });

  it('passes the cursor of a page on', async () => {
    const { body } = await api.request('GET', '/repositories/second/workloads');
    expect(body.nextCursor).toBe('page-2');
    const next = await api.request('GET', '/repositories/second/workloads?cursor=page-2');
    expect(next.body.nextCursor).toBeUndefined();
  });

  it('passes on the error code that the workflow met', async () => {
    const answer = await api.request(
      'GET',
      '/repositories/offsite/restore-points?workload=missing',
    );
    expect([answer.status, answer.body.code]).toEqual([404, 'WORKLOAD_MISSING']);
    expect(answer.body.detail).toBe('no workload missing');
  });

  it.each([
    ['GET', '/repositories/nowhere/workloads'],
    ['GET', '/repositories/nowhere/restore-points'],
    ['POST', '/repositories/nowhere/rescan'],
    ['POST', '/repositories/nowhere/verify'],
    ['POST', '/repositories/nowhere/restore-points/p/verify'],
  ])('answers REPOSITORY_MISSING to %s %s', async (method, path) => {
    const answer = await api.request(method, path);
    expect([answer.status, answer.body.code]).toEqual([404, 'REPOSITORY_MISSING']);
  });

  it('verifies a restore point as an operation, where the answer says', async () => {
    const path = '/repositories/offsite/restore-points/nightly:web%253A01:p1/verify';
    const started = await api.request('POST', path);
    expect(started.status).toBe(202);
    expect(started.body.operationId).toBe('verify.offsite.nightly:web%3A01:p1');
    const location = started.headers.get('Location')!.replace('/api/v1', '');
    await expect
      .poll(async () => (await api.request('GET', location)).body)
      .toMatchObject({
        id: 'verify.offsite.nightly:web%3A01:p1',
        kind: 'verify',
        repositoryId: 'offsite',
        state: 'ended',
        result: 'success',
        notes: ['nightly:web%3A01:p1'],
        live: true,
      });
  });

  it('restores into a folder outside the repositories', async () => {
    const path = '/repositories/offsite/restore-points/nightly:web01:p1/restore';
    const body = { destination: { path: '/restores/./web01' }, format: 'raw' };
    const { body: started } = await api.request('POST', path, body);
    await expect
      .poll(
        async () => (await api.request('GET', `/operations/${String(started.operationId)}`)).body,
      )
      .toMatchObject({ kind: 'restore', result: 'success', notes: ['/restores/web01'] });
  });

  it('shows a running restore and the code of a failed one', async () => {
    const start = async (point: string) => {
      const path = `/repositories/offsite/restore-points/${point}/restore`;
      const { body } = await api.request('POST', path, { destination: { path: '/restores/x' } });
      return `/operations/${String(body.operationId)}`;
    };
    const slow = await start('slow');
    await expect
      .poll(async () => (await api.request('GET', slow)).body)
      .toMatchObject({ state: 'running', processedBytes: 5, totalBytes: 10, endedAt: null });
    const gone = await start('gone');
    await expect
      .poll(async () => (await api.request('GET', gone)).body)
      .toMatchObject({ result: 'failed', code: 'RESTORE_POINT_MISSING', reason: 'no point gone' });
  });

  it('lists verifications and restores, by kind, repository and state', async () => {
    const started = await api.request('POST', '/repositories/second/verify');
    const listed = async (query: string) => {
      const { status, body } = await api.request('GET', `/operations?${query}`);
      expect(status).toBe(200);
      return (body.items as { id: string }[]).map(({ id }) => id);
    };
    await expect.poll(() => listed('repositoryId=second')).toEqual([started.body.operationId]);
    expect(await listed('repositoryId=second&kind=restore')).toEqual([]);
    const restores = await listed('kind=restore&repositoryId=offsite');
    expect(restores.length).toBeGreaterThan(2);
    expect(restores.filter((id) => !id.startsWith('restore.offsite.'))).toEqual([]);
    // The verification above is under way until the server has said that it ended.
    await expect
      .poll(async () => (await api.request('GET', '/operations?state=running')).body.items)
      .toMatchObject([{ kind: 'restore', state: 'running', processedBytes: 5, endedAt: null }]);
    const ended = await api.request('GET', '/operations?state=ended&kind=restore');
    expect((ended.body.items as { result: string }[]).map(({ result }) => result).sort()).toEqual([
      'failed',
      'success',
    ]);
  });

  it.each(['relative/folder', '/backups/primary', '/backups/offsite/nightly/../x', '/a\0b'])(
    'refuses to restore into %j',
    async (path) => {
      const route = '/repositories/offsite/restore-points/p1/restore';
      const answer = await api.request('POST', route, { destination: { path } });
      expect([answer.status, answer.body.code]).toEqual([422, 'RESTORE_DESTINATION_INVALID']);
    },
  );

  it.each(['none', 'verify.offsite.never', 'restore.a/b.c', 'x'.repeat(3_000)])(
    'answers OPERATION_MISSING for %s',
    async (id) => {
      const answer = await api.request('GET', `/operations/${encodeURIComponent(id)}`);
      expect([answer.status, answer.body.code]).toEqual([404, 'OPERATION_MISSING']);
    },
  );

  it('plans a job', async () => {
    const job = {
      name: 'planned',
      mode: 'periodic',
      sources: { include: [{ repositoryId: 'primary', workloads: ['db02'] }] },
      target: { repositoryId: 'offsite' },
    };
    await api.request('POST', '/jobs', job);
    const { body } = await api.request('GET', '/jobs/planned/plan');
    expect(body).toEqual({
      workloads: [
        {
          workload: 'db02',
          algorithm: 'full',
          restorePoints: ['p1'],
          estimatedBytes: 10,
          reasons: ['first copy'],
          lookAgainAt: null,
          retention: { keep: [], actions: [], warnings: [] },
          omitted: 0,
        },
      ],
    });
  });

  it('takes over a job that lies in a target repository', async () => {
    const body = { repositoryId: 'offsite', jobId: 'adopted' };
    const answer = await api.request('POST', '/jobs/import', body);
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      id: 'adopted',
      revision: 9,
      retention: { type: 'days', value: 30 },
      storage: { digest: 'blake3' },
    });
  });

  it('refuses to take over a definition that is damaged', async () => {
    const body = { repositoryId: 'offsite', jobId: 'broken' };
    const answer = await api.request('POST', '/jobs/import', body);
    expect([answer.status, answer.body.code]).toEqual([422, 'JOB_RULE_BROKEN']);
    expect(answer.body.detail).toContain('is missing');
    expect(answer.body.detail).not.toContain('expected');
  });
});
