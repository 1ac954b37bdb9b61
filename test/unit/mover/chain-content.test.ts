import { beforeAll, describe, expect, it } from 'vitest';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { CopiedMachine, laterAtMs, type MachineCopy } from '../../support/living/copied-machine.js';
import {
  DIGEST,
  FULL,
  LINEAGE,
  copyPoint,
  place,
  plan,
  runWindows,
  type Order,
} from '../../support/living/copy-steps.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

/** Of the source: an increment on what was copied, a full of the same content, and a full after more work. */
const [INCREMENT, SAME, LATER] = [4, 5, 6];
const UNIT = 65_536;

let machine: CopiedMachine;
beforeAll(async () => {
  machine = await CopiedMachine.make({
    async later(source) {
      // Before: even blocks, 7 and 9 hold something.
      source.rewrite(1);
      source.wipe(3, 4, 7, 8);
      source.storeZeros(5, 10);
      await source.backUp(laterAtMs(1), 'incremental');
      await source.backUp(laterAtMs(2), 'full');
      source.rewrite(3, 7, 11);
      source.wipe(0);
      await source.backUp(laterAtMs(3), 'full');
    },
  });
});

describe('blocks that have become zeros', () => {
  it.each<[string, number, Order]>([
    ['by lineage', INCREMENT, LINEAGE],
    ['by digest', INCREMENT, DIGEST],
    ['by digest from a full that does not hold them', SAME, DIGEST],
    ['by digest from a full of later', LATER, DIGEST],
    ['as a full', INCREMENT, FULL],
    ['as a full of a full', LATER, FULL],
  ])('are copied %s', async (_name, point, order) => {
    const copy = await machine.copy();
    await copyPoint(copy, point, { ...order, verifyAfterCopy: 'direct' });
    expect(await machine.wrongPoints(copy.target)).toEqual([]);
  });

  it('are told of once: the same content again is an increment of nothing', async () => {
    const copy = await machine.copy();
    await copyPoint(copy, INCREMENT, LINEAGE);
    const { outcome } = await copyPoint(copy, SAME, DIGEST);
    expect(outcome).toMatchObject({ kind: 'increment', disks: [{ blockCount: 0 }] });
    await copyPoint(copy, LATER, DIGEST);
    expect(await machine.wrongPoints(copy.target)).toEqual([]);
  });

  it('are merged into the full below', async () => {
    const copy = await machine.copy();
    const { point } = await copyPoint(copy, INCREMENT, LINEAGE);
    const ids = [0, 1, 2, 3].map((place) => machine.idOf(place));
    for (const [place, incrementId] of [...ids.slice(1), point.id].entries())
      await copy.mover.run('mergeIncrement', {
        ...copy.input,
        fullId: place === 0 ? ids[0]! : (await copy.record()).points[0]!.id,
        incrementId,
      });
    expect((await copy.record()).points).toHaveLength(1);
    expect(await machine.wrongPoints(copy.target)).toEqual([]);
  });
});

describe('a disk of three windows, whose last block is cut short', () => {
  const BLOCKS = 300;

  it('is copied, compared, read, healed and restored', async () => {
    const machine = await CopiedMachine.make({
      blockCount: BLOCKS,
      async later(source) {
        source.rewrite(3, 128, 299);
        source.wipe(126, 130, 200);
        await source.backUp(laterAtMs(1), 'full');
      },
    });
    const copy = await machine.copy();
    await copyPoint(copy, 4, DIGEST);
    expect(await machine.wrongPoints(copy.target)).toEqual([]);
    const { point } = await copyPoint(copy, 4, FULL);
    const [disk] = point.disks;
    const path = `${machine.chain}/${disk!.path}`;
    const truth = machine.diskAfterwards(4);
    const unitOf = async (block: number) =>
      (await copy.read(path)).indexOf(truth.subarray(block * UNIT, block * UNIT + 4_096)) / UNIT;
    const units = (await Promise.all([2, 128, 298].map(unitOf))).sort((a, b) => a - b);
    for (const unit of units) await copy.spoil(path, unit * UNIT + 5);
    const input = { ...copy.input, pointId: point.id };
    const { disks } = await copy.mover.run('prepareVerification', input);
    const windows = [{ first: 0, count: disks[0]!.windowCount }];
    await copy.mover.runWindows('verifyBlocks', { ...input, disk: disk!.disk }, windows);
    const { damage } = await copy.mover.run('collectDamage', { ...input, disks });
    expect(damage).toEqual([{ type: 'units', disk: disk!.disk, units, count: 3 }]);
    const healed = await copy.mover.run('healDisk', { ...input, disk: disk!.disk, units });
    expect(healed).toMatchObject({ remaining: [], notes: { length: 3 } });
    expect((await rawRestore(copy, point.id)).equals(truth)).toBe(true);
  });
});

/** The raw disk in a folder of its own. */
async function rawRestore(copy: MachineCopy, pointId: string): Promise<Buffer> {
  const folder = new SimulatedRepository(folderRepositoryId('/restored'));
  const mover = new InProcessMover(copy.target, folder);
  const { chain, nowMs } = copy.input;
  const input = {
    ...{ repositoryId: 'offsite', chain, pointId, nowMs, destinationPath: '/restored' },
    ...{ format: 'raw' as const, disks: null, intoExisting: false, leaseId: 'restore' },
  };
  const { reference, disks } = await mover.run('prepareRestore', input);
  const staging = `.longhaul-restore-${pointId}`;
  for (const { disk, windowCount } of disks)
    await mover.runWindows(
      'restoreRaw',
      { targetRepositoryId: folder.id, staging, reference, disk },
      [{ first: 0, count: windowCount }],
    );
  const { files } = await mover.run('finishRestore', { ...input, reference });
  const file = await folder.openRead(files[0]!.slice('/restored/'.length));
  const bytes = Buffer.alloc((await file.stamp()).sizeBytes);
  await file.read(bytes, 0);
  await file.close();
  return bytes;
}

describe('storage that does not keep what it is given', () => {
  /** Writes that land one byte wrong, and show right until the cache is passed. */
  function lying(copy: MachineCopy, isSpoilt: (offset: number) => boolean): void {
    copy.target.openReadPastCache = async (path) => {
      const stored = await copy.target.openRead(path);
      return {
        ...{ path, stamp: () => stored.stamp(), close: () => stored.close() },
        async read(bytes, offset) {
          const count = await stored.read(bytes, offset);
          for (let at = 0; at < count; at += UNIT) if (isSpoilt(offset + at)) bytes[at + 9]! ^= 1;
          return count;
        },
      };
    };
  }

  it('is found while a block is copied, where the job asks for that', async () => {
    const copy = await machine.copy();
    const outcome = await plan(copy, LATER, { ...FULL, verifyAfterCopy: 'direct' });
    lying(copy, (offset) => offset >= UNIT);
    await expect(runWindows(copy, 'copyBlocks', outcome)).rejects.toMatchObject({
      code: 'BLOCK_DIGEST_MISMATCH',
    });
  });

  it('is found when the tables are written, where the job asks for that', async () => {
    const copy = await machine.copy();
    const outcome = await plan(copy, LATER, { ...FULL, verifyAfterCopy: 'direct' });
    lying(copy, (offset) => offset === 0);
    await runWindows(copy, 'copyBlocks', outcome);
    const composed = copy.mover.run('composeTargetFile', place(copy, outcome));
    await expect(composed).rejects.toMatchObject({ code: 'BLOCK_DIGEST_MISMATCH' });
    expect(await copy.listed()).toEqual([0, 1, 2, 3]);
  });
});
