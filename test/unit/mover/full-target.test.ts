import { describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { BackupError } from '../../../src/domain/errors.js';
import type { GfsPolicy } from '../../../src/domain/jobs/copy-job.js';
import { LivingChain, newest, type LivingPolicy } from '../../support/living/living-chain.js';
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
  const session = (policy: LivingPolicy, activeFull = false) =>
    new LocalSessions([source, target]).tryToCopy(
      testJob({ ...policy, restorePoints: 'latest' }),
      living.afterNewestBackupMs,
      { activeFull },
    );
  await session(newest(9));
  for (const day of [1, 2, 3]) {
    await backUp(living, day);
    await session(newest(9), day === fullAt);
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
});
