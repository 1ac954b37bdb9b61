import { beforeAll, describe, expect, it } from 'vitest';
import type { CompareSourceInput } from '../../../../src/mover/selection/compare-source.js';
import { stagingFolder } from '../../../../src/chain/chain-paths.js';
import type { BlockScan } from '../../../../src/mover/copy/scan-plan.js';
import { readStagedJson, stagedPath } from '../../../../src/mover/staging/copy-plan.js';
import { CopiedMachine, type MachineCopy } from '../../../support/living/copied-machine.js';
import { copyPoint, LINEAGE } from '../../../support/living/copy-steps.js';
import { GrowingSource } from '../../../support/living/growing-source.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { testJob } from '../../../support/session/test-site.js';

const UNIT = 65_536;
const SECTOR = 512;
const FULL = 0;
/** Its own file has blocks 1 and 3: of the one the first sector is written and all others are zeros, of the other all are zeros. */
const LAST = 4;
const PART = Buffer.alloc(SECTOR, 0x11);
const DAY_MS = 86_400_000;
const FIRST_AT_MS = Date.parse('2026-11-02T22:00:00Z');

let machine: CopiedMachine;
let whole: MachineCopy;
beforeAll(async () => {
  machine = await CopiedMachine.make({
    later: async (source) => {
      source.storeZeros(1, 3);
      await source.backUp(FIRST_AT_MS + 4 * DAY_MS + DAY_MS / 8, 'incremental');
    },
  });
  whole = await machine.copy();
  await write(whole, LAST, UNIT, PART);
  await copyPoint(whole, LAST, LINEAGE);
});

async function pathOf({ source }: MachineCopy, point: number): Promise<string> {
  const id = machine.sourceId(point);
  const files = await source.list('mail01');
  return files.find(({ name }) => name.includes(id))!.path;
}

async function write(copy: MachineCopy, point: number, at: number, bytes: Buffer): Promise<void> {
  const file = await copy.source.openWrite(await pathOf(copy, point), 'existing');
  await file.write(bytes, at);
  await file.close();
}

/** The same bytes, written once more: nothing proves the file to be the one that was copied. */
async function touch(copy: MachineCopy, point: number): Promise<void> {
  const bytes = await readAll(copy.source, await pathOf(copy, point));
  await write(copy, point, 0, bytes);
}

/** Another machine's first backup in place of the full's. */
async function replaceFull(
  copy: MachineCopy,
  blockCount: number,
  change: (other: GrowingSource) => void = () => undefined,
): Promise<void> {
  const storage = new SimulatedRepository('elsewhere');
  const other = new GrowingSource(storage, 'mail01', { blockCount });
  change(other);
  await other.backUp(FIRST_AT_MS, 'full');
  const [made] = await storage.list('mail01');
  const bytes = await readAll(storage, made!.path);
  const path = await pathOf(copy, FULL);
  await copy.source.remove(path);
  await copy.source.put(path, bytes);
}

/** Gives the file of the point to another disk, or leaves it to both. */
async function asOtherDisk(copy: MachineCopy, point: number, isKept: boolean): Promise<void> {
  const path = await pathOf(copy, point);
  const bytes = await readAll(copy.source, path);
  if (isKept) await touch(copy, point);
  else for (const file of await copy.source.list('mail01')) await copy.source.remove(file.path);
  await copy.source.put(path.replace(/3d5c0f8e/, '4e6d1f9f'), bytes);
}

async function readAll(storage: SimulatedRepository, path: string): Promise<Buffer> {
  const file = await storage.openRead(path);
  const bytes = Buffer.alloc((await file.stamp()).sizeBytes);
  await file.read(bytes, 0);
  await file.close();
  return bytes;
}

async function inputOf(copy: MachineCopy, point: number): Promise<CompareSourceInput> {
  const { targetRepositoryId, chain, epoch } = copy.input;
  return {
    ...{ targetRepositoryId, chain, epoch, sourceRepositoryId: 'primary' },
    workloadId: machine.before.workload.id,
    restorePointId: machine.sourceId(point),
    copiedId: (await copy.record()).points[point]!.id,
  };
}

async function prepare(copy: MachineCopy, point: number) {
  const input = await inputOf(copy, point);
  const { stagingId, reference, disks } = await copy.mover.run('planComparison', input);
  const staging = stagingFolder(machine.chain, stagingId);
  const run = async () => {
    for (const { disk, windowCount, firstOpenWindow: first } of disks)
      await copy.mover.runWindows(
        'scanBlocks',
        { targetRepositoryId: 'offsite', staging, reference, disk },
        [{ first, count: windowCount - first }],
      );
  };
  const settle = () => copy.mover.run('settleComparison', input);
  return { staging, disks, run, settle };
}

async function compared(copy: MachineCopy, point: number): Promise<string> {
  const { run, settle, staging } = await prepare(copy, point);
  await run();
  const { outcome } = await settle();
  expect(await copy.target.list(staging).catch(() => [])).toEqual([]);
  // Done again, it says the same.
  expect(await settle()).toEqual({ outcome });
  return outcome.slice(outcome.indexOf(': ') + 2);
}

async function toCompare(copy: MachineCopy): Promise<string[]> {
  const { targetRepositoryId, chain, epoch } = copy.input;
  const { detection } = await copy.mover.run('selectWork', {
    ...{ targetRepositoryId, chain, epoch, sourceRepositoryId: 'primary' },
    workloadId: machine.before.workload.id,
    ...{ job: testJob(), scope: 'all', activeFull: false },
  });
  return detection.toCompare.map(({ restorePointId }) => restorePointId);
}

