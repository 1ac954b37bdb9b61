import { rename, readdir } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { holdLease, newLeaseId, LEASE_MS } from '../../../src/chain/leases.js';
import type { CopyJob } from '../../../src/domain/copy-job.js';
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
    workers = await TestWorkers.start(living.site, { unavailableLimitMs: 5_000 });
  }, 60_000);
  afterEach(async () => {
    await workers.stop();
    await living.site.remove();
  });

  function goneAfter(days: number | null, changes: Partial<CopyJob> = {}): CopyJob {
    return testJob({ removedWorkloadsAfterDays: days, ...changes });
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

  it('loses all its restore points when the newest was copied more days ago than the job says', async () => {
    await removeFromSource('old02');
    const outcome = await workers.runSession(goneAfter(9));
    expect(taskOf(outcome)).toMatchObject({
      result: 'success',
      notes: [expect.stringContaining('gone from the sources')],
    });
    expect(await left()).toEqual({ listed: 0, folders: 0 });
    expect((await living.points('nightly', 'mail01')).length).toBe(2);
    expect(taskOf(await workers.runSession(goneAfter(9)))).toBeUndefined();
  });

  it.each([
    ['the days are not over', 11, {}],
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

  it('keeps them while one of them is read, and says so', async () => {
    await removeFromSource('old02');
    const target = await living.site.openTarget();
    const [{ id } = { id: '' }] = (await readChainRecord(target, chain))!.points;
    await holdLease(target, chain, newLeaseId(), {
      restorePointId: id,
      purpose: 'restore',
      expiresAtMs: Date.now() + LEASE_MS,
    });
    expect(taskOf(await workers.runSession(goneAfter(9)))).toMatchObject({
      result: 'warning',
      reason: expect.stringContaining('is being read'),
    });
    expect(await left()).toEqual({ listed: 2, folders: 2 });
  });
});
