import { beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord, writeChainRecord } from '../../../src/chain/chain-store.js';
import { holdLease, newLeaseId, LEASE_MS } from '../../../src/chain/leases.js';
import { BackupError } from '../../../src/domain/errors.js';
import type { FileStamp } from '../../../src/domain/file-stamp.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { LivingChain, newest, type LivingPolicy } from '../../support/living/living-chain.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { inActivity } from '../../support/activities/in-activity.js';
import { testJob } from '../../support/session/test-site.js';
import { ChainSteps } from '../../support/workflows/chain-steps.js';
import { InProcessWorker } from '../../support/workflows/local-worker.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** A Monday evening. */
const FIRST_AT_MS = Date.parse('2026-11-02T22:00:00Z');
const IMMUTABLE_DAYS = 10;

const NEWEST_FIVE = newest(5);
const NEWEST_TWO = newest(2);
const LAST_WEEK: LivingPolicy = { ...NEWEST_FIVE, retention: { type: 'days', value: 7 } };
const LAST_TWO_WEEKS: LivingPolicy = { ...NEWEST_FIVE, retention: { type: 'days', value: 14 } };
const SUNDAY_FULLS: LivingPolicy = {
  ...NEWEST_TWO,
  gfs: {
    weekly: { keep: 1, day: 'sunday' },
    monthly: null,
    yearly: null,
    fullMethod: 'synthetic',
  },
};

