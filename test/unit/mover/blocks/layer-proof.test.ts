import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { digestTableHeader } from '../../../../src/chain/digests/digest-table.js';
import type { FileStamp } from '../../../../src/domain/file-stamp.js';
import { FileUnits, NO_SLOTS } from '../../../../src/domain/targets/file-units.js';
import {
  BLOCK_DIRECT,
  BLOCK_ENCODED,
  BLOCK_UNALLOCATED,
  PLAIN_DIALECT,
} from '../../../../src/image/disk-image.js';
import { composerOf } from '../../../../src/image/formats.js';
import {
  heldDiskNames,
  openLayer,
  sameContent,
  sameLayer,
  type LayerFile,
} from '../../../../src/mover/blocks/layer-file.js';
import { blockOf, composeDisk, guestBytes } from '../../../support/image/composed-disk.js';
import { vmaFile } from '../../../support/image/vma-file.js';
import { InProcessMover } from '../../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const BLOCK = 65_536;
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

let target: SimulatedRepository;
beforeEach(() => {
  target = new SimulatedRepository('offsite');
});
const context = () => new InProcessMover(target).context();

async function put(path: string, bytes: Buffer): Promise<FileStamp> {
  await target.put(path, bytes);
  return (await target.stat(path))!.stamp;
}

function tableOf(file: Buffer): Buffer {
  const units = new FileUnits(NO_SLOTS, file.length);
  const entries = Array.from({ length: units.count }, (_, unit) => {
    const bytes = Buffer.alloc(BLOCK);
    file.copy(bytes, 0, unit * BLOCK);
    return bytes.every((byte) => byte === 0) ? Buffer.alloc(32) : sha256(bytes);
  });
  return Buffer.concat([digestTableHeader({ algorithm: 'sha256', units }), ...entries]);
}

describe('tables of a file that are proven as they are read', () => {
  const blocks = new Map([0, 1, 5].map((block) => [block, blockOf(block)]));
  const disk = { virtualSizeBytes: 8 * BLOCK, blocks, dialect: PLAIN_DIALECT };
  let layer: LayerFile;
  beforeEach(async () => {
    const { bytes } = await composeDisk(composerOf('qcow2'), disk);
    const stamp = await put('disk.qcow2', bytes);
    await put('disk.digests', tableOf(bytes));
    layer = {
      ...{ repositoryId: 'offsite', path: 'disk.qcow2', format: 'qcow2', stamp },
      ...{ digestsPath: 'disk.digests', provesTables: true },
    };
  });

  /** Swaps what two blocks are shown by: a table that any reader takes. */
  async function swapBlocks(): Promise<void> {
    const file = await target.openWrite('disk.qcow2', 'existing');
    const bytes = Buffer.alloc((await file.stamp()).sizeBytes);
    await file.read(bytes, 0);
    // qcow2: where the L1 table lies stands at 40; where an L2 table lies, in the bits 9 to 55 of its entry (docs/interop/qcow2.txt of QEMU).
    const l2At = Number(
      bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(40))) & 0xff_ffff_ffff_fe00n,
    );
    const [first, second] = [bytes.readBigUInt64BE(l2At), bytes.readBigUInt64BE(l2At + 8)];
    bytes.writeBigUInt64BE(second, l2At);
    bytes.writeBigUInt64BE(first, l2At + 8);
    await file.write(bytes, 0);
  }

  const map = async (wanted: LayerFile) => {
    const { image, close } = await openLayer(context(), wanted);
    try {
      return await image.mapBlocks(0, 8);
    } finally {
      await close();
    }
  };

  it('show the disk where they are as they were written', async () => {
    const { image, close } = await openLayer(context(), layer);
    const reads = [0, 3, 5].map(async (block) => {
      const bytes = Buffer.alloc(2 * BLOCK);
      await image.read(bytes, block * BLOCK, null);
      return bytes;
    });
    const right = guestBytes(8 * BLOCK, blocks);
    for (const [i, bytes] of (await Promise.all(reads)).entries())
      expect(bytes.equals(right.subarray([0, 3, 5][i]! * BLOCK, ([0, 3, 5][i]! + 2) * BLOCK))).toBe(
        true,
      );
    await close();
  });

  it('are damage where they are others under the stamp that is expected', async () => {
    await swapBlocks();
    const { stamp } = (await target.stat('disk.qcow2'))!;
    const damage = { code: 'BLOCK_DIGEST_MISMATCH', details: { path: 'disk.qcow2' } };
    await expect(map({ ...layer, stamp })).rejects.toMatchObject(damage);
    await expect(map({ ...layer, stamp: null })).rejects.toMatchObject(damage);
  });

  it('are a source that changed where they are written while they are read', async () => {
    const { image, close } = await openLayer(context(), layer);
    await swapBlocks();
    await expect(image.mapBlocks(0, 8)).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
    // What failed once does not stand in the way of what is read after it.
    await expect(image.read(Buffer.alloc(1), 0, null)).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
    });
    await close();
  });

  it('are taken as they are where nothing proves them', async () => {
    await swapBlocks();
    const { stamp } = (await target.stat('disk.qcow2'))!;
    const { provesTables: _, ...unproven } = layer;
    const { digestsPath: __, ...withoutTable } = layer;
    for (const wanted of [unproven, withoutTable])
      expect((await map({ ...wanted, stamp })).states[0]).toBe(BLOCK_DIRECT);
  });
});

