import { beforeAll, describe, expect, it } from 'vitest';
import { writeChainRecord } from '../../../src/chain/chain-store.js';
import { CopiedMachine, NOW_MS, type MachineCopy } from '../../support/living/copied-machine.js';

const DAY_MS = 86_400_000;

let machine: CopiedMachine;
beforeAll(async () => {
  machine = await CopiedMachine.make();
});

describe('a point that was verified', () => {
  const VERIFIED_AT = new Date(NOW_MS).toISOString();
  const SINCE = new Date(NOW_MS - 60_000).toISOString();

  async function markVerified(copy: MachineCopy, points: readonly number[], spoil = false) {
    const verified = [];
    for (const point of points) {
      const input = { ...copy.input, pointId: machine.idOf(point) };
      const { disks } = await copy.mover.run('prepareVerification', input);
      for (const { disk: name, windowCount } of disks)
        await copy.mover.runWindows('verifyBlocks', { ...input, disk: name }, [
          { first: 0, count: windowCount },
        ]);
      const { content } = await copy.mover.run('collectDamage', { ...input, disks });
      const seen = spoil ? `${content}x` : content;
      verified.push({ pointId: machine.idOf(point), content: seen, verifiedAt: VERIFIED_AT });
    }
    const input = { ...copy.input, verified, since: SINCE };
    return copy.mover.run('markVerified', input);
  }

  it.each([
    { corrupt: [2], verified: [2], good: false },
    { corrupt: [2], verified: [0, 1, 2], good: true },
    { corrupt: [2], verified: [0, 2], good: false },
    { corrupt: [0], verified: [0], good: true },
  ])('of $corrupt is good again when $verified were read: $good', async (row) => {
    const copy = await machine.copy();
    const [corrupt] = row.corrupt;
    const points = machine.before.points.map((point, place) =>
      place === corrupt ? { ...point, health: 'corrupt' as const } : point,
    );
    await writeChainRecord(copy.target, machine.chain, { ...machine.before, points });
    expect(await markVerified(copy, row.verified)).toEqual({ marked: row.verified.length });
    const now = (await copy.record()).points;
    expect(now[corrupt!]?.health).toBe(row.good ? 'good' : 'corrupt');
    expect(now.map(({ verifiedAt }) => verifiedAt === VERIFIED_AT)).toEqual(
      [0, 1, 2, 3].map((point) => row.verified.includes(point)),
    );
  });

  it.each([
    { below: 'copied since the check began', health: 'good', afterMs: 1, good: true },
    { below: 'copied since and marked corrupt', health: 'corrupt', afterMs: 1, good: false },
    { below: 'dated by a clock a year ahead', health: 'good', afterMs: 366 * DAY_MS, good: false },
  ] as const)('is good again above one that was $below: $good', async (row) => {
    const copy = await machine.copy();
    const at = new Date(Date.parse(SINCE) + row.afterMs).toISOString();
    const points = machine.before.points.map((point, place) => {
      if (place === 0) return { ...point, health: row.health, copiedAt: at, verifiedAt: at };
      return place === 2 ? { ...point, health: 'corrupt' as const } : point;
    });
    await writeChainRecord(copy.target, machine.chain, { ...machine.before, points });
    await markVerified(copy, [1, 2]);
    const health = (await copy.record()).points.map((point) => point.health);
    expect(health).toEqual([row.health, 'good', row.good ? 'good' : 'corrupt', 'good']);
  });

  it('has other files by now: nothing is entered', async () => {
    const copy = await machine.copy();
    const { revision } = await copy.record();
    expect(await markVerified(copy, [1], true)).toEqual({ marked: 0 });
    expect((await copy.record()).revision).toBe(revision);
  });
});
