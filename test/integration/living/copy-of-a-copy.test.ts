import { beforeEach, describe, expect, it } from 'vitest';
import { LivingChain, newest, type LivingPolicy } from '../../support/living/living-chain.js';
import { pointsOf, wrongPoints } from '../../support/living/read-chain.js';
import {
  SimulatedRepository,
  type StorageOperation,
} from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { WorkerDeath } from '../../support/workflows/local-server.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** A Monday evening. */
const FIRST_AT_MS = Date.parse('2026-11-02T22:00:00Z');
const NEWEST_THREE = newest(3);
const SUNDAY_FULLS: LivingPolicy = {
  ...NEWEST_THREE,
  gfs: {
    weekly: { keep: 4, day: 'sunday' },
    monthly: null,
    yearly: null,
    fullMethod: 'synthetic',
  },
};

describe('a copy of a copy', () => {
  let offsite: SimulatedRepository;
  let vault: SimulatedRepository;
  let living: LivingChain;
  let vaultWorkloadId: string;
  beforeEach(async () => {
    offsite = new SimulatedRepository('offsite');
    vault = new SimulatedRepository('vault');
    const source = new SimulatedRepository('primary');
    living = await LivingChain.begin({ source, target: offsite }, FIRST_AT_MS, NEWEST_THREE);
    await living.session();
  });

  /** Backups and copies of the next days. */
  async function liveDays(count: number, policy = NEWEST_THREE): Promise<void> {
    for (let n = 0; n < count; n++) {
      const day = living.source.days.length;
      living.source.work(day);
      await living.source.backUp(FIRST_AT_MS + day * DAY_MS, 'incremental');
      await living.session({ policy });
    }
  }

  /** A session of the job that copies on. @returns ids of the copies it made */
  async function copyOn(
    restorePoints: 'latest' | 'all',
    from: SimulatedRepository = offsite,
  ): Promise<string[]> {
    const [workload] = await listSourceWorkloads(from);
    vaultWorkloadId = workload!.id;
    const before = await pointsOf(vaultChain());
    const job = testJob({
      id: 'onward',
      sources: { include: [{ repositoryId: 'offsite' }], exclude: [] },
      target: { repositoryId: 'vault' },
      restorePoints,
      retention: { type: 'restorePoints', value: 99 },
    });
    await new LocalSessions([from, vault]).copy(job, living.afterNewestBackupMs + HOUR_MS);
    const after = (await pointsOf(vaultChain())).map(({ id }) => id);
    return after.filter((id) => before.every((point) => point.id !== id));
  }

  async function vaultPoints(): Promise<string[]> {
    const points = await pointsOf(vaultChain());
    return points.map(({ createdAt, kind }) => `${createdAt.slice(8, 10)} ${kind}`);
  }

  function vaultChain() {
    return { repository: vault, jobId: 'onward', workloadId: vaultWorkloadId };
  }

  async function expectGoodVault(): Promise<void> {
    const truth = ({ createdAt }: { createdAt: string }) => living.source.diskAt(createdAt);
    expect(await wrongPoints(vaultChain(), truth)).toEqual([]);
  }

  it('holds the same points as the first copy and takes only what their increments hold', async () => {
    await liveDays(2);
    await copyOn('all');
    expect(await vaultPoints()).toEqual(['02 full', '03 increment', '04 increment']);
    await expectGoodVault();
    const sizes = async (chain: Parameters<typeof pointsOf>[0]) =>
      (await pointsOf(chain)).map(({ disks }) => disks[0]!.sizeBytes);
    expect(await sizes(vaultChain())).toEqual(await sizes(living.chain));
  });

  it('goes on with increments after the first copy merged its oldest points', async () => {
    await liveDays(2);
    await copyOn('all');
    await liveDays(2);
    await copyOn('all');
    expect(await vaultPoints()).toEqual([
      ...['02 full', '03 increment', '04 increment', '05 increment', '06 increment'],
    ]);
    await expectGoodVault();
  });

  it('goes on with an increment when the point it was made of became a full by merging', async () => {
    await liveDays(2);
    await copyOn('latest');
    await liveDays(2);
    expect((await living.points()).map(({ kind }) => kind)[0]).toBe('full');
    await copyOn('latest');
    expect(await vaultPoints()).toEqual(['04 full', '06 increment']);
    await expectGoodVault();
  });

  it('goes on with an increment when the point it was made of became a synthetic full', async () => {
    await liveDays(5);
    await living.session();
    await liveDays(1, NEWEST_THREE);
    await copyOn('latest');
    await living.session({ policy: SUNDAY_FULLS });
    expect((await living.points()).at(-1)).toMatchObject({ kind: 'full', flags: ['weekly'] });
    await liveDays(1, SUNDAY_FULLS);
    await copyOn('latest');
    expect(await vaultPoints()).toEqual(['08 full', '09 increment']);
    await expectGoodVault();
  });

  it('goes on with an increment when the point it was made of was merged away', async () => {
    await liveDays(1);
    await copyOn('latest');
    await liveDays(5);
    await copyOn('latest');
    expect(await vaultPoints()).toEqual(['03 full', '08 increment']);
    await expectGoodVault();
  });

  it('waits with what builds on a merge that was stopped half way, and copies it when that is done', async () => {
    await liveDays(2);
    await copyOn('all');
    await liveDays(1, { ...NEWEST_THREE, retention: { type: 'restorePoints', value: 4 } });
    const stopped = await stoppedInMerge();
    expect(await copyOn('all', stopped)).toEqual([]);
    await living.session();
    expect(await copyOn('all')).toEqual(['2026-11-05T220000Z']);
    await expectGoodVault();
  });

  /** The first copy as a process that was killed at the renames of a merge left it. */
  async function stoppedInMerge(): Promise<SimulatedRepository> {
    const nowMs = living.afterNewestBackupMs + HOUR_MS;
    const rehearsal = offsite.clone();
    await living.session({ nowMs, target: rehearsal });
    const isMerged = ({ kind, path, to }: StorageOperation) =>
      kind === 'rename' &&
      path.endsWith('.qcow2') &&
      !path.includes('/.staging/') &&
      to?.endsWith('.qcow2') === true;
    const { number } = rehearsal.operations.find(isMerged)!;
    const killed = offsite.clone({ crash: { atOperation: number, when: 'before' } });
    await expect(living.session({ nowMs, target: killed })).rejects.toThrow(WorkerDeath);
    return killed.restart({ kind: 'none' });
  }
});
