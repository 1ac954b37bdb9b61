import { copyFile, readdir, rename, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord, writeChainRecord } from '../../../src/chain/chain-store.js';
import { holdLease, newLeaseId, LEASE_MS } from '../../../src/chain/leases.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import type { CopySessionOutcome } from '../../../workflows/messages.js';
import { LivingSite } from '../../support/living/living-site.js';
import { testJob } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

const DAY_MS = 86_400_000;

describeTemporal('a workload that is gone from the sources', () => {
  let living: LivingSite;
  let workers: TestWorkers;
  let chain: string;
  beforeEach(async () => {
    living = await LivingSite.create(['mail01', 'old02']);
    chain = chainFolder('nightly', (await living.site.workload('old02')).id);
    const tenDaysAgo = new Date(Date.now() - 10 * DAY_MS).toISOString();
    for (const name of ['mail01', 'old02'])
      await living.copyAt(tenDaysAgo, { jobId: 'nightly' }, name);
    workers = await TestWorkers.start(living.site, { unavailableLimitMs: 20_000 });
  });
  afterEach(async () => {
    await workers.stop();
    await living.site.remove();
  });

  function goneAfter(days: number | null, changes: Partial<CopyJob> = {}): CopyJob {
    return testJob({ removedWorkloadsAfterDays: days, ...changes });
  }

  /** As if so many days had gone by since the last look. */
  async function wait(days: number): Promise<void> {
    const target = await living.site.openTarget();
    const record = (await readChainRecord(target, chain))!;
    const before = <T extends string | null>(at: T) =>
      at === null ? at : new Date(Date.parse(at) - days * DAY_MS).toISOString();
    const { lastSeenAt, absence } = record.presence;
    const aged = absence && {
      ...absence,
      firstMissedAt: before(absence.firstMissedAt),
      lastMissedAt: before(absence.lastMissedAt),
      announcedAt: before(absence.announcedAt),
    };
    const presence = { lastSeenAt: before(lastSeenAt), absence: aged };
    await writeChainRecord(target, chain, { ...record, presence });
  }

  async function presence() {
    return (await readChainRecord(await living.site.openTarget(), chain))!.presence;
  }

  async function removeFromSource(name: string): Promise<void> {
    await rename(living.site.path('primary', name), living.site.path(`gone-${name}`));
  }

  /** Number of restore points that its chain still lists, and of point folders on the disk. */
  async function left(): Promise<{ listed: number; folders: number }> {
    const record = await readChainRecord(await living.site.openTarget(), chain);
    const names = await readdir(living.site.path('offsite', chain));
    const folders = names.filter((name) => name.startsWith('2026-')).length;
    return { listed: record!.points.length, folders };
  }

  function taskOf({ tasks }: CopySessionOutcome) {
    return tasks.find(({ workload }) => workload === 'old02');
  }

  it('keeps them after one look that does not show it, however old its newest copy is', async () => {
    await removeFromSource('old02');
    const outcome = await workers.runSession(goneAfter(9));
    expect(taskOf(outcome)).toMatchObject({
      result: 'nothingToCopy',
      notes: [expect.stringMatching(/^no source shows it any more .* all 2 restore points are/)],
    });
    expect(await left()).toEqual({ listed: 2, folders: 2 });
    expect(taskOf(await workers.runSession(goneAfter(9)))).toMatchObject({
      notes: [expect.stringContaining('missed on 1 day ')],
    });
  });

  it('loses all of them after as many days of looks as the job says, and the sessions before warn', async () => {
    const job = goneAfter(4);
    await workers.runSession(job);
    await removeFromSource('old02');
    for (let day = 0; day < 4; day++) {
      const outcome = await workers.runSession(job);
      expect(outcome.result).toBe('warning');
      expect(taskOf(outcome)).toMatchObject({
        result: 'warning',
        reason: expect.stringContaining(' to be deleted on'),
      });
      expect(await left()).toEqual({ listed: 2, folders: 2 });
      await wait(1);
    }
    expect(taskOf(await workers.runSession(job))).toMatchObject({
      result: 'success',
      notes: [expect.stringMatching(/missed on 5 days .*: 2 were deleted$/)],
    });
    expect(await left()).toEqual({ listed: 0, folders: 0 });
    expect((await living.points('nightly', 'mail01')).length).toBe(2);
    expect(taskOf(await workers.runSession(job))).toBeUndefined();
  });

  it('is not called gone when another machine was put beside it, which gives it another id', async () => {
    const at = (path: string) => living.site.path('primary', path);
    const full = (await readdir(at('mail01'))).find((name) => name.endsWith('.full.qcow2'))!;
    const [time] = full.split('.');
    const [checkpoint, disk] = ['a1', 'b2'].map((id) => `${id}0e2d3c-4b5a-4697-8877-665544332211`);
    await copyFile(at(`mail01/${full}`), at(`old02/${time}.${checkpoint}.${disk}.full.qcow2`));
    // Of two machines each is called after its first disk.
    expect(await living.site.workload('old02')).toBeUndefined();
    await workers.runSession(goneAfter(4));
    expect(await presence()).toMatchObject({ absence: null });
    expect(await left()).toEqual({ listed: 2, folders: 2 });
  });

  it('counts from the start when it was back for one session', async () => {
    const job = goneAfter(4);
    await removeFromSource('old02');
    await workers.runSession(job);
    await wait(3);
    expect(await presence()).toMatchObject({ absence: { missedDays: 1 } });
    await rename(living.site.path('gone-old02'), living.site.path('primary', 'old02'));
    // Left out, so that no copy of it tells that it is there.
    const exclude = [{ workload: 'old02' }];
    await workers.runSession({ ...job, sources: { ...job.sources, exclude } });
    expect(await presence()).toMatchObject({ absence: null });
    await removeFromSource('old02');
    await workers.runSession(job);
    expect(await presence()).toMatchObject({ absence: { missedDays: 1, provenMs: 0 } });
    expect(await left()).toEqual({ listed: 2, folders: 2 });
  });

  describe('together with another one', () => {
    const tenDaysAgo = () => new Date(Date.now() - 10 * DAY_MS).toISOString();
    beforeEach(async () => {
      await living.addMachine('web03', 3);
      await living.backUp('web03', 1, 'full');
      await living.copyAt(tenDaysAgo(), { jobId: 'nightly' }, 'web03');
      await workers.runSession(goneAfter(4));
      await removeFromSource('old02');
      await removeFromSource('web03');
    });

    it('is taken for a share that is away: nothing is counted, and the session says so', async () => {
      const { tasks } = await workers.runSession(goneAfter(4));
      expect(tasks).toContainEqual(
        expect.objectContaining({
          workload: 'repository primary',
          result: 'warning',
          reason: expect.stringContaining('lacks 2 of 3 workloads'),
        }),
      );
      expect(await presence()).toMatchObject({ absence: null });
      expect(await left()).toEqual({ listed: 2, folders: 2 });
    });

    it('is counted when the job excludes what is gone for good', async () => {
      const exclude = [{ workload: 'old02' }];
      const sources = { include: [{ repositoryId: 'primary' }], exclude };
      await workers.runSession(goneAfter(4, { sources }));
      expect(await presence()).toMatchObject({ absence: { missedDays: 1 } });
    });
  });

  it.each([
    ['the job does not ask for it', null, {}],
    ['it belongs to another job', 9, { id: 'weekly' }],
  ])('keeps them when %s', async (_, days, changes) => {
    await removeFromSource('old02');
    expect(taskOf(await workers.runSession(goneAfter(days, changes)))).toBeUndefined();
    expect(await left()).toEqual({ listed: 2, folders: 2 });
  });

  it('keeps them while the sources show it, even when the job leaves it out', async () => {
    const sources = { include: [{ repositoryId: 'primary' }], exclude: [{ workload: 'old02' }] };
    expect(taskOf(await workers.runSession(goneAfter(9, { sources })))).toBeUndefined();
    expect(await left()).toEqual({ listed: 2, folders: 2 });
  });

  it('keeps them when a source could not be read or shows nothing at all', async () => {
    await removeFromSource('old02');
    await removeFromSource('mail01');
    await workers.runSession(goneAfter(9));
    expect(await left()).toEqual({ listed: 2, folders: 2 });
    await rename(living.site.path('primary'), living.site.path('unmounted'));
    const { result } = await workers.runSession(goneAfter(9));
    expect(result).toBe('failed');
    expect(await left()).toEqual({ listed: 2, folders: 2 });
    await rename(living.site.path('unmounted'), living.site.path('primary'));
  });

  it('keeps them when their record cannot be read, and names the chain', async () => {
    await removeFromSource('old02');
    for (const name of ['chain.json', 'chain.json.copy'])
      await writeFile(living.site.path('offsite', chain, name), '{');

    const { result, tasks } = await workers.runSession(goneAfter(9));

    expect(result).toBe('warning');
    expect(tasks).toContainEqual(
      expect.objectContaining({
        workload: chain,
        result: 'warning',
        reason: expect.stringMatching(
          /^no source shows the workload of this chain, and it cannot be read: .*\(CHAIN_RECORD_CORRUPT\); nothing of it is changed$/,
        ),
      }),
    );
  });

  it('keeps them while one of them is read, and says so', async () => {
    const job = goneAfter(1);
    await removeFromSource('old02');
    for (let day = 0; day < 3; day++) {
      await workers.runSession(job);
      await wait(1);
    }
    const target = await living.site.openTarget();
    const [{ id } = { id: '' }] = (await readChainRecord(target, chain))!.points;
    await holdLease(target, chain, newLeaseId(), {
      restorePointId: id,
      purpose: 'restore',
      expiresAtMs: Date.now() + LEASE_MS,
    });
    expect(taskOf(await workers.runSession(job))).toMatchObject({
      result: 'warning',
      reason: expect.stringContaining('is being read'),
    });
    expect(await left()).toEqual({ listed: 2, folders: 2 });
  });
});
