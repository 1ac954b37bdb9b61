import type { Client } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { describe, expect, it } from 'vitest';
import { FileBackupStore } from '../../../../src/api/file-backups/file-backup-store.js';
import { JobStore } from '../../../../src/api/jobs/job-store.js';
import { SessionStore } from '../../../../src/api/sessions/session-store.js';
import type { FileBackupJob } from '../../../../src/domain/jobs/file-backup-job.js';
import { testJob } from '../../../support/session/test-site.js';
import { MemorySchedules } from '../../../support/temporal/memory-schedules.js';
import {
  MemoryExecutions,
  type MemoryExecution,
} from '../../../support/temporal/memory-executions.js';
import { shareBackup } from '../../../support/tree/live-stores.js';

const SHARES = { ...shareBackup('restic-share'), primaryBackup: null };

function stores() {
  const schedules = new MemorySchedules();
  const client = schedules.client();
  const jobs = new JobStore(client, new SessionStore(client), () => 0);
  return { schedules, jobs, fileBackups: new FileBackupStore(client, jobs, () => 0) };
}

/** An ordinary copy job whose id is that of a secondary target. */
function foreignJob(id: string) {
  const { revision: _revision, replaces: _replaces, ...definition } = testJob({ id });
  return definition;
}

function withTargets(...ids: string[]): FileBackupJob {
  const secondaryTargets = ids.map((repositoryId) => ({
    ...{ repositoryId, keepRemovedForDays: null, schedule: null, allowedHours: null },
  }));
  return { ...SHARES, secondaryTargets };
}

describe('a file-backup job whose secondary target has the id of another job', () => {
  it('is refused before anything of it is written', async () => {
    const { schedules, jobs, fileBackups } = stores();
    await jobs.create(foreignJob('shares-vault'));
    const refused = fileBackups.create(withTargets('offsite', 'vault'));
    await expect(refused).rejects.toMatchObject({ code: 'JOB_EXISTS' });
    expect([...schedules.kept.keys()]).toEqual(['job/shares-vault']);
  });

  it('keeps its revision when a change that names that target is refused', async () => {
    const { schedules, jobs, fileBackups } = stores();
    await fileBackups.create(withTargets('offsite'));
    await jobs.create(foreignJob('shares-vault'));
    const refused = fileBackups.update(withTargets('offsite', 'second', 'vault'), 1);
    await expect(refused).rejects.toMatchObject({ code: 'JOB_EXISTS' });
    expect(await fileBackups.definition('shares')).toMatchObject({
      ...{ revision: 1, secondaryTargets: [{ repositoryId: 'offsite' }] },
    });
    expect([...schedules.kept.keys()].sort()).toEqual([
      ...['file-backup/shares', 'job/shares-offsite', 'job/shares-vault'],
    ]);
  });

  it('never disables, enables or deletes that job, even when its definition names the target', async () => {
    const { schedules, jobs, fileBackups } = stores();
    await fileBackups.create(withTargets('offsite', 'vault'));
    await jobs.delete('shares-vault');
    await jobs.create(foreignJob('shares-vault'), { isPaused: true });
    await fileBackups.setEnabled('shares', true);
    expect(schedules.kept.get('job/shares-vault')?.state.paused).toBe(true);
    await jobs.enable('shares-vault');
    await fileBackups.setEnabled('shares', false);
    await fileBackups.update(withTargets('offsite'), null);
    await fileBackups.delete('shares');
    expect([...schedules.kept.keys()]).toEqual(['job/shares-vault']);
    expect(schedules.kept.get('job/shares-vault')?.state.paused).toBe(false);
  });

  it('takes back what it has made when that job comes between', async () => {
    const { schedules, jobs, fileBackups } = stores();
    schedules.beforeWrite = (call, scheduleId) => {
      if (call !== 'create' || scheduleId !== 'job/shares-vault') return;
      schedules.beforeWrite = () => undefined;
      schedules.kept.set(scheduleId, schedules.kept.get('job/nightly')!);
    };
    await jobs.create(foreignJob('nightly'));
    const refused = fileBackups.create(withTargets('offsite', 'vault'));
    await expect(refused).rejects.toMatchObject({ code: 'JOB_EXISTS' });
    expect([...schedules.kept.keys()]).toEqual(['job/nightly', 'job/shares-vault']);
  });
});

