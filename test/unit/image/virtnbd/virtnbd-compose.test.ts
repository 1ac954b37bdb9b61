import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { slotOffset } from '../../../../src/domain/targets/slot-placement.js';
import { BLOCK_DIRECT } from '../../../../src/image/disk-image.js';
import type { FileShape, PlannedContent } from '../../../../src/image/image-format.js';
import { VIRTNBD } from '../../../../src/image/virtnbd/virtnbd-format.js';
import { MemoryBytes } from '../../../support/image/byte-files.js';
import { requireTool, temporaryFolder } from '../../../support/image/qemu.js';
import { diskOfStreams, streamFile } from '../../../support/image/stream-file.js';
import { virtnbdrestore } from '../../../support/image/virtnbdrestore.js';

const BLOCK = 65_536;
const { composer } = VIRTNBD;

/** Guest blocks in the order of their slots, each with the byte that fills it; 0: a hole. */
type Slots = readonly (readonly [block: number, byte: number])[];

const DIALECT = {
  virtualSizeBytes: 64 * BLOCK,
  date: '2026-11-24T06:29:49.037014',
  diskName: 'vda',
  diskFormat: 'qcow2',
  checkpointName: 'virtnbdbackup.0',
};

function shapeOf(slots: Slots, change: Partial<FileShape> = {}): FileShape {
  const { virtualSizeBytes } = DIALECT;
  return {
    virtualSizeBytes,
    slotCount: slots.length,
    fileName: 'vda.data',
    parent: null,
    dialect: DIALECT,
    seed: 'a'.repeat(32),
    linkId: null,
    ...change,
  };
}

async function composed(slots: Slots, shape: FileShape): Promise<Buffer> {
  const file = new MemoryBytes();
  const placement = composer.place(shape);
  for (const [slot, [, byte]] of slots.entries())
    if (byte !== 0) await file.write(Buffer.alloc(BLOCK, byte), slotOffset(placement, slot));
  const { sizeBytes } = await composer.compose(file, shape, contentOf(slots));
  expect(file.sizeBytes).toBe(sizeBytes);
  return file.bytes;
}

function contentOf(slots: Slots): PlannedContent {
  const slotOf = new Map(slots.map(([block], slot) => [block, slot]));
  return {
    nextMapped: (block) => Promise.resolve(block),
    mapBlocks: (first, out) => {
      for (let i = 0; i < out.length; i++) out[i] = 2 + (slotOf.get(first + i) ?? -2);
      return Promise.resolve();
    },
    slotsInUse: (first, out) => {
      for (let i = 0; i < out.length; i++) out[i] = slots[first + i]![1] === 0 ? 0 : 1;
      return Promise.resolve();
    },
  };
}

function diskOf(...layers: Slots[]): Buffer {
  const disk = Buffer.alloc(DIALECT.virtualSizeBytes);
  for (const [block, byte] of layers.flat()) disk.fill(byte, block * BLOCK, (block + 1) * BLOCK);
  return disk;
}

const FULL: Slots = [
  [40, 0x40],
  [41, 0x41],
  [3, 0x33],
  [0, 0x30],
  [63, 0x63],
  [9, 0],
];
const CHANGES: Slots = [
  [41, 0],
  [2, 0x22],
  [3, 0x53],
];
const INCREMENT: Partial<FileShape> = {
  parent: {
    link: '../20261124T062949Z/vda.data',
    format: 'virtnbd',
    linkId: 'virtnbdbackup.0',
    virtualSizeBytes: DIALECT.virtualSizeBytes,
  },
  dialect: { ...DIALECT, checkpointName: 'virtnbdbackup.1' },
};