const SAME = 'it is what was copied';
const OTHER = 'it has other content';

describe('a source point whose files are not proven to be those that were copied', () => {
  it.each<[string, number, (copy: MachineCopy) => Promise<void>, string | RegExp]>([
    ['is what was copied where all blocks are the same', LAST, (copy) => touch(copy, LAST), SAME],
    ['is what was copied, a full', FULL, (copy) => touch(copy, FULL), SAME],
    [
      'is other content where a sector that was written holds something else',
      LAST,
      (copy) => write(copy, LAST, UNIT, Buffer.alloc(SECTOR, 0x12)),
      OTHER,
    ],
    [
      'is other content where a sector that was written is zeros now',
      LAST,
      (copy) => write(copy, LAST, UNIT, Buffer.alloc(SECTOR)),
      OTHER,
    ],
    [
      'has grown where a sector that was zeros was filled, beside one that was written',
      LAST,
      (copy) => write(copy, LAST, UNIT + 3 * SECTOR, PART),
      /: 1 blocks of its disk \S+ were written after it was copied$/,
    ],
    [
      'has grown where sectors of a block of zeros were filled, its last one among them',
      LAST,
      (copy) => write(copy, LAST, 3 * UNIT - SECTOR, PART),
      /: 1 blocks of its disk \S+ were written after it was copied$/,
    ],
    [
      'has grown where blocks were written that the copy does not hold',
      FULL,
      (copy) => replaceFull(copy, 12, (other) => other.rewrite(1, 3, 5)),
      /: 3 blocks of its disk \S+ were written after it was copied$/,
    ],
    [
      'is other content where one of two blocks that are different was copied',
      FULL,
      (copy) => replaceFull(copy, 12, (other) => other.rewrite(1, 2)),
      OTHER,
    ],
    [
      'is other content where a block that was copied is gone',
      FULL,
      (copy) => replaceFull(copy, 12, (other) => other.wipe(2)),
      OTHER,
    ],
    [
      'has grown where its disk is larger and holds nothing more',
      FULL,
      (copy) => replaceFull(copy, 14, (other) => other.wipe(12)),
      /: its disk \S+ is larger than its copy$/,
    ],
    [
      'is other content where its disk is smaller',
      FULL,
      (copy) => replaceFull(copy, 11, (other) => other.wipe(10)),
      OTHER,
    ],
    [
      'has grown where it has a disk more',
      FULL,
      (copy) => asOtherDisk(copy, FULL, true),
      /: its disk 4e6d1f9f\S+ was not there when it was copied$/,
    ],
    [
      'is other content where it has another disk alone',
      FULL,
      (copy) => asOtherDisk(copy, FULL, false),
      OTHER,
    ],
  ])('%s', async (_, point, change, said) => {
    const copy = whole.clone();
    await change(copy);
    const before = await copy.record();
    const told = await compared(copy, point);
    if (typeof said === 'string') expect(told).toBe(said);
    else expect(`: ${told}`).toMatch(said);
    // Of the record only what proves this one point is new, and it is never paid again.
    const { points } = await copy.record();
    for (const [place, entry] of before.points.entries())
      if (place !== point) expect(points[place]).toEqual(entry);
    expect(await toCompare(copy)).not.toContain(machine.sourceId(point));
  });
});

describe('a comparison', () => {
  it.each<[string, number, readonly number[], unknown]>([
    ['the increment alone', LAST, [LAST], { source: 1, target: 1 }],
    ['what lies on the newest that is proven', LAST, [LAST, 3], { source: 2, target: 2 }],
    [
      'all but the full, below which nothing was written',
      LAST,
      [LAST, 1],
      { source: 4, target: 4 },
    ],
    ['all, where nothing below is proven', LAST, [LAST, 3, 2, 1, FULL], null],
    ['all of a full', FULL, [FULL], null],
  ])('reads %s', async (_, point, touched, ownLayers) => {
    const copy = whole.clone();
    for (const each of touched) await touch(copy, each);
    const { staging } = await prepare(copy, point);
    const scan = await readStagedJson<BlockScan>(copy.target, stagedPath.scan(staging));
    expect(scan?.disks).toMatchObject([{ ownLayers }]);
    expect(await compared(copy, point)).toBe(SAME);
  });

  it('is not settled before its last window is compared, or when the source has changed since', async () => {
    const copy = whole.clone();
    await touch(copy, LAST);
    const { run, settle } = await prepare(copy, LAST);
    await expect(settle()).rejects.toMatchObject({ code: 'STAGING_INVALID' });
    await run();
    await touch(copy, LAST);
    await expect(settle()).rejects.toMatchObject({ code: 'STAGING_INVALID' });
    expect(await compared(copy, LAST)).toBe(SAME);
  });

  it('is taken up where it was stopped', async () => {
    const copy = whole.clone();
    await touch(copy, LAST);
    const first = await prepare(copy, LAST);
    await first.run();
    const { disks } = await prepare(copy, LAST);
    expect(disks.map(({ windowCount, firstOpenWindow }) => windowCount - firstOpenWindow)).toEqual([
      0,
    ]);
  });

  it('is made by the owner of the chain alone', async () => {
    const copy = whole.clone();
    await touch(copy, LAST);
    const input = { ...(await inputOf(copy, LAST)), epoch: copy.input.epoch - 1 };
    for (const step of ['planComparison', 'settleComparison'] as const)
      await expect(copy.mover.run(step, input)).rejects.toMatchObject({ code: 'STALE_EPOCH' });
  });
});
