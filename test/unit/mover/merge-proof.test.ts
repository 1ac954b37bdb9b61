import { beforeAll, describe, expect, it } from 'vitest';
import type { ChainRecord } from '../../../src/chain/chain-record.js';
import { writeChainRecord } from '../../../src/chain/chain-store.js';
import type { BackupError } from '../../../src/domain/errors.js';
import type { TargetDisk } from '../../../src/domain/targets/target-point.js';
import { CopiedMachine, type MachineCopy } from '../../support/living/copied-machine.js';

const UNIT = 65_536;

let machine: CopiedMachine;
beforeAll(async () => {
  machine = await CopiedMachine.make({ later: () => Promise.resolve() });
});

const pair = () => ({ fullId: machine.idOf(0), incrementId: machine.idOf(1) });
const prepare = (copy: MachineCopy) => copy.mover.run('prepareMerge', { ...copy.input, ...pair() });

describe('the tables of a full that an increment is to be merged into', () => {
  const whole = () => machine.before.points[0]!.disks[0]!;
  const units = () => Math.ceil(whole().sizeBytes / UNIT);

  it('are proven each, and a block of its data is not: it keeps its digest through the merge', async () => {
    const blocks = new Set<number>();
    const copy = await machine.copy();
    for (const block of [0, 2, 4, 6, 8, 10]) blocks.add(await copy.unitOf(0, block));
    for (let unit = 0; unit < units(); unit++) {
      const spoilt = await machine.copy();
      await spoilt.spoil(spoilt.pathOf(0, 'image'), (unit + 1) * UNIT - 1);
      const outcome = await prepare(spoilt).then(
        ({ state }) => state,
        (error: unknown) => (error as BackupError).code,
      );
      // A table that reads as something else may also refuse the pair: the full that is made then proves all tables, too.
      const expected = blocks.has(unit) ? /^ready$/ : /^(BLOCK_DIGEST_MISMATCH|IMAGE_.*|refused)$/;
      expect(outcome, String(unit)).toMatch(expected);
      expect(await spoilt.record()).toEqual(machine.before);
    }
  });
});

describe('a point that has a disk more than the full below it', () => {
  /** As one that the machine got since: it is a full in that point. */
  async function withAdded(copy: MachineCopy): Promise<TargetDisk> {
    const own = machine.before.points[1]!;
    const added = { ...own.disks[0]!, disk: 'added', kind: 'full' as const };
    const points = machine.before.points.map((point) =>
      point === own ? { ...point, disks: [added, ...point.disks] } : point,
    );
    await writeChainRecord(copy.target, machine.chain, { ...machine.before, points });
    return added;
  }

  it('keeps it as it is when it is merged, and nothing of it is proven for that', async () => {
    const copy = await machine.copy();
    const added = await withAdded(copy);
    const plan = await prepare(copy);
    expect(plan).toMatchObject({ state: 'ready', proofs: [{ windowCount: 1 }] });
    await copy.mover.run('mergeIncrement', { ...copy.input, ...pair() });
    const [merged] = (await copy.record()).points;
    expect(merged).toMatchObject({ id: machine.idOf(1), kind: 'full', parentId: null });
    expect(merged!.disks[0]).toEqual(added);
    expect(merged!.disks[1]).toMatchObject({
      ...{ disk: machine.before.points[1]!.disks[0]!.disk, kind: 'full' },
    });
  });
});

describe('what else stands beside a merge', () => {
  it.each<[string, (record: ChainRecord) => ChainRecord['points'], RegExp]>([
    [
      'other digests',
      ({ points: [full, ...others] }) => {
        const [disk] = full!.disks;
        const digests = { ...disk!.digests, algorithm: 'blake3' as const };
        return [{ ...full!, disks: [{ ...disk!, digests }] }, ...others];
      },
      /changed its digest algorithm/,
    ],
    [
      'an increment in another format',
      ({ points: [full, increment, ...others] }) => {
        const disks = increment!.disks.map((disk) => ({ ...disk, format: 'vmdk' as const }));
        return [full!, { ...increment!, disks }, ...others];
      },
      /take up no increments in place/,
    ],
  ])('needs a synthetic full in its place: %s', async (_, change, reason) => {
    const copy = await machine.copy();
    const points = change(machine.before);
    await writeChainRecord(copy.target, machine.chain, { ...machine.before, points });
    expect(await prepare(copy)).toEqual({
      state: 'refused',
      reason: expect.stringMatching(reason) as unknown,
    });
  });
});