describe('composed streams', () => {
  it('hold each block where they say, and zeros stay zeros in an increment', async () => {
    const full = await composed(FULL, shapeOf(FULL));
    const increment = await composed(CHANGES, shapeOf(CHANGES, INCREMENT));
    expect(diskOfStreams([full]).equals(diskOf(FULL))).toBe(true);
    expect(diskOfStreams([full, increment]).equals(diskOf(FULL, CHANGES))).toBe(true);
  });

  it('are what Longhaul reads, each block at its slot', async () => {
    const shape = shapeOf(CHANGES, INCREMENT);
    const image = await VIRTNBD.open(new MemoryBytes(await composed(CHANGES, shape)));
    expect(image).toMatchObject({
      virtualSizeBytes: DIALECT.virtualSizeBytes,
      parent: { name: '../20261124T062949Z/vda.data', linkId: 'virtnbdbackup.0' },
      linkId: 'virtnbdbackup.1',
      dialect: { ...DIALECT, checkpointName: 'virtnbdbackup.1' },
    });
    const { states, hostOffsets } = await image.mapBlocks(0, 64);
    const held = [...states].flatMap((state, block) => (state === BLOCK_DIRECT ? block : []));
    expect(held).toEqual([2, 3, 41]);
    const placement = composer.place(shape);
    for (const [slot, [block]] of CHANGES.entries())
      expect(hostOffsets[block]).toBe(slotOffset(placement, slot));
  });

  it('say in a full which parts of the disk are zeros', async () => {
    const text = (await composed(FULL, shapeOf(FULL))).toString('latin1');
    const zeros = [...text.matchAll(/zero ([0-9a-f]{16}) ([0-9a-f]{16})\r\n/g)].map(
      ([, from, length]) => [parseInt(from!, 16) / BLOCK, parseInt(length!, 16) / BLOCK],
    );
    expect(zeros).toEqual([
      [1, 2],
      [4, 5],
      [10, 30],
      [42, 21],
    ]);
  });

  it('tell at their end where their blocks lie, for those who do not go over all frames', async () => {
    const bytes = await composed(FULL, shapeOf(FULL));
    const runs = [
      { block: 0, slot: 3, blocks: 1 },
      { block: 3, slot: 2, blocks: 1 },
      { block: 9, slot: 5, blocks: 1 },
      { block: 40, slot: 0, blocks: 2 },
      { block: 63, slot: 4, blocks: 1 },
    ];
    const list = Buffer.alloc(16 * runs.length);
    for (const [i, { block, slot, blocks }] of runs.entries()) {
      list.writeUIntLE(block, i * 16, 6);
      list.writeUIntLE(slot, i * 16 + 6, 6);
      list.writeUInt32LE(blocks, i * 16 + 12);
    }
    const stop = `stop ${'0'.repeat(16)} ${'0'.repeat(16)}\r\n`;
    const header = `runs ${'0'.repeat(16)} ${(80).toString(16).padStart(16, '0')}\r\n`;
    const end = Buffer.concat([Buffer.from(stop), list, Buffer.from(`\r\n${header}`)]);
    expect(bytes.subarray(-end.length)).toEqual(end);
  });

  it('are opened by their first and their last bytes alone', async () => {
    const slots: Slots = Array.from({ length: 64 }, (_, block) => [block, 1]);
    const file = new MemoryBytes(await composed(slots, shapeOf(slots)));
    const read: number[] = [];
    const image = await VIRTNBD.open({
      ...{ label: 'vda.data', sizeBytes: file.sizeBytes },
      read: (target, offset) => {
        read.push(offset);
        return file.read(target, offset);
      },
    });
    expect(image.nextHeldBlock(5)).toBe(5);
    expect(read.filter((offset) => offset > 500 && offset < 64 * BLOCK)).toEqual([]);
  });

  it.each<[string, (list: Buffer) => unknown, string]>([
    ['a block behind the disk', (list) => list.writeUIntLE(64, 64, 6), 'IMAGE_CORRUPT'],
    ['a slot behind the last one', (list) => list.writeUIntLE(6, 64 + 6, 6), 'IMAGE_CORRUPT'],
    ['one block twice', (list) => list.writeUIntLE(40, 32, 6), 'IMAGE_CORRUPT'],
    ['a run of nothing', (list) => list.writeUInt32LE(0, 12), 'IMAGE_CORRUPT'],
    ['a block too few', (list) => list.writeUInt32LE(1, 48 + 12), 'IMAGE_CORRUPT'],
    ['no end', (list) => list.write('x', 80), 'IMAGE_CORRUPT'],
    ['part of a run', (list) => list.write('51', 80 + 2 + 36), 'IMAGE_TRUNCATED'],
    ['a size of 4 GiB', (list) => list.write('f', 80 + 2 + 30), 'IMAGE_LIMIT_EXCEEDED'],
  ])('whose list of runs has %s are refused', async (_, poke, code) => {
    const bytes = await composed(FULL, shapeOf(FULL));
    poke(bytes.subarray(-(80 + 2 + 40)));
    await expect(VIRTNBD.open(new MemoryBytes(bytes))).rejects.toMatchObject({ code });
  });

  it('take the name of a checkpoint that others know them by', async () => {
    const bytes = await composed(FULL, shapeOf(FULL, { linkId: 'virtnbdbackup.5' }));
    expect((await VIRTNBD.readHead(new MemoryBytes(bytes))).linkId).toBe('virtnbdbackup.5');
  });

  it('are the same again whatever an earlier attempt has left', async () => {
    const shape = shapeOf(FULL);
    const once = await composed(FULL, shape);
    const again = new MemoryBytes(Buffer.concat([once, Buffer.alloc(1000, 7)]));
    await composer.compose(again, shape, contentOf(FULL));
    expect(again.bytes.equals(once)).toBe(true);
  });

  it('may hold nothing', async () => {
    const empty = await composed([], shapeOf([], INCREMENT));
    const full = await composed(FULL, shapeOf(FULL));
    expect(diskOfStreams([full, empty]).equals(diskOf(FULL))).toBe(true);
    const image = await VIRTNBD.open(new MemoryBytes(empty));
    expect(image.nextHeldBlock(0)).toBe(64);
  });

  it('are not made of a disk that ends within a block', () => {
    const { kinds } = composer.traits({ ...DIALECT, virtualSizeBytes: 64 * BLOCK + 512 });
    expect(kinds).toEqual([]);
    expect(composer.traits(DIALECT).kinds).toEqual(['full', 'increment']);
  });

  it('of a disk of 60 TB, a tenth of it written, take little memory to read', async () => {
    // 92 million frames would be too many for a test: runs of 500 frames, as far as 2 million runs go, are tested by their number alone.
    const frames = Array.from({ length: 3_000 }, (_, i) => ({
      start: i * 2 ** 34,
      data: Buffer.alloc(1),
    }));
    const file = streamFile({ virtualSize: 60e12 - (60e12 % BLOCK), frames });
    const before = process.memoryUsage().arrayBuffers;
    const image = await VIRTNBD.open(new MemoryBytes(file));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
    expect(image.nextHeldBlock(2 ** 18 + 1)).toBe(2 ** 19);
  });
});

describe.skipIf(!requireTool('virtnbdrestore'))('virtnbdrestore', () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());

  it('puts composed streams back as they were planned', async () => {
    const input = join(folder.path, 'in');
    await mkdir(input);
    const names = ['vda.full.data', 'vda.inc.virtnbdbackup.1.data'];
    await writeFile(join(input, names[0]!), await composed(FULL, shapeOf(FULL)));
    await writeFile(join(input, names[1]!), await composed(CHANGES, shapeOf(CHANGES, INCREMENT)));
    const restored = await virtnbdrestore(input, join(folder.path, 'out'), names);
    expect(restored.get('vda')!.equals(diskOf(FULL, CHANGES))).toBe(true);
  });
});