describe('a disk within a file', () => {
  const disk = Buffer.concat(
    [1, 2].map((seed) => Buffer.from(blockOf(seed))).concat(Buffer.alloc(BLOCK)),
  );
  const { bytes } = vmaFile({ devices: [{ name: 'drive-scsi0', disk }] });
  let layer: LayerFile;
  beforeEach(async () => {
    const stamp = await put('all.vma', bytes);
    await put('all.digests', tableOf(bytes));
    const within = { name: 'drive-scsi0' };
    layer = { repositoryId: 'offsite', path: 'all.vma', format: 'vma', stamp, within };
  });

  it.each([{}, { digestsPath: 'all.digests' }])(
    'is read through its image alone, %j',
    async (proof) => {
      const wanted = { ...layer, ...proof };
      expect(await heldDiskNames(context(), wanted)).toEqual(['drive-scsi0']);
      const { image, close } = await openLayer(context(), wanted);
      const read = Buffer.alloc(disk.length);
      await image.read(read, 0, null);
      expect(read.equals(disk)).toBe(true);
      const { states, hostOffsets } = await image.mapBlocks(0, 4);
      // No place in the file is a place of the disk.
      expect([...states].slice(0, 2)).toEqual([BLOCK_ENCODED, BLOCK_ENCODED]);
      expect([...states]).not.toContain(BLOCK_DIRECT);
      expect(states[3]).toBe(BLOCK_UNALLOCATED);
      expect([...hostOffsets]).toEqual([0, 0, 0, 0]);
      expect([image.nextHeldBlock(0), image.virtualSizeBytes]).toEqual([0, disk.length]);
      await close();
    },
  );

  it('is not read where a byte of the file went bad', async () => {
    const spoilt = Buffer.from(bytes);
    const at = spoilt.indexOf(Buffer.from(blockOf(2)).subarray(0, 512));
    spoilt[at + 99]! ^= 1;
    const stamp = await put('all.vma', spoilt);
    const { image, close } = await openLayer(context(), {
      ...{ ...layer, stamp, digestsPath: 'all.digests' },
    });
    await expect(image.read(Buffer.alloc(disk.length), 0, null)).rejects.toMatchObject({
      code: 'BLOCK_DIGEST_MISMATCH',
    });
    await close();
  });

  it('is looked for in files of formats that hold some', async () => {
    expect(await heldDiskNames(context(), { ...layer, format: 'qcow2' })).toBeNull();
    await expect(openLayer(context(), { ...layer, format: 'qcow2' })).rejects.toThrow('no disks');
    const changed = { ...layer, stamp: { ...layer.stamp!, sizeBytes: 1 } };
    await expect(heldDiskNames(context(), changed)).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
    });
  });
});

describe('two layers', () => {
  const stamp = { sizeBytes: 9, modifiedAtNs: '1', changedAtNs: '1', inode: '7' };
  const later = { ...stamp, changedAtNs: '2' };
  const extent = { name: 'a.slots', path: 'a.slots', stamp };
  const layer: LayerFile = { repositoryId: 'offsite', path: 'a', format: 'vma', stamp };
  const [one, other] = [{ tableDigest: 'aa' }, { tableDigest: 'bb' }];
  const [within, beside] = [{ within: { name: 'x' } }, { within: { name: 'y' } }];
  const table = { digestsPath: 'a.digests' };

  it.each<
    [string, Partial<LayerFile>, Partial<LayerFile>, isSame: boolean, isSameContent: boolean]
  >([
    ['as they are', {}, {}, true, true],
    ['of two paths', {}, { path: 'b' }, false, false],
    ['one of them written since', {}, { stamp: later }, false, false],
    ['one of them healed since', one, { ...one, stamp: later }, false, true],
    ['with other blocks since', one, { ...other, stamp: later }, false, false],
    ['of two paths with the same digests', one, { ...one, path: 'b' }, false, false],
    ['one of them known by digests', one, {}, true, true],
    ['the other known by digests', {}, one, true, true],
    ['one of them known by digests, written since', one, { stamp: later }, false, false],
    ['the other known by digests, written since', {}, { ...one, stamp: later }, false, false],
    ['with another digest table', table, { digestsPath: 'b.digests' }, true, false],
    ['of one digest table', table, table, true, true],
    ['of two disks of a file', within, beside, false, false],
    ['of one disk of a file', within, within, true, true],
    ['a disk and its file', within, {}, false, false],
    ['of two disks of a healed file', { ...one, ...within }, { ...one, ...beside }, false, false],
    ['of an extent', { extents: [extent] }, { extents: [extent] }, true, true],
    ['one without its extent', { extents: [extent] }, {}, false, false],
    ['the other without it', {}, { extents: [extent] }, false, false],
    [
      'its extent written since',
      { extents: [extent] },
      { extents: [{ ...extent, stamp: later }] },
      false,
      false,
    ],
    [
      'its extent another one',
      { extents: [extent] },
      { extents: [{ ...extent, path: 'b' }] },
      false,
      false,
    ],
  ])('%s', (_, a, b, isSame, isSameContent) => {
    const [left, right] = [
      { ...layer, ...a },
      { ...layer, ...b },
    ];
    expect([sameLayer(left, right), sameContent(left, right)]).toEqual([isSame, isSameContent]);
  });
});
