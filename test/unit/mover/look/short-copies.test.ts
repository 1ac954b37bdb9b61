/** A copy that the record knows to be taken too early, and what builds on it, wherever copies are shown, counted and changed. */

import { beforeAll, describe, expect, it } from 'vitest';
import { writeChainRecord } from '../../../../src/chain/chain-store.js';
import type { PendingChange } from '../../../../src/chain/chain-record.js';
import type { GfsPolicy } from '../../../../src/domain/jobs/copy-job.js';
import type { ChainFacts } from '../../../../src/domain/safety/workload-facts.js';
import { shortCopies } from '../../../../src/domain/sources/source-identity.js';
import type { TargetRestorePoint } from '../../../../src/domain/targets/target-point.js';
import { CopiedMachine, NOW_MS, type MachineCopy } from '../../../support/living/copied-machine.js';
import { testJob } from '../../../support/session/test-site.js';

let machine: CopiedMachine;
beforeAll(async () => {
  machine = await CopiedMachine.make();
});

const JUDGED = {
  verdict: 'grown',
  reason: 'its disk vdb was not there',
  fingerprint: null,
  epoch: 1,
} as const;

/** The point at this place was taken too early. */
async function tooEarly(place: number, pending: PendingChange | null = null): Promise<MachineCopy> {
  const copy = await machine.copy();
  const points = machine.before.points.map((point, at) =>
    at === place ? { ...point, source: { ...point.source, judged: JUDGED } } : point,
  );
  await writeChainRecord(copy.target, machine.chain, { ...machine.before, points, pending });
  return copy;
}

const ORDER = { repositoryId: 'offsite', settleMs: 0, nowMs: NOW_MS } as const;

describe('a copy that was taken too early', () => {
  it('is not complete in a list, which says why, and neither is what builds on it', async () => {
    const { mover } = await tooEarly(2);
    const order = { ...ORDER, what: 'restorePoints', immutableForDays: 0 } as const;
    const { items } = await mover.run('listRestorePoints', order);
    expect(items.map(({ complete, state, reason }) => [complete, state, reason])).toEqual([
      [true, 'complete', null],
      [true, 'complete', null],
      [false, 'incomplete', 'it was taken too early: its disk vdb was not there'],
      [
        ...[false, 'incomplete'],
        'it was taken too early: the copy that it builds on was taken too early',
      ],
    ]);
    const { items: rows } = await mover.run('listWorkloads', {
      ...{ repositoryId: 'offsite', what: 'workloads' },
    });
    expect(rows[0]).toMatchObject({
      ...{ restorePointCount: 4, newestAt: machine.before.points[1]!.createdAt },
    });
  });

  it('is no copy of its day where it is asked whether the machine is safe', async () => {
    const { mover } = await tooEarly(2);
    const { items } = await mover.run('listWorkloadFacts', { ...ORDER, what: 'facts' });
    const chain = items.find((found): found is ChainFacts => found.is === 'chain')!;
    const whole = machine.before.points.slice(0, 2);
    expect(chain.recentAtSeconds).toEqual(
      whole.map(({ createdAt }) => Date.parse(createdAt) / 1_000).reverse(),
    );
    expect(chain).toMatchObject({
      ...{ newestCopiedAt: whole[1]!.copiedAt, damagedCount: 0, restorePointCount: 4 },
    });
  });

  it('stays known for what it is when the one below is merged into it', async () => {
    const copy = await tooEarly(0);
    const pair = { fullId: machine.idOf(0), incrementId: machine.idOf(1) };
    await copy.mover.run('mergeIncrement', { ...copy.input, ...pair });
    const { points } = await copy.record();
    expect([...shortCopies(points).keys()]).toEqual([1, 2, 3].map((at) => machine.idOf(at)));
    expect(await machine.wrongPoints(copy.target)).toEqual([]);
  });

  it('stays known for what it is when it becomes a full', async () => {
    const { disks } = machine.before.points[1]!;
    const verifiedAt = '2026-11-07T22:00:00.000Z';
    const pending = { type: 'replace', pointId: machine.idOf(1), verifiedAt, disks, flags: [] };
    const copy = await tooEarly(0, pending as PendingChange);
    const pair = { fullId: 'gone', incrementId: machine.idOf(1) };
    await copy.mover.run('prepareMerge', { ...copy.input, ...pair });
    const { points } = await copy.record();
    expect(points[1]!.parentId).toBeNull();
    expect([...shortCopies(points).keys()]).toEqual([0, 1, 2, 3].map((at) => machine.idOf(at)));
  });

  it('hands its flags on before it goes', async () => {
    const copy = await machine.copy();
    const [full, , , last] = machine.before.points;
    // Sunday, as the machine has it.
    const createdAt = '2026-11-01T22:00:00.000Z';
    const short = { ...full!, createdAt, flags: ['weekly'] as const };
    const points: readonly [TargetRestorePoint, TargetRestorePoint, TargetRestorePoint] = [
      { ...short, source: { ...short.source, judged: JUDGED } },
      {
        ...last!,
        createdAt,
        kind: 'full',
        parentId: null,
        chainId: last!.id,
        source: full!.source,
      },
      { ...machine.before.points[1]!, parentId: last!.id, chainId: last!.id },
    ];
    const write = async (changed: readonly TargetRestorePoint[]) =>
      writeChainRecord(copy.target, machine.chain, { ...(await copy.record()), points: changed });
    await write(points);
    const gfs: GfsPolicy = {
      weekly: { keep: 4, day: 'sunday' },
      ...{ monthly: null, yearly: null, fullMethod: 'synthetic' },
    };
    const job = testJob({ gfs, timeZone: 'UTC' });
    const plan = () =>
      copy.mover.run('planMaintenance', { ...copy.input, job, immutableForDays: 0 });
    const { fulls, superseded } = await plan();
    expect(superseded).toEqual([]);
    expect(fulls).toMatchObject([
      { restorePointId: last!.id, flags: ['weekly'], synthesize: false },
    ]);
    await write([points[0], { ...points[1], flags: ['weekly'] }, points[2]]);
    expect(await plan()).toMatchObject({ superseded: [full!.id], fulls: [] });
  });
});
