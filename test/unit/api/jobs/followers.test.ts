import { describe, expect, it, vi } from 'vitest';
import type { CopyJob } from '../../../../src/domain/jobs/copy-job.js';
import { MemoryApi } from '../../../support/api/memory-api.js';

const after = (jobId: string) => ({ type: 'afterJob', jobId });

function copyJob(id: string, schedule: object = { type: 'manual' }) {
  return {
    ...{ id, name: id, mode: 'periodic', schedule, target: { repositoryId: 'offsite' } },
    sources: { include: [{ repositoryId: 'primary' }] },
  };
}

const mirror = (id: string, schedule: object) => ({
  ...{ id, name: id, schedule, source: { repositoryId: 'appliance' } },
  target: { repositoryId: 'second' },
});

const fileBackup = (id: string, secondaryTargets: object[]) => ({
  ...{ id, name: id, source: { repositoryId: 'primary', workload: 'restic-share' } },
  secondaryTargets,
});

async function scheduleOf(api: MemoryApi, id: string): Promise<unknown> {
  return ((await api.ask('getJob', { id })) as CopyJob).schedule;
}

/** `nightly-2`, which replaces `nightly`, as a first call has left it that was cut off. */
async function makeReplacement(api: MemoryApi): Promise<void> {
  await api.ask('createJob', { body: copyJob('nightly-2') });
  const made = api.schedules.kept.get('job/nightly-2')!;
  const [{ job }] = made.action.args as unknown as [{ job: CopyJob }];
  const args = [{ job: { ...job, replaces: 'nightly' } }];
  api.schedules.kept.set('job/nightly-2', { ...made, action: { ...made.action, args } });
}

describe('a job that others start after', () => {
  it.each([
    ['deleteJob', 'nightly'],
    ['deleteMirrorJob', 'mirrored'],
    ['deleteFileBackupJob', 'share'],
  ])('is not deleted while they do (%s)', async (operationId, id) => {
    const api = new MemoryApi();
    const followed = id === 'share' ? 'share-offsite' : id;
    if (id === 'nightly') await api.ask('createJob', { body: copyJob(id) });
    if (id === 'mirrored')
      await api.ask('createMirrorJob', { body: mirror(id, { type: 'manual' }) });
    if (id === 'share')
      await api.ask('createFileBackupJob', {
        body: fileBackup(id, [{ repositoryId: 'offsite' }]),
      });
    await api.ask('createJob', { body: copyJob('second-site', after(followed)) });
    expect(await api.refusal(operationId, { id })).toMatchObject({
      ...{ status: 409, code: 'JOB_FOLLOWED' },
      detail: `after job ${followed} start: second-site`,
    });
    await api.ask('deleteJob', { id: 'second-site' });
    await api.ask(operationId, { id });
    expect([...api.schedules.kept.keys()]).toEqual([]);
  });

  it('is not left out of a file-backup job while they do', async () => {
    const api = new MemoryApi();
    const [offsite, vault] = [{ repositoryId: 'offsite' }, { repositoryId: 'vault' }];
    await api.ask('createFileBackupJob', { body: fileBackup('share', [offsite, vault]) });
    await api.ask('createJob', { body: copyJob('second-site', after('share-vault')) });
    const change = { id: 'share', body: fileBackup('share', [offsite]), ifMatch: '"1"' };
    expect((await api.refusal('updateFileBackupJob', change)).code).toBe('JOB_FOLLOWED');
    expect(await api.ask('getFileBackupJob', { id: 'share' })).toMatchObject({
      ...{ revision: 1, copyJobs: ['share-offsite', 'share-vault'] },
    });
  });

  it('hands them to the job that replaces it, of whatever kind they are', async () => {
    const api = new MemoryApi();
    await api.ask('createJob', { body: copyJob('nightly') });
    await api.ask('createJob', { body: copyJob('second-site', after('nightly')) });
    await api.ask('createMirrorJob', { body: mirror('mirrored', after('nightly')) });
    const targets = [{ repositoryId: 'vault', schedule: after('nightly') }];
    await api.ask('createFileBackupJob', { body: fileBackup('share', targets) });
    await makeReplacement(api);
    await api.ask('disableJob', { id: 'nightly' });

    expect(await api.ask('replaceJob', { id: 'nightly' })).toMatchObject({ id: 'nightly-2' });

    for (const id of ['second-site', 'mirrored', 'share-vault'])
      expect(await scheduleOf(api, id)).toEqual(after('nightly-2'));
    expect(await api.ask('getFileBackupJob', { id: 'share' })).toMatchObject({
      secondaryTargets: [{ repositoryId: 'vault', schedule: after('nightly-2') }],
    });
    await api.ask('deleteJob', { id: 'nightly' });
  });
});

it('reads a few things for each of the jobs that start after a job that is replaced, however many they are', async () => {
  const readsWith = async (followers: number) => {
    const api = new MemoryApi();
    await api.ask('createJob', { body: copyJob('nightly') });
    for (let index = 0; index < followers; index++)
      await api.ask('createJob', { body: copyJob(`after-${index}`, after('nightly')) });
    await makeReplacement(api);
    await api.ask('disableJob', { id: 'nightly' });
    const reads = vi.spyOn(api.schedules.kept, 'get');
    await api.ask('replaceJob', { id: 'nightly' });
    return reads.mock.calls.length;
  };
  const [one, ten, twenty] = [await readsWith(1), await readsWith(10), await readsWith(20)];
  expect((twenty - ten) / 10).toBeCloseTo((ten - one) / 9, 5);
});

