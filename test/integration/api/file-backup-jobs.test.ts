import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeTemporal } from '../../support/temporal/server.js';
import { startApiServer, type ApiServer } from './support/api-server.js';

const PROJECTS = {
  name: 'Projects',
  source: { repositoryId: 'primary', workload: 'restic-projects' },
  keepRemovedForDays: 14,
  rpo: { maxCopyAgeHours: 26, maxLagHours: null },
  healthCheck: { every: 'week', day: 'sunday', time: '05:00' },
  secondaryTargets: [
    { repositoryId: 'offsite' },
    {
      repositoryId: 'second',
      schedule: { type: 'daily', time: '03:00' },
      allowedHours: { spans: [{ days: ['sunday'], from: '22:00', to: '06:00' }] },
    },
  ],
};

describeTemporal('file-backup jobs over the API', () => {
  let api: ApiServer;
  beforeAll(async () => {
    api = await startApiServer();
  });
  afterAll(() => api.close());

  it('make, change and delete one copy job for each secondary target, which nobody else does', async () => {
    const made = await api.request('POST', '/file-backup-jobs', { ...PROJECTS, timeZone: 'UTC' });
    expect([made.status, made.body.copyJobs]).toEqual([
      201,
      ['projects-offsite', 'projects-second'],
    ]);
    const second = await api.request('GET', '/jobs/projects-second');
    expect(second.body).toMatchObject({
      ...{ kind: 'fileBackup', fileBackupJobId: 'projects', mode: 'periodic' },
      schedule: { type: 'daily', time: '03:00', timeZone: 'UTC' },
      allowedHours: { timeZone: 'UTC' },
      retention: { type: 'days', value: 14 },
      rpo: { maxCopyAgeHours: 26 },
      healthCheck: { every: 'week', timeZone: 'UTC' },
    });
    const check = api.client.schedule.getHandle('health/projects-second');
    const { action } = await check.describe();
    expect(action.args).toEqual([
      { repositoryId: 'second', restorePointId: null, jobId: 'projects-second' },
    ]);
    for (const [method, path] of [
      ['DELETE', '/jobs/projects-offsite'],
      ['PUT', '/jobs/projects-offsite'],
    ] as const) {
      const body = { ...COPY_JOB, id: 'projects-offsite' };
      const refused = await api.request(method, path, method === 'PUT' ? body : undefined, {
        'If-Match': '*',
      });
      expect([refused.status, refused.body.code]).toEqual([409, 'JOB_OF_FILE_BACKUP']);
    }

    const [offsite] = PROJECTS.secondaryTargets;
    const changed = await api.request(
      'PUT',
      '/file-backup-jobs/projects',
      { ...PROJECTS, id: 'projects', secondaryTargets: [offsite] },
      { 'If-Match': '"1"' },
    );
    expect([changed.status, changed.body.revision, changed.body.copyJobs]).toEqual([
      ...[200, 2],
      ['projects-offsite'],
    ]);
    expect((await api.request('GET', '/jobs/projects-second')).status).toBe(404);

    const { body } = await api.request('GET', '/file-backup-jobs');
    expect(body.items).toMatchObject([{ id: 'projects', state: 'enabled', lastRun: null }]);
    const disabled = await api.request('POST', '/file-backup-jobs/projects/disable');
    expect(disabled.body.state).toBe('disabled');
    expect((await api.request('GET', '/jobs/projects-offsite')).body.state).toBe('disabled');
    expect((await api.request('DELETE', '/file-backup-jobs/projects')).status).toBe(204);
    expect((await api.request('GET', '/jobs/projects-offsite')).status).toBe(404);
    expect((await api.request('GET', '/file-backup-jobs/projects')).status).toBe(404);
  });

  it('are refused with every fault at its place', async () => {
    const refused = await api.request('POST', '/file-backup-jobs', {
      ...{ ...PROJECTS, primaryBackup: 'none' },
      secondaryTargets: [{ repositoryId: 'primary' }],
    });
    expect([refused.status, refused.body.code]).toEqual([422, 'JOB_RULE_BROKEN']);
    expect((refused.body.errors as { path: string }[]).map(({ path }) => path)).toEqual(
      expect.arrayContaining(['primaryBackup', 'secondaryTargets.0.repositoryId']),
    );
  });
});

const MIRROR = {
  healthCheck: { day: 'monday' },
  ...{ name: 'Site B', source: { repositoryId: 'offsite' }, target: { repositoryId: 'second' } },
};

describeTemporal('mirror jobs over the API', () => {
  let api: ApiServer;
  beforeAll(async () => {
    api = await startApiServer();
  });
  afterAll(() => api.close());

  it('are jobs of a kind of their own, each pair once, without loops', async () => {
    const [made, twin] = await Promise.all([
      api.request('POST', '/mirror-jobs', MIRROR),
      api.request('POST', '/mirror-jobs', { ...MIRROR, name: 'Twin' }),
    ]);
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ id: 'site-b', schedule: null, keepRemovedForDays: 21 });
    expect(made.body.healthCheck).toMatchObject({ every: 'month', day: 'monday' });
    expect([twin.status, twin.body.code]).toEqual([422, 'JOB_RULE_BROKEN']);
    expect((await api.request('GET', '/jobs/site-b')).body).toMatchObject({
      ...{ kind: 'mirror', mode: 'immediate', retention: { type: 'days', value: 21 } },
    });
    const back = { ...MIRROR, name: 'Back', source: MIRROR.target, target: MIRROR.source };
    const refused = await api.request('POST', '/mirror-jobs', back);
    expect([refused.status, refused.body.code]).toEqual([422, 'JOB_RULE_BROKEN']);
    expect(refused.body.errors).toMatchObject([{ path: 'target.repositoryId' }]);
    const nas = { ...MIRROR, name: 'Nas', source: { repositoryId: 'primary' } };
    expect((await api.request('POST', '/mirror-jobs', nas)).body.errors).toMatchObject([
      { path: 'source.repositoryId' },
    ]);

    const headers = { 'If-Match': '"1"' };
    const changed = await api.request(
      ...(['PUT', '/mirror-jobs/site-b'] as const),
      {
        ...MIRROR,
        id: 'site-b',
        keepRemovedForDays: 5,
        schedule: { type: 'daily', time: '22:00' },
      },
      headers,
    );
    expect([changed.status, changed.body.revision, changed.body.keepRemovedForDays]).toEqual([
      ...[200, 2, 5],
    ]);
    const copy = { ...COPY_JOB, id: 'site-b' };
    const asCopy = await api.request('PUT', '/jobs/site-b', copy, { 'If-Match': '*' });
    expect([asCopy.status, asCopy.body.code]).toEqual([422, 'JOB_KIND_WRONG']);
    expect((await api.request('GET', '/mirror-jobs')).body.items).toMatchObject([
      { id: 'site-b', state: 'enabled' },
    ]);
    expect((await api.request('DELETE', '/mirror-jobs/site-b')).status).toBe(204);
    expect((await api.request('POST', '/mirror-jobs', back)).status).toBe(201);
  });
});

const COPY_JOB = {
  ...{ name: 'Projects to offsite', mode: 'periodic' },
  sources: { include: [{ repositoryId: 'primary' }] },
  target: { repositoryId: 'offsite' },
};