describe('changes of a file-backup job', () => {
  it('are refused to the second of two that were made to one revision', async () => {
    const { fileBackups } = stores();
    await fileBackups.create(withTargets('offsite'));
    const [first, second] = await Promise.allSettled([
      fileBackups.update(withTargets('offsite', 'vault'), 1),
      fileBackups.update(withTargets('second'), 1),
    ]);
    expect(first).toMatchObject({ status: 'fulfilled', value: { revision: 2 } });
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'JOB_REVISION_STALE' } });
    expect((await fileBackups.get('shares')).copyJobs).toEqual(['shares-offsite', 'shares-vault']);
  });

  it('are refused when another process has written since the job was read, and take back new targets', async () => {
    const { schedules, fileBackups } = stores();
    await fileBackups.create(withTargets('offsite'));
    schedules.beforeWrite = (call) => {
      if (call !== 'update') return;
      const found = schedules.kept.get('file-backup/shares')!;
      const job = { ...withTargets('offsite'), revision: 2 };
      const action = { ...found.action, args: [{ job }] };
      schedules.kept.set('file-backup/shares', { ...found, action });
    };
    const refused = fileBackups.update(withTargets('offsite', 'vault'), 1);
    await expect(refused).rejects.toMatchObject({ code: 'JOB_REVISION_STALE' });
    expect(schedules.kept.has('job/shares-vault')).toBe(false);
  });

  it('make a new target disabled while the job is, and leave it so until both are enabled', async () => {
    const { schedules, fileBackups } = stores();
    await fileBackups.create(withTargets('offsite'));
    await fileBackups.setEnabled('shares', false);
    await fileBackups.update(withTargets('offsite', 'vault'), 1);
    expect(schedules.kept.get('job/shares-vault')?.state.paused).toBe(true);
    expect(schedules.triggered).toEqual(['job/shares-offsite']);
    await fileBackups.setEnabled('shares', true);
    expect(schedules.kept.get('job/shares-vault')?.state.paused).toBe(false);
    expect(schedules.triggered).toContain('job/shares-vault');
  });
});

describe('a copy job of a file-backup job', () => {
  it('is its own as long as that is there and names it', async () => {
    const { jobs, fileBackups } = stores();
    await fileBackups.create(withTargets('offsite', 'vault'));
    const [offsite, vault] = [
      await jobs.definition('shares-offsite'),
      await jobs.definition('shares-vault'),
    ];
    expect(await fileBackups.isCopyOf(vault)).toBe(true);
    expect(await fileBackups.isCopyOf({ ...vault, id: 'shares-vault-2' })).toBe(false);
    expect(await fileBackups.isCopyOf(testJob())).toBe(false);
    await fileBackups.delete('shares');
    expect(await fileBackups.isCopyOf(offsite)).toBe(false);
  });
});

it('a primary run that was due and did not come is told, until the job is disabled', async () => {
  const { schedules, fileBackups } = stores();
  await fileBackups.create({ ...withTargets('offsite'), primaryBackup: 'nightly' });
  expect((await fileBackups.get('shares')).missedStartAt).toBeNull();
  const found = schedules.kept.get('file-backup/shares')!;
  const info = { ...found.info, nextActionTimes: [new Date('1969-12-31T23:00:00Z')] };
  schedules.kept.set('file-backup/shares', { ...found, info });
  expect((await fileBackups.get('shares')).missedStartAt).toBe('1969-12-31T23:00:00.000Z');
  await fileBackups.setEnabled('shares', false);
  expect((await fileBackups.get('shares')).missedStartAt).toBeNull();
});

describe('a job whose id a job of another kind has', () => {
  it('is refused, whichever of them comes second', async () => {
    const { schedules, jobs, fileBackups } = stores();
    await jobs.create(foreignJob('shares'));
    const second = fileBackups.create(withTargets('offsite'));
    await expect(second).rejects.toMatchObject({ code: 'JOB_EXISTS' });
    expect([...schedules.kept.keys()]).toEqual(['job/shares']);
    await jobs.delete('shares');
    await fileBackups.create(withTargets('offsite'));
    const message = 'a file-backup job shares exists already';
    await expect(jobs.create(foreignJob('shares'))).rejects.toMatchObject({ message });
    expect([...schedules.kept.keys()].sort()).toEqual([
      ...['file-backup/shares', 'job/shares-offsite'],
    ]);
  });
});

describe('a file-backup job that is started by hand', () => {
  /** A Temporal that starts runs, and lists those that have a key once `isListed`. */
  function started(schedules: MemorySchedules, isListed: boolean) {
    const runs: { workflowId: string; keys: unknown[] }[] = [];
    let nowMs = Date.parse('2026-11-27T10:00:00Z');
    const client = {
      ...schedules.client(),
      workflow: {
        start: async (_type: string, options: Started) => {
          const values = options.typedSearchAttributes.map(({ value }) => value);
          runs.push({ workflowId: options.workflowId, keys: values.slice(1) });
        },
      },
      workflowService: {
        listWorkflowExecutions: async ({ query }: { query: string }) => ({
          executions: runs
            .filter(({ keys }) => isListed && keys.some((key) => query.includes(String(key))))
            .map(({ workflowId }) => ({
              ...{ execution: { workflowId, runId: 'run' }, type: { name: 'runFileBackup' } },
              ...{ status: 1, startTime: msToTs(0), historyLength: { toNumber: () => 1 } },
            })),
        }),
      },
    } as unknown as Client;
    const jobs = new JobStore(client, new SessionStore(client), () => nowMs);
    const store = () => new FileBackupStore(client, jobs, () => (nowMs += 5_000));
    return { runs, store };
  }

  it('makes one run of several starts with one key, and others without', async () => {
    const { schedules, fileBackups } = stores();
    await fileBackups.create(withTargets('offsite'));
    const { runs, store } = started(schedules, false);
    const own = store();
    const [first, again] = await Promise.all([own.start('shares', 'k'), own.start('shares', 'k')]);
    expect(again).toBe(first);
    await own.start('shares', 'other');
    await own.start('shares', null);
    await own.start('shares', null);
    expect(runs.map(({ keys }) => keys.length)).toEqual([1, 1, 0, 0]);
  });

  it('is not started by a repeat that another process gets', async () => {
    const { schedules, fileBackups } = stores();
    await fileBackups.create(withTargets('offsite'));
    const { runs, store } = started(schedules, true);
    const first = await store().start('shares', 'k');
    expect(await store().start('shares', 'k')).toBe(first);
    expect(runs.length).toBe(1);
  });
});

