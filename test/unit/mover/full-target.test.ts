import { describe, expect, it, vi } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { BackupError } from '../../../src/domain/errors.js';
import type { GfsPolicy } from '../../../src/domain/jobs/copy-job.js';
import { DISCARD_STAGING_ID } from '../../../src/domain/targets/staging-id.js';
import { LivingChain, newest, type LivingPolicy } from '../../support/living/living-chain.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const DAY_MS = 86_400_000;
/** A Monday. */
const FIRST_AT_MS = Date.parse('2026-11-02T22:00:00Z');
const WEEKLY: GfsPolicy = {
  weekly: { keep: 4, day: 'thursday' },
  monthly: null,
  yearly: null,
  fullMethod: 'synthetic',
};

/** A machine of four days, all of them copied.
 *  @param fullAt the day of a second full, if there is one */
async function fourDays(fullAt?: number) {
  const source = new SimulatedRepository('primary');
  const target = new SimulatedRepository('offsite');
  const living = await LivingChain.begin({ source, target }, FIRST_AT_MS, newest(9));
  const session = (
    policy: LivingPolicy,
    { activeFull = false, nowMs = living.afterNewestBackupMs } = {},
  ) =>
    new LocalSessions([source, target]).tryToCopy(
      testJob({ ...policy, restorePoints: 'latest' }),
      nowMs,
      { activeFull },
    );
  await session(newest(9));
  for (const day of [1, 2, 3]) {
    await backUp(living, day);
    await session(newest(9), { activeFull: day === fullAt });
  }
  return { living, target, session, before: await living.points() };
}

function backUp(living: LivingChain, day: number): Promise<unknown> {
  living.source.work(day);
  return living.source.backUp(FIRST_AT_MS + day * DAY_MS, 'incremental');
}

/** What is written to such files finds no room, for as long as that is so. */
function refuse(target: SimulatedRepository, paths: RegExp, isFull: () => Promise<boolean>) {
  const openWrite = target.openWrite.bind(target);
  target.openWrite = async (path, mode) => {
    if (paths.test(path) && (await isFull()))
      throw new BackupError('REPOSITORY_FULL', 'no space is left');
    return openWrite(path, mode);
  };
}