describe('restore points that must stay', () => {
  let target: SimulatedRepository;
  let living: LivingChain;
  let chain: string;
  beforeEach(async () => {
    target = new SimulatedRepository('offsite');
    const source = new SimulatedRepository('primary');
    living = await LivingChain.begin({ source, target }, FIRST_AT_MS, NEWEST_FIVE);
    chain = chainFolder('nightly', living.chain.workloadId);
    await living.session();
  });

  async function backUpNextDay(): Promise<void> {
    const day = living.source.days.length;
    living.source.work(day);
    await living.source.backUp(FIRST_AT_MS + day * DAY_MS, 'incremental');
  }

  async function liveDays(
    count: number,
    options: Parameters<LivingChain['session']>[0] = {},
  ): Promise<void> {
    for (let n = 0; n < count; n++) {
      await backUpNextDay();
      await living.session(options);
    }
  }

  /** Days of November of the points. */
  async function days(): Promise<number[]> {
    return (await living.createdAtMs()).map((ms) => new Date(ms).getUTCDate());
  }

  /** A session at some time, with nothing to copy. @param over the target as this session finds it */
  async function maintain(
    nowMs: number,
    policy: LivingPolicy,
    over: SimulatedRepository = target,
  ): Promise<string> {
    return living.session({ nowMs, policy, target: over });
  }

  async function stampsOf(): Promise<Map<string, FileStamp>> {
    const stamps = new Map<string, FileStamp>();
    for (const point of await living.points())
      for (const entry of await target.list(`${chain}/${point.id}`))
        stamps.set(entry.path, entry.stamp);
    return stamps;
  }

  describe('on an immutable target', () => {
    it.each([
      ['keeps two points', NEWEST_TWO, 40],
      ['keeps the points of two weeks', LAST_TWO_WEEKS, 30],
      ['keeps two points and Sunday fulls', SUNDAY_FULLS, 18],
    ])(
      'are as they were written until their time is over, in a job that %s',
      async (_, policy, mostPoints) => {
        const written = new Map<string, { stamp: FileStamp; untilMs: number }>();
        for (let day = 0; day < 39; day++) {
          await liveDays(1, { policy, immutableForDays: IMMUTABLE_DAYS });
          const nowMs = living.afterNewestBackupMs;
          const stamps = await stampsOf();
          const changed = [...written].filter(
            ([path, { stamp, untilMs }]) =>
              untilMs > nowMs && JSON.stringify(stamps.get(path)) !== JSON.stringify(stamp),
          );
          expect(
            changed.map(([path]) => path),
            `after ${day + 1} days`,
          ).toEqual([]);
          for (const [path, stamp] of stamps)
            if (!written.has(path))
              written.set(path, { stamp, untilMs: nowMs + IMMUTABLE_DAYS * DAY_MS });
          target.settleAll();
        }
        expect(await living.wrongPoints()).toEqual([]);
        // Without GFS only what is kept for longer than it is immutable can ever be detached from the older ones.
        expect((await living.points()).length).toBeLessThanOrEqual(mostPoints);
      },
    );
  });

  describe('on an immutable target whose clock runs ahead by years', () => {
    const YEARS_MS = 3 * 365 * DAY_MS;
    let nowMs: number;
    beforeEach(async () => {
      await liveDays(6); // until Sunday
      nowMs = living.afterNewestBackupMs + YEARS_MS;
    });

    it('are not made fulls when GFS is turned on', async () => {
      const stamps = await stampsOf();
      await living.session({ nowMs, policy: SUNDAY_FULLS, immutableForDays: IMMUTABLE_DAYS });
      expect(await stampsOf()).toEqual(stamps);
    });

    it('are not written anew by a compact', async () => {
      const compact = async (immutableForDays: number) => {
        const { activities } = new InProcessWorker([target], { immutableForDays });
        const { epoch } = (await readChainRecord(target, chain))!;
        const { compactId } = await inActivity(activities.planMaintenance, {
          targetRepositoryId: 'offsite',
          jobId: 'nightly',
          workloadId: living.chain.workloadId,
          epoch,
          job: testJob({
            compact: { every: 'week', day: 'sunday', time: '00:00', timeZone: 'UTC' },
            retention: { type: 'restorePoints', value: 999 },
          }),
          nowMs,
        });
        return compactId;
      };
      const [full] = await living.points();
      expect(await compact(0)).toBe(full!.id);
      expect(await compact(IMMUTABLE_DAYS)).toBeNull();
    });
  });

  it('does not become a full on an immutable target when GFS is turned on days after it was copied', async () => {
    await liveDays(6); // until Sunday
    const stamps = await stampsOf();
    const nowMs = living.afterNewestBackupMs + 3 * DAY_MS;
    await living.session({ nowMs, policy: SUNDAY_FULLS, immutableForDays: IMMUTABLE_DAYS });
    expect(await stampsOf()).toEqual(stamps);
  });

  it('leave the full of a missed Sunday to the next point on an immutable target, and a warning says when there is none', async () => {
    const policy = { ...SUNDAY_FULLS, retention: NEWEST_FIVE.retention };
    await liveDays(6, { immutableForDays: IMMUTABLE_DAYS }); // until Sunday the 8th
    const record = (await readChainRecord(target, chain))!;
    const [first, ...others] = record.points;
    const points = [{ ...first!, flags: ['weekly' as const] }, ...others];
    await writeChainRecord(target, chain, { ...record, points });
    const stamps = await stampsOf();
    const nowMs = living.afterNewestBackupMs + DAY_MS;
    const session = { policy, immutableForDays: IMMUTABLE_DAYS };
    expect(await living.session({ ...session, nowMs })).toContain(
      'the weekly full of 2026-11-08 cannot be made',
    );
    expect(await stampsOf()).toEqual(stamps);

    await backUpNextDay();
    expect(await living.session(session)).toBe('');
    const flagged = (await living.points()).filter(({ flags }) => flags.length > 0);
    expect(flagged.map(({ createdAt, kind }) => [createdAt.slice(0, 10), kind])).toEqual([
      ['2026-11-02', 'full'],
      ['2026-11-09', 'full'],
    ]);
  });

  describe('while they are read', () => {
    const readUntil = (restorePointId: string, expiresAtMs: number) =>
      holdLease(target, chain, newLeaseId(), { restorePointId, purpose: 'restore', expiresAtMs });

    it('are neither merged nor deleted, and afterwards what is due is done', async () => {
      await liveDays(4);
      expect(await days()).toEqual([2, 3, 4, 5, 6]);
      const newest = (await living.points()).at(-1)!;
      const nowMs = living.afterNewestBackupMs;
      await readUntil(newest.id, nowMs + LEASE_MS);
      const stamps = await stampsOf();
      await maintain(nowMs, NEWEST_TWO);
      expect(await days()).toEqual([2, 3, 4, 5, 6]);
      expect(await stampsOf()).toEqual(stamps);

      await maintain(nowMs + LEASE_MS + 1, NEWEST_TWO);
      expect(await days()).toEqual([5, 6]);
      expect(await living.wrongPoints()).toEqual([]);
    });

    it('keep the full and the increment below them from a merge that was planned before', async () => {
      await liveDays(4);
      const [full, second, third] = await living.points();
      const nowMs = living.afterNewestBackupMs;
      const { id } = (await listSourceWorkloads(living.source.repository))[0]!;
      const steps = new ChainSteps(target, 'nightly', { id, name: 'mail01', type: 'olvm-rhv' });
      const { epoch } = await steps.take('planned before', nowMs);
      await readUntil(third!.id, nowMs + LEASE_MS);
      const stamps = await stampsOf();
      await expect(steps.merge(epoch, nowMs, full!.id, second!.id)).rejects.toMatchObject({
        type: 'POINT_IN_USE',
      });
      expect(await stampsOf()).toEqual(stamps);
    });

    it('cannot be merged or deleted by a task that was planned before the reading began', async () => {
      await liveDays(4);
      const points = await living.points();
      const nowMs = living.afterNewestBackupMs;
      await readUntil(points[1]!.id, nowMs + LEASE_MS);
      const { id } = (await listSourceWorkloads(living.source.repository))[0]!;
      const steps = new ChainSteps(target, 'nightly', { id, name: 'mail01', type: 'olvm-rhv' });
      const { epoch } = await steps.take('planned before', nowMs);
      const inUse = expect.objectContaining({ type: 'POINT_IN_USE' });
      const [fullId, incrementId] = [points[0]!.id, points[1]!.id];
      await expect(steps.merge(epoch, nowMs, fullId, incrementId)).rejects.toThrow(inUse);
      const ids = points.map((point) => point.id).reverse();
      await expect(steps.delete(epoch, nowMs, ids)).rejects.toThrow(inUse);
      expect(await living.points()).toEqual(points);
      expect(await living.wrongPoints()).toEqual([]);
    });
  });

  describe('when a file of the chain cannot be read', () => {
    it('are neither merged nor deleted, and a warning names the file', async () => {
      await liveDays(4);
      const nowMs = living.afterNewestBackupMs;
      const { path } = (await living.points())[2]!.disks[0]!;
      await target.rename(`${chain}/${path}`, `${chain}/away`);
      const missing = await maintain(nowMs, NEWEST_TWO);
      expect(missing).toContain(`${path} is missing`);
      expect(await days()).toEqual([2, 3, 4, 5, 6]);
      await target.rename(`${chain}/away`, `${chain}/${path}`);

      const unreadable = await maintain(nowMs, NEWEST_TWO, unreadableAt(`${chain}/${path}`));
      expect(unreadable).toContain(`${path} cannot be read just now`);
      expect(await days()).toEqual([2, 3, 4, 5, 6]);

      expect(await maintain(nowMs, NEWEST_TWO)).toContain('are to go at once');
      expect(await days()).toEqual([5, 6]);
    });

    /** The target with one file whose disk does not answer. */
    function unreadableAt(path: string): SimulatedRepository {
      return new Proxy(target, {
        get(repository, name) {
          const member: unknown = Reflect.get(repository, name);
          if (typeof member !== 'function' || name === 'fenced') return member;
          return (...args: unknown[]): unknown => {
            if (name === 'stat' && args[0] === path)
              throw new BackupError('REPOSITORY_IO_ERROR', 'the disk does not answer');
            return Reflect.apply(member, repository, args);
          };
        },
      });
    }
  });

  describe('when the clock jumps', () => {
    it.each([
      ['back by a year', -365, LAST_WEEK],
      ['back by an hour', -1 / 12, LAST_WEEK],
      ['back by a year', -365, NEWEST_TWO],
      ['forward by a year', 365, NEWEST_FIVE],
      ['forward by a year', 365, LAST_WEEK],
    ])('%s, none goes', async (_, jumpDays, policy) => {
      await liveDays(4);
      await maintain(living.afterNewestBackupMs + jumpDays * DAY_MS, policy);
      expect(await days()).toEqual([2, 3, 4, 5, 6]);
    });

    it('and jumps back after a copy was made in the future, none goes until a later copy shows that the clock ran ahead', async () => {
      await liveDays(4);
      await backUpNextDay();
      const future = living.afterNewestBackupMs + 365 * DAY_MS;
      await living.session({ nowMs: future });
      const before = await days();
      const nowMs = living.afterNewestBackupMs + HOUR_MS;
      expect(await maintain(nowMs, NEWEST_TWO)).toContain('check the clock');
      expect(await days()).toEqual(before);
      await backUpNextDay();
      await living.session({ policy: NEWEST_TWO });
      expect(await days()).toEqual([before.at(-1)!, before.at(-1)! + 1]);
      expect(await living.wrongPoints()).toEqual([]);
    });
  });

  it('are announced when a shorter retention takes more than half of them at once', async () => {
    await liveDays(4);
    const warnings = await maintain(living.afterNewestBackupMs + HOUR_MS, NEWEST_TWO);
    expect(warnings).toContain('3 of 5 restore points are to go at once');
    expect(await days()).toEqual([5, 6]);
    expect(await living.wrongPoints()).toEqual([]);
  });
});