describe('a job that starts after one that is not there', () => {
  it.each([
    ['createJob', copyJob('late', after('gone')), 'schedule.jobId'],
    ['createMirrorJob', mirror('late', after('gone')), 'schedule.jobId'],
    [
      'createFileBackupJob',
      fileBackup('late', [
        { repositoryId: 'offsite' },
        { repositoryId: 'vault', schedule: after('gone') },
      ]),
      'secondaryTargets.1.schedule.jobId',
    ],
  ])('is refused, and its place is named (%s)', async (operationId, body, path) => {
    const refusal = await new MemoryApi().refusal(operationId, { body });
    expect(refusal).toMatchObject({
      code: 'JOB_RULE_BROKEN',
      errors: [{ path, message: 'there is no job gone' }],
    });
  });

  it('may be the copy job of one target that follows that of another, though not in a ring', async () => {
    const api = new MemoryApi();
    const ring = [
      { repositoryId: 'offsite', schedule: after('share-vault') },
      { repositoryId: 'vault', schedule: after('share-offsite') },
    ];
    const refusal = await api.refusal('createFileBackupJob', { body: fileBackup('share', ring) });
    expect(refusal.code).toBe('JOB_RULE_BROKEN');
    const body = fileBackup('share', [{ repositoryId: 'offsite' }, ring[1]!]);
    await api.ask('createFileBackupJob', { body });
    // They go together.
    await api.ask('deleteFileBackupJob', { id: 'share' });
    expect(api.schedules.kept.size).toBe(0);
  });
});

describe('the copy job of a file-backup job', () => {
  it('is neither replaced nor deleted alone, as long as that names it', async () => {
    const api = new MemoryApi();
    const targets = [{ repositoryId: 'offsite' }, { repositoryId: 'vault' }];
    await api.ask('createFileBackupJob', { body: fileBackup('share', targets) });
    for (const operationId of ['replaceJob', 'deleteJob'])
      expect(await api.refusal(operationId, { id: 'share-vault' })).toMatchObject({
        ...{ status: 409, code: 'JOB_OF_FILE_BACKUP' },
      });
    // As a replacement of an earlier release has left it.
    const vault = api.schedules.kept.get('job/share-vault')!;
    const [{ job }] = vault.action.args as unknown as [{ job: CopyJob }];
    const args = [{ job: { ...job, id: 'share-vault-2', replaces: 'share-vault' } }];
    const left = { ...vault, scheduleId: 'job/share-vault-2', action: { ...vault.action, args } };
    api.schedules.kept.set('job/share-vault-2', left);
    await api.ask('deleteJob', { id: 'share-vault-2' });
    expect(api.schedules.kept.has('job/share-vault-2')).toBe(false);
  });
});

describe('a follower that somebody changes while it is moved', () => {
  it.each([
    ['a copy job', 'job/second-site', 'second-site'],
    ['a file-backup job', 'file-backup/share', 'share'],
  ])('keeps that change: %s', async (_, scheduleId, id) => {
    const api = new MemoryApi();
    await api.ask('createJob', { body: copyJob('nightly') });
    if (id === 'share') {
      const targets = [{ repositoryId: 'vault', schedule: after('nightly') }];
      await api.ask('createFileBackupJob', { body: fileBackup('share', targets) });
    } else await api.ask('createJob', { body: copyJob('second-site', after('nightly')) });
    await makeReplacement(api);
    await api.ask('disableJob', { id: 'nightly' });
    api.schedules.beforeWrite = (call, written) => {
      if (call !== 'update' || written !== scheduleId) return;
      api.schedules.beforeWrite = () => undefined;
      const found = api.schedules.kept.get(scheduleId)!;
      const [{ job: own }] = found.action.args as unknown as [{ job: CopyJob }];
      const changed = { ...own, name: 'Renamed', revision: own.revision + 1 };
      const action = { ...found.action, args: [{ job: changed }] };
      api.schedules.kept.set(scheduleId, { ...found, action });
    };
    await api.ask('replaceJob', { id: 'nightly' });
    const moved = id === 'share' ? 'share-vault' : id;
    expect(await scheduleOf(api, moved)).toEqual(after('nightly-2'));
    const operation = id === 'share' ? 'getFileBackupJob' : 'getJob';
    expect(await api.ask(operation, { id })).toMatchObject({ name: 'Renamed', revision: 3 });
  });
});

describe('a copy job that a file-backup job has left beside its copies', () => {
  const body = { repositoryId: 'vault', jobId: 'share-vault' };

  /** A server whose target has the definition of the copy job of a file-backup job, which is there. */
  async function served(): Promise<MemoryApi> {
    const api = new MemoryApi();
    const targets = [{ repositoryId: 'vault' }];
    await api.ask('createFileBackupJob', { body: fileBackup('share', targets) });
    const { action } = api.schedules.kept.get('job/share-vault')!;
    const [{ job }] = action.args as unknown as [{ job: CopyJob }];
    api.schedules.looks = () => ({ ...job, revision: 7 });
    return api;
  }

  it('is taken over as a job of its own when that job is gone, with its revision', async () => {
    const api = await served();
    await api.ask('deleteFileBackupJob', { id: 'share' });
    const taken = (await api.ask('importJob', { body })) as CopyJob;
    expect(taken).toMatchObject({ id: 'share-vault', revision: 7 });
    expect(taken.fileBackupJobId).toBeUndefined();
  });

  it('is not taken over while that job is there', async () => {
    const api = await served();
    expect((await api.refusal('importJob', { body })).code).toBe('JOB_OF_FILE_BACKUP');
  });
});