describe('a target without room', () => {
  it('loses what may go before the GFS full that does not fit, and has room for it then', async () => {
    const { living, target, session, before } = await fourDays(2);
    const [oldest, , full, increment] = before.map(({ id }) => id);
    refuse(target, /-full\//, async () => {
      const points = await living.points();
      return points.some(({ id }) => id === oldest);
    });
    const { result, tasks } = await session({ ...newest(2), gfs: WEEKLY });
    expect({ result, notes: tasks[0]!.notes }).toMatchObject({ result: 'nothingToCopy' });
    const points = await living.points();
    expect(points.map(({ id, flags }) => [id, flags])).toEqual([
      [full, []],
      [increment, ['weekly']],
    ]);
    expect(await living.wrongPoints()).toEqual([]);
  });

  it('keeps what was staged of the copy that does not fit, which goes on in the merged chain', async () => {
    const { living, target, session, before } = await fourDays();
    await backUp(living, 4);
    let isFull = true;
    const staged = /\.staging\/[^/]+\/.*\.qcow2$/;
    refuse(target, staged, () => Promise.resolve(isFull));
    const failed = await session(newest(2));
    expect(failed.tasks[0]).toMatchObject({ result: 'failed', code: 'REPOSITORY_FULL' });
    expect((await living.points()).map(({ id }) => id)).toEqual(
      before.slice(2).map(({ id }) => id),
    );
    const chain = chainFolder('nightly', living.chain.workloadId);
    expect(await target.list(`${chain}/.staging`)).toHaveLength(1);
    isFull = false;
    const { result } = await session(newest(9));
    expect(result).toBe('success');
    const points = await living.points();
    expect(points).toHaveLength(3);
    expect(new Set(points.map(({ chainId }) => chainId))).toEqual(new Set([before[2]!.id]));
    expect(await living.wrongPoints()).toEqual([]);
  });

  describe('for a synthetic full', () => {
    const ON_FRIDAYS = { every: 'week', day: 'friday', time: '12:00', timeZone: 'UTC' } as const;
    const AFTER_FRIDAY_MS = FIRST_AT_MS + 5 * DAY_MS;
    const COMPACTED = { ...newest(9), compact: ON_FRIDAYS };
    const chainOf = (living: LivingChain) => chainFolder('nightly', living.chain.workloadId);
    const staged = async (living: LivingChain, target: SimulatedRepository) =>
      (await target.list(`${chainOf(living)}/.staging`))
        .map(({ name }) => name)
        // What is told of them lies there until somebody takes the chain over.
        .filter((name) => name !== DISCARD_STAGING_ID);

    /** As a session that was stopped leaves it. */
    async function stage(living: LivingChain, target: SimulatedRepository, pointId: string) {
      const record = (await readChainRecord(target, chainOf(living)))!;
      const place = { targetRepositoryId: 'offsite', chain: chainOf(living), epoch: record.epoch };
      await new InProcessMover(target).run('planSyntheticFull', { ...place, pointId, nowMs: 0 });
      expect(await staged(living, target)).toEqual([`${pointId}-full`]);
    }

    it.each([
      ['a compact one', COMPACTED],
      ['one of GFS', { ...newest(9), gfs: WEEKLY }],
    ])('keeps no half of it: %s', async (_, policy) => {
      const { living, target, session, before } = await fourDays();
      refuse(target, /-full\/.*\.qcow2/, () => Promise.resolve(true));
      const { tasks } = await session(policy, { nowMs: AFTER_FRIDAY_MS });
      expect(tasks[0]).toMatchObject({
        result: 'warning',
        notes: [expect.stringMatching(/what was staged of the full .*-full was discarded/)],
      });
      expect(await staged(living, target)).toEqual([]);
      expect(await living.points()).toEqual(before);
    });

    it('begins no compact one where less is free than it takes', async () => {
      const { living, target, session, before } = await fourDays();
      target.capacity = () => Promise.resolve({ totalBytes: 2 ** 30, freeBytes: 65_536 });
      const openWrite = vi.spyOn(target, 'openWrite');
      const { tasks } = await session(COMPACTED, { nowMs: AFTER_FRIDAY_MS });
      expect(tasks[0]).toMatchObject({
        result: 'warning',
        reason: expect.stringContaining('a compact full takes') as string,
      });
      expect(openWrite.mock.calls.filter(([path]) => /-full\/.*\.qcow2/.test(path))).toEqual([]);
      expect(await living.points()).toEqual(before);
    });

    it('makes room with what is staged of it, and copies in the same session', async () => {
      const { living, target, session, before } = await fourDays();
      await stage(living, target, before[2]!.id);
      await backUp(living, 4);
      refuse(
        target,
        /\.staging\/[^/]+\/.*\.qcow2$/,
        async () => (await staged(living, target)).length > 1,
      );
      const { result } = await session(newest(9));
      expect(result).toBe('success');
      expect(await staged(living, target)).toEqual([]);
      expect(await living.points()).toHaveLength(5);
      expect(await living.wrongPoints()).toEqual([]);
    });

    it('lets no compact one take the room that a copy lacks', async () => {
      const { living, target, session } = await fourDays();
      await backUp(living, 4);
      refuse(target, /\.staging\/2026-11-06[^-/]*\/.*\.qcow2$/, () => Promise.resolve(true));
      const { tasks } = await session(
        { ...newest(2), compact: ON_FRIDAYS },
        { nowMs: AFTER_FRIDAY_MS },
      );
      expect(tasks[0]).toMatchObject({ result: 'failed', code: 'REPOSITORY_FULL' });
      expect(tasks[0]!.notes.filter((note) => note.includes('synthetic full'))).toEqual([]);
    });
  });

  it('is not needed for a staged full that nothing wants any more to go, also when nothing is copied', async () => {
    const { living, target, session, before } = await fourDays();
    const chain = chainFolder('nightly', living.chain.workloadId);
    const { epoch } = (await readChainRecord(target, chain))!;
    const order = { targetRepositoryId: 'offsite', chain, epoch, pointId: before[2]!.id, nowMs: 0 };
    await new InProcessMover(target).run('planSyntheticFull', order);
    expect(await target.list(`${chain}/.staging`)).toHaveLength(1);
    expect((await session(newest(9))).result).toBe('nothingToCopy');
    expect(await target.list(`${chain}/.staging`)).toEqual([]);
  });
});
