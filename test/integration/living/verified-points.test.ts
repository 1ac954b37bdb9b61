import { beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord, writeChainRecord } from '../../../src/chain/chain-store.js';
import type { PointHealth } from '../../../src/domain/targets/target-point.js';
import { pointContent } from '../../../src/mover/health/mark-verified.js';
import { LivingChain, newest } from '../../support/living/living-chain.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const FIRST_AT_MS = Date.parse('2026-11-02T22:00:00Z');

/** Copied on 2, 3 and 4 November, an hour after their backups. */
describe('the date on which a restore point was verified', () => {
  let target: SimulatedRepository;
  let living: LivingChain;
  let chain: string;
  beforeEach(async () => {
    target = new SimulatedRepository('offsite');
    const source = new SimulatedRepository('primary');
    living = await LivingChain.begin({ source, target }, FIRST_AT_MS, newest(9));
    chain = chainFolder('nightly', living.chain.workloadId);
    await living.session();
    for (let day = 1; day <= 2; day++) {
      living.source.work(day);
      await living.source.backUp(FIRST_AT_MS + day * DAY_MS, 'incremental');
      await living.session();
    }
  });

  const verifiedAt = async () => (await living.points()).map((point) => point.verifiedAt);
  const evening = (day: number) => `2026-11-0${day}T23:00:00.000Z`;

  /** Enters points as verified, at noon of 5 November, by a check that began then. */
  async function markVerified(
    points: { readonly id: string; readonly content?: string }[],
    since = '2026-11-05T12:00:00.000Z',
  ): Promise<number> {
    const nowMs = Date.parse('2026-11-05T12:00:00Z');
    const record = (await readChainRecord(target, chain))!;
    const verified = points.map(({ id, content }) => {
      const point = record.points.find((entry) => entry.id === id)!;
      const date = new Date(nowMs).toISOString();
      return { pointId: id, content: content ?? pointContent(point), verifiedAt: date };
    });
    const place = { targetRepositoryId: 'offsite', chain, epoch: record.epoch, nowMs };
    return (await new InProcessMover(target).run('markVerified', { ...place, verified, since }))
      .marked;
  }

  async function setHealth(health: PointHealth, ...indexes: number[]): Promise<void> {
    const record = (await readChainRecord(target, chain))!;
    const points = record.points.map((point, index) =>
      indexes.includes(index) ? { ...point, health } : point,
    );
    await writeChainRecord(target, chain, { ...record, points });
  }

  it('is that of its copy at first', async () => {
    expect(await verifiedAt()).toEqual([evening(2), evening(3), evening(4)]);
  });

  it('is the older one of the two when an increment is merged into the full', async () => {
    const [, second] = await living.points();
    await markVerified([{ id: second!.id }]);
    const nowMs = living.afterNewestBackupMs + HOUR_MS;
    await living.session({ nowMs, policy: newest(2) });
    expect(await verifiedAt()).toEqual([evening(2), evening(4)]);
  });

  it('is that of the writing for a full that was made anew', async () => {
    const nowMs = Date.parse('2026-11-06T12:00:00Z');
    const onFridays = { every: 'week', day: 'friday', time: '12:00', timeZone: 'UTC' } as const;
    await living.session({ nowMs, policy: { ...newest(9), compact: onFridays } });
    expect(await verifiedAt()).toEqual(['2026-11-06T12:00:00.000Z', evening(3), evening(4)]);
  });

  it('is that of the check for the points that it read, unless their files are others by now', async () => {
    const [first, second] = await living.points();
    expect(await markVerified([{ id: first!.id }, { id: second!.id, content: 'before' }])).toBe(1);
    expect(await verifiedAt()).toEqual(['2026-11-05T12:00:00.000Z', evening(3), evening(4)]);
  });

  it('makes a corrupt point good again only together with all it builds on', async () => {
    const health = async () => (await living.points()).map((point) => point.health);
    const [first, second, third] = await living.points();
    await setHealth('corrupt', 1, 2);
    await markVerified([second!, third!].map(({ id }) => ({ id })));
    expect(await health()).toEqual(['good', 'corrupt', 'corrupt']);
    await markVerified([first!, second!].map(({ id }) => ({ id })));
    expect(await health()).toEqual(['good', 'good', 'corrupt']);
  });

  it('makes a corrupt point good again when all it builds on was entered before, by the same check', async () => {
    const health = async () => (await living.points()).map((point) => point.health);
    const [first, second, third] = await living.points();
    await setHealth('corrupt', 1, 2);
    await markVerified([first!]);
    await markVerified([second!], '2026-11-05T12:00:00.001Z');
    expect(await health()).toEqual(['good', 'corrupt', 'corrupt']);
    await markVerified([second!]);
    await markVerified([third!]);
    expect(await health()).toEqual(['good', 'good', 'good']);
  });
});
