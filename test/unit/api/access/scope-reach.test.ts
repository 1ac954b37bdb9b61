import { describe, expect, it } from 'vitest';
import { MemoryApi } from '../../../support/api/memory-api.js';

describe('a token of an administrator that is for some jobs and repositories alone', () => {
  const scope = { jobs: ['nightly', 'share', 'mirrored'], repositories: ['second'] };
  const sources = { include: [{ repositoryId: 'primary' }], exclude: [] };
  const copyJob = {
    name: 'Nightly',
    mode: 'periodic',
    sources,
    target: { repositoryId: 'offsite' },
  };
  const mirror = {
    ...{ name: 'Mirrored', source: { repositoryId: 'appliance' } },
    target: { repositoryId: 'offsite' },
  };
  const share = {
    ...{ name: 'Share', source: { repositoryId: 'primary', workload: 'w' } },
    secondaryTargets: [{ repositoryId: 'offsite' }],
  };
  const to = (repositoryId: string) => ({ target: { repositoryId } });
  const after = (jobId: string) => ({ schedule: { type: 'afterJob', jobId } });
  const from = (repositoryId: string) => ({
    sources: { include: [{ repositoryId: 'primary' }, { repositoryId }], exclude: [] },
  });

  it.each<[string, string, string, object | undefined, string | null]>([
    ['keeps what a job names', 'updateJob', 'nightly', copyJob, null],
    [
      'takes a repository of its own',
      'updateJob',
      'nightly',
      { ...copyJob, ...to('second') },
      null,
    ],
    ['another target', 'updateJob', 'nightly', { ...copyJob, ...to('vault') }, 'repository vault'],
    ['another source', 'updateJob', 'nightly', { ...copyJob, ...from('x') }, 'repository x'],
    ['another job', 'updateJob', 'other', copyJob, 'alone'],
    ['a start after another job', 'updateJob', 'nightly', { ...copyJob, ...after('x') }, 'job x'],
    ['keeps what it looks at', 'previewJobChanges', 'nightly', copyJob, null],
    [
      ...['a look at another target', 'previewJobChanges', 'nightly'],
      ...[{ ...copyJob, ...to('nowhere') }, 'repository nowhere'],
    ] as [string, string, string, object, string],
    [
      ...['a look at a start after another job', 'previewJobChanges', 'nightly'],
      ...[{ ...copyJob, ...after('x') }, 'job x'],
    ] as [string, string, string, object, string],
    [
      ...['a simulation with another source', 'simulateJob', 'nightly'],
      ...[{ ...copyJob, ...from('x') }, 'repository x'],
    ] as [string, string, string, object, string],
    ['keeps a mirror', 'updateMirrorJob', 'mirrored', mirror, null],
    [
      ...['another target of a mirror', 'updateMirrorJob', 'mirrored'],
      ...[{ ...mirror, ...to('vault') }, 'repository vault'],
    ] as [string, string, string, object, string],
    ['keeps a file-backup job', 'updateFileBackupJob', 'share', share, null],
    [
      ...['another target of a file-backup job', 'updateFileBackupJob', 'share'],
      ...[{ ...share, secondaryTargets: [{ repositoryId: 'vault' }] }, 'repository vault'],
    ] as [string, string, string, object, string],
    ['a job that is made', 'replaceJob', 'nightly', undefined, 'alone'],
    [
      ...['copies of another job', 'mapCopies', 'nightly'],
      ...[{ fromJobId: 'other', workload: 'web01' }, 'job other'],
    ] as [string, string, string, object, string],
  ])('%s (%s)', async (_, operationId, id, body, reaches) => {
    const api = new MemoryApi();
    await api.ask('createJob', { body: { ...copyJob, id: 'nightly' } });
    await api.ask('createMirrorJob', { body: { ...mirror, id: 'mirrored' } });
    await api.ask('createFileBackupJob', { body: { ...share, id: 'share' } });
    const whole = { ...body, id };
    const sent =
      operationId === 'simulateJob'
        ? { definition: whole }
        : /^(update|preview)/.test(operationId)
          ? whole
          : body;
    const asked = { id, body: sent, ifMatch: '*', scope };
    if (reaches === null) return void (await api.ask(operationId, asked));
    expect(await api.refusal(operationId, asked)).toMatchObject({
      ...{ status: 403, code: 'PERMISSION_MISSING' },
      detail: expect.stringContaining(reaches) as string,
    });
  });
});