interface Started {
  readonly workflowId: string;
  readonly typedSearchAttributes: readonly { readonly value: unknown }[];
}

describe('a list of file-backup jobs', () => {
  /** What is asked of the server, by call. */
  function counted(schedules: MemorySchedules) {
    const asked: string[] = [];
    const client = schedules.client();
    const { getHandle } = client.schedule;
    client.schedule.getHandle = (id) => {
      const handle = getHandle(id);
      const describe = () => (asked.push(id), handle.describe());
      return { ...handle, describe };
    };
    const { listWorkflowExecutions } = client.workflowService;
    client.workflowService.listWorkflowExecutions = ((request: never) => {
      asked.push('runs');
      return listWorkflowExecutions(request);
    }) as never;
    const jobs = new JobStore(client, new SessionStore(client), () => 0);
    return { asked, store: () => new FileBackupStore(client, jobs, () => 0) };
  }

  async function twoJobs() {
    const { schedules, fileBackups } = stores();
    await fileBackups.create(withTargets('offsite'));
    await fileBackups.create({ ...withTargets('vault'), id: 'others' });
    return counted(schedules);
  }

  it('reads each definition once, and the runs of all in one call', async () => {
    const { asked, store } = await twoJobs();
    const own = store();
    await own.list();
    expect(asked.sort()).toEqual(['file-backup/others', 'file-backup/shares', 'runs']);
    asked.length = 0;
    expect((await own.list()).map(({ id }) => id)).toEqual(['others', 'shares']);
    expect(asked).toEqual(['runs']);
  });

  it('shows what this process has written since', async () => {
    const { store } = await twoJobs();
    const own = store();
    await own.list();
    await own.update({ ...withTargets('offsite'), name: 'renamed' }, null);
    await own.setEnabled('shares', false);
    expect((await own.list())[1]).toMatchObject({ name: 'renamed', state: 'disabled' });
  });
});

describe('how a file-backup job went', () => {
  const run = (hour: number, changes: Partial<MemoryExecution>): MemoryExecution => ({
    ...{ workflowId: `file-backup/shares-2026-11-26T0${hour}:00:00Z`, runId: String(hour) },
    ...{ type: 'runFileBackup', status: 'Completed', jobId: 'shares' },
    ...{ startMs: hour * 3_600_000, closeMs: hour * 3_600_000 + 60_000 },
    ...changes,
  });
  const failed = run(1, { memo: { result: 'failed', reason: 'no key found' } });

  it.each([
    ['while the next one runs', run(2, { status: 'Running', closeMs: null }), 1, 'failed'],
    ['after one that somebody stopped', run(2, { status: 'Canceled' }), 1, 'failed'],
    ['after one that was terminated', run(2, { status: 'Terminated' }), 2, 'failed'],
    ['after one that Temporal failed', run(2, { status: 'Failed' }), 2, 'failed'],
    ['after one that took too long', run(2, { status: 'TimedOut' }), 2, 'failed'],
    ['after one that went well', run(2, { memo: { result: 'success' } }), 2, 'success'],
  ])('is told by the last run that said it, %s', async (_when, next, hour, result) => {
    const executions = new MemoryExecutions();
    const schedules = new MemorySchedules();
    const client = { ...schedules.client(), ...executions.client() };
    const store = new FileBackupStore(
      client as never,
      new JobStore(client as never, new SessionStore(client as never), () => 0),
      () => 0,
    );
    await store.create(withTargets('offsite'));
    executions.executions = [failed, next];
    const [listed] = await store.listed();
    expect(listed?.view.lastRun?.startedAt).toBe('1970-01-01T02:00:00.000Z');
    expect(listed?.lastJudged).toMatchObject({
      ...{ startedAt: `1970-01-01T0${hour}:00:00.000Z`, result },
    });
    // Temporal forgets runs after some days: that says nothing of how they went.
    executions.executions = [];
    expect((await store.listed())[0]?.lastJudged).toEqual(listed?.lastJudged);
    await store.delete('shares');
    await store.create(withTargets('offsite'));
    expect((await store.listed())[0]?.lastJudged).toBeNull();
  });
});
