import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeTemporal } from '../../support/temporal/server.js';
import { startApiServer, type ApiServer } from './support/api-server.js';

const NIGHTLY = {
  name: 'Nightly off-site',
  mode: 'periodic',
  sources: { include: [{ repositoryId: 'primary', workloads: ['web01'] }] },
  target: { repositoryId: 'offsite' },
  schedule: { type: 'daily', time: '22:00', timeZone: 'UTC' },
};

describeTemporal('jobs over the API', () => {
  let api: ApiServer;
  beforeAll(async () => {
    api = await startApiServer();
  });
  afterAll(() => api.close());

  it('creates a job under the slug of its name, with every default', async () => {
    const created = await api.request('POST', '/jobs', NIGHTLY);
    expect(created.status).toBe(201);
    expect(created.headers.get('Location')).toBe('/api/v1/jobs/nightly-off-site');
    expect(created.headers.get('ETag')).toBe('"1"');
    expect(created.body).toMatchObject({
      id: 'nightly-off-site',
      description: '',
      revision: 1,
      sources: { include: [{ repositoryId: 'primary', workloads: ['web01'] }], exclude: [] },
      restorePoints: 'latest',
      retention: { type: 'restorePoints', value: 7 },
      gfs: null,
      onSourceChainRecreated: 'requireNewJob',
      storage: { digest: 'sha256' },
      healthCheck: null,
      compact: null,
      rpo: null,
      removedWorkloadsAfterDays: null,
      replaces: null,
      state: 'enabled',
      lastSession: null,
      undecidedSessionId: null,
    });
    expect(String(created.body.nextRunAt)).toMatch(/T22:00:00\.000Z$/);
  });

  it('refuses a second job with the same id', async () => {
    await api.request('POST', '/jobs', { ...NIGHTLY, id: 'twice' });
    const second = await api.request('POST', '/jobs', { ...NIGHTLY, id: 'twice' });
    expect([second.status, second.body.code]).toEqual([409, 'JOB_EXISTS']);
  });

  it('lists the jobs without asking for each of them again', async () => {
    const own = await startApiServer();
    try {
      const ids = ['listed-1', 'listed-2', 'listed-3', 'listed-4'];
      for (const id of ids) await own.request('POST', '/jobs', { ...NIGHTLY, id });
      // Another process, which has written nothing itself.
      const reader = await startApiServer({ client: own.client });
      const described = countCalls(own.client.workflowService, 'describeSchedule');
      const list = async () => {
        const { body } = await reader.request('GET', '/jobs');
        return (body.items as { id: string; state: string }[]).map(({ id, state }) => id + state);
      };
      const enabled = ids.map((id) => `${id}enabled`);
      await expect.poll(list).toEqual(enabled);
      const before = described();
      expect(await list()).toEqual(enabled);
      expect(described() - before).toBe(0);

      await own.request(
        'PUT',
        '/jobs/listed-2',
        { ...NIGHTLY, id: 'listed-2' },
        { 'If-Match': '*' },
      );
      await own.request('POST', '/jobs/listed-3/disable');
      const atWrites = described();
      await expect.poll(list).toContain('listed-3disabled');
      await expect.poll(() => described() - atWrites).toBe(1);
      await reader.close();
    } finally {
      await own.close();
    }
  });

  it('lists the jobs by id', async () => {
    await api.request('POST', '/jobs', { ...NIGHTLY, id: 'listed-b' });
    await api.request('POST', '/jobs', { ...NIGHTLY, id: 'listed-a' });
    await expect
      .poll(async () => {
        const { body } = await api.request('GET', '/jobs');
        return (body.items as { id: string }[])
          .map(({ id }) => id)
          .filter((id) => id.startsWith('listed'));
      })
      .toEqual(['listed-a', 'listed-b']);
  });

  it('changes a job only when If-Match names its revision', async () => {
    await api.request('POST', '/jobs', { ...NIGHTLY, id: 'edited' });
    const body = { ...NIGHTLY, id: 'edited', name: 'Changed', schedule: { type: 'manual' } };
    const changed = await api.request('PUT', '/jobs/edited', body, { 'If-Match': '"1"' });
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({ name: 'Changed', revision: 2, nextRunAt: null });
    const stale = await api.request('PUT', '/jobs/edited', body, { 'If-Match': '"1"' });
    expect([stale.status, stale.body.code]).toEqual([409, 'JOB_REVISION_STALE']);
    const without = await api.request('PUT', '/jobs/edited', body);
    expect([without.status, without.body.code]).toEqual([400, 'REQUEST_INVALID']);
    const { body: stored } = await api.request('GET', '/jobs/edited');
    expect(stored).toMatchObject({ name: 'Changed', revision: 2 });
  });

  it('tells what a definition would change in a job, and changes nothing', async () => {
    await api.request('POST', '/jobs', { ...NIGHTLY, id: 'previewed' });
    const retention = { type: 'restorePoints', value: 2 };
    const body = { ...NIGHTLY, id: 'previewed', retention, target: { repositoryId: 'vault' } };
    const refused = await api.request('POST', '/jobs/previewed/changes', body);
    expect([refused.status, refused.body.code]).toEqual([422, 'JOB_RULE_BROKEN']);
    const { body: told } = await api.request('POST', '/jobs/previewed/changes', {
      ...body,
      target: NIGHTLY.target,
    });
    expect(told).toMatchObject({
      ...{ revision: 1, needsLook: true },
      changes: [
        {
          field: 'retention',
          ...{ before: { type: 'restorePoints', value: 7 }, after: retention },
          effect: 'mayDelete',
        },
      ],
    });
    expect((await api.request('GET', '/jobs/previewed')).body).toMatchObject({ revision: 1 });
    const other = await api.request('POST', '/jobs/previewed/changes', { ...NIGHTLY, id: 'x' });
    expect([other.status, other.body.code]).toEqual([400, 'REQUEST_INVALID']);
  });

  it('keeps the fulls of a GFS tier that a change turns off, unless it lets them go', async () => {
    const gfs = { weekly: { keep: 4, day: 'sunday' } };
    const job = { ...NIGHTLY, id: 'with-gfs' };
    await api.request('POST', '/jobs', { ...job, gfs });
    const change = { ...job, gfs: null, name: 'Without GFS' };
    const shown = await api.request('POST', '/jobs/with-gfs/changes', change);
    expect(shown.body).toMatchObject({ needsLook: false });
    const loose = await api.request('POST', '/jobs/with-gfs/changes', {
      ...{ ...change, endedGfs: null },
    });
    expect(loose.body).toMatchObject({ needsLook: true });
    const kept = await api.request('PUT', '/jobs/with-gfs', change, { 'If-Match': '1' });
    expect(kept.body).toMatchObject({ endedGfs: { weekly: 4, monthly: null, yearly: null } });
    const released = { ...change, endedGfs: null };
    const gone = await api.request('PUT', '/jobs/with-gfs', released, { 'If-Match': '2' });
    expect([gone.status, Object.keys(gone.body).includes('endedGfs')]).toEqual([200, false]);
  });

  it('lets one of several changes at once to the same revision through', async () => {
    await api.request('POST', '/jobs', { ...NIGHTLY, id: 'raced' });
    const answers = await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        api.request('PUT', '/jobs/raced', { ...NIGHTLY, id: 'raced', name }, { 'If-Match': '1' }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
  });

  it('refuses to change the id of a job', async () => {
    await api.request('POST', '/jobs', { ...NIGHTLY, id: 'fixed' });
    const body = { ...NIGHTLY, id: 'other' };
    const answer = await api.request('PUT', '/jobs/fixed', body, { 'If-Match': '*' });
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toEqual([
      { path: 'id', message: 'must be fixed: the id never changes' },
    ]);
  });

  it('keeps the Schedule of a job that is started by hand alive with a time that never comes', async () => {
    await api.request('POST', '/jobs', { ...NIGHTLY, id: 'by-hand', schedule: { type: 'manual' } });
    const { body } = await api.request('GET', '/jobs/by-hand');
    expect(body.nextRunAt).toBeNull();
    const { info } = await api.client.schedule.getHandle('job/by-hand').describe();
    expect(info.nextActionTimes[0]?.getUTCFullYear()).toBe(2100);
  });

  it('disables and enables a job', async () => {
    await api.request('POST', '/jobs', { ...NIGHTLY, id: 'switched' });
    const disabled = await api.request('POST', '/jobs/switched/disable');
    expect(disabled.body).toMatchObject({ state: 'disabled', nextRunAt: null });
    const enabled = await api.request('POST', '/jobs/switched/enable');
    expect(enabled.body.state).toBe('enabled');
  });

  it('stays disabled when the definition is changed', async () => {
    await api.request('POST', '/jobs', { ...NIGHTLY, id: 'paused' });
    await api.request('POST', '/jobs/paused/disable');
    const body = { ...NIGHTLY, id: 'paused', name: 'New name' };
    const changed = await api.request('PUT', '/jobs/paused', body, { 'If-Match': '*' });
    expect(changed.body).toMatchObject({ state: 'disabled', name: 'New name' });
  });

  it('deletes a job', async () => {
    await api.request('POST', '/jobs', { ...NIGHTLY, id: 'short-lived' });
    expect((await api.request('DELETE', '/jobs/short-lived')).status).toBe(204);
    const gone = await api.request('GET', '/jobs/short-lived');
    expect([gone.status, gone.body.code]).toEqual([404, 'JOB_MISSING']);
  });

  it.each([
    ['GET', '/jobs/none'],
    ['DELETE', '/jobs/none'],
    ['POST', '/jobs/none/start'],
    ['POST', '/jobs/none/enable'],
    ['POST', '/jobs/none/disable'],
    ['POST', '/jobs/none/replacement'],
    ['GET', '/jobs/none/plan'],
    ['GET', `/jobs/${'x'.repeat(2_000)}`],
    ['GET', '/jobs/No%20slug'],
  ])('answers JOB_MISSING to %s %s', async (method, path) => {
    const answer = await api.request(method, path);
    expect([answer.status, answer.body.code]).toEqual([404, 'JOB_MISSING']);
  });

  it('watches the sources of an immediate job with exactly one watcher, also after a change', async () => {
    const job = { ...NIGHTLY, id: 'watched', mode: 'immediate', schedule: { type: 'manual' } };
    await api.request('POST', '/jobs', job);
    await expect.poll(() => runningWatchers(api)).toHaveLength(1);
    const [first] = await runningWatchers(api);
    const { body } = await api.request('GET', '/jobs/watched');
    expect(body.nextRunAt).toBeNull();
    await api.startWorker();
    const schedule = api.client.schedule.getHandle('job/watched');
    await schedule.trigger('SKIP');
    await expect
      .poll(async () => (await schedule.describe()).info.numActionsSkippedOverlap)
      .toBe(1);

    await api.request('PUT', '/jobs/watched', { ...job, name: 'Renamed' }, { 'If-Match': '*' });
    await expect.poll(() => runningWatchers(api)).not.toContain(first);
    await expect.poll(() => runningWatchers(api)).toHaveLength(1);
    const { action } = await schedule.describe();
    expect(action.args?.[0]).toMatchObject({ job: { name: 'Renamed', revision: 2 } });

    await api.request('POST', '/jobs/watched/disable');
    await expect.poll(() => runningWatchers(api)).toEqual([]);
    await api.request('POST', '/jobs/watched/enable');
    await expect.poll(() => runningWatchers(api)).toHaveLength(1);
    await api.request('DELETE', '/jobs/watched');
    await expect.poll(() => runningWatchers(api)).toEqual([]);
    await api.stopWorker();
  });

  describe('rules', () => {
    it('names every rule that a definition breaks', async () => {
      const answer = await api.request('POST', '/jobs', {
        ...NIGHTLY,
        id: 'unruly',
        sources: { include: [{ repositoryId: 'nowhere' }] },
        target: { repositoryId: 'primary' },
      });
      expect([answer.status, answer.body.code]).toEqual([422, 'JOB_RULE_BROKEN']);
      expect((answer.body.errors as { path: string }[]).map(({ path }) => path)).toEqual([
        'target.repositoryId',
        'sources.include.0.repositoryId',
      ]);
    });

    it('refuses a job that starts after one that does not exist', async () => {
      const schedule = { type: 'afterJob', jobId: 'not-there' };
      const answer = await api.request('POST', '/jobs', { ...NIGHTLY, id: 'chained', schedule });
      expect(answer.body.errors).toEqual([
        { path: 'schedule.jobId', message: 'there is no job not-there' },
      ]);
    });

    it('refuses jobs that would start one another for ever', async () => {
      await api.request('POST', '/jobs', { ...NIGHTLY, id: 'ring-a' });
      const after = (jobId: string) => ({ type: 'afterJob', jobId });
      await api.request('POST', '/jobs', { ...NIGHTLY, id: 'ring-b', schedule: after('ring-a') });
      const body = { ...NIGHTLY, id: 'ring-a', schedule: after('ring-b') };
      const answer = await api.request('PUT', '/jobs/ring-a', body, { 'If-Match': '*' });
      expect([answer.status, answer.body.code]).toEqual([422, 'JOB_RULE_BROKEN']);
    });
  });
});

/** By their runs: a watcher that begins within the second of the one before has its id. */
async function runningWatchers({ client }: ApiServer): Promise<string[]> {
  const query = "WorkflowType = 'watchSources' AND ExecutionStatus = 'Running'";
  const runIds: string[] = [];
  for await (const { runId } of client.workflow.list({ query })) runIds.push(runId);
  return runIds;
}

/** How often a call is made from now on. */
function countCalls<Service extends object>(service: Service, name: keyof Service): () => number {
  let calls = 0;
  const call = service[name] as (...args: unknown[]) => unknown;
  Object.defineProperty(service, name, {
    configurable: true,
    value: (...args: unknown[]) => {
      calls += 1;
      return call.apply(service, args);
    },
  });
  return () => calls;
}
