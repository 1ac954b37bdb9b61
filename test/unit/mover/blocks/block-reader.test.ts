import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { digestTableHeader } from '../../../../src/chain/digests/digest-table.js';
import { FileUnits, NO_SLOTS } from '../../../../src/domain/targets/file-units.js';
import { BLOCK_UNALLOCATED, BLOCK_ZERO, PLAIN_DIALECT } from '../../../../src/image/disk-image.js';
import { composerOf } from '../../../../src/image/formats.js';
import {
  directRun,
  placeOf,
  readBlocks,
  readSpacedBlocks,
  type BlockPlace,
} from '../../../../src/mover/blocks/block-reader.js';
import { ImageStack } from '../../../../src/mover/blocks/image-stack.js';
import type { LayerFile } from '../../../../src/mover/blocks/layer-file.js';
import { NO_DIGEST, ShownDigests } from '../../../../src/mover/blocks/shown-digests.js';
import { SourceDigests } from '../../../../src/mover/blocks/source-digests.js';
import { TaskControl } from '../../../../src/mover/task/task-control.js';
import {
  blockOf,
  composeDisk,
  guestBytes,
  type DiskToCompose,
} from '../../../support/image/composed-disk.js';
import { InProcessMover } from '../../../support/mover/in-process-mover.js';
import { CallCounter } from '../../../support/repository/count-calls.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const BLOCK = 65_536;
const BLOCKS = 12;
/** The last block is no whole one. */
const DISK_BYTES = (BLOCKS - 1) * BLOCK + 1_024;
/** It was shrunk so far in the middle of the chain. */
const SHRUNK_BYTES = 6 * BLOCK + 512;
type Blocks = DiskToCompose['blocks'];
const blocks = (seed: number, ...numbers: number[]): Blocks =>
  new Map(numbers.map((block) => [block, blockOf(seed + block)]));
const OF_TOP: Blocks = new Map([...blocks(30, 1, 2, 9), [3, 'zero']]);
const OF_MIDDLE = blocks(20, 2, 3, 4);
const OF_BASE = blocks(10, ...Array.from({ length: BLOCKS }, (_, block) => block));

/** What lies behind the end of a shorter file below reads as zeros (QEMU, docs/interop/qcow2). */
function seen(): Buffer {
  const below = guestBytes(SHRUNK_BYTES, OF_MIDDLE, guestBytes(DISK_BYTES, OF_BASE));
  const bytes = Buffer.alloc(BLOCKS * BLOCK);
  guestBytes(DISK_BYTES, OF_TOP, below).copy(bytes);
  return bytes;
}
const expected = seen();
const shown = (block: number): Buffer => expected.subarray(block * BLOCK, (block + 1) * BLOCK);

let source: SimulatedRepository;
let layers: LayerFile[];
beforeEach(async () => {
  source = new SimulatedRepository('offsite');
  layers = [
    await stored('top', DISK_BYTES, OF_TOP, ['middle', SHRUNK_BYTES]),
    await stored('middle', SHRUNK_BYTES, OF_MIDDLE, ['base', DISK_BYTES]),
    await stored('base', DISK_BYTES, OF_BASE),
  ];
});

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

async function stored(
  name: string,
  virtualSizeBytes: number,
  held: Blocks,
  below?: readonly [link: string, virtualSizeBytes: number],
): Promise<LayerFile> {
  const parent =
    below === undefined
      ? {}
      : {
          parent: {
            ...{ link: `${below[0]}.qcow2`, format: 'qcow2' as const, linkId: null },
            virtualSizeBytes: below[1],
          },
        };
  const disk = { virtualSizeBytes, blocks: held, dialect: PLAIN_DIALECT, ...parent };
  const { bytes } = await composeDisk(composerOf('qcow2'), disk);
  const path = `${name}.qcow2`;
  await source.put(path, bytes);
  await source.put(`${name}.digests`, tableOf(bytes));
  const { stamp } = (await source.stat(path))!;
  return { repositoryId: 'offsite', path, format: 'qcow2', stamp, digestsPath: `${name}.digests` };
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

const context = () => new InProcessMover(source).context();

async function withStack<T>(use: (stack: ImageStack) => Promise<T>): Promise<T> {
  const stack = await ImageStack.open(context(), layers);
  try {
    return await use(stack);
  } finally {
    await stack.close();
  }
}

async function placesIn(stack: ImageStack, wanted: readonly number[]): Promise<BlockPlace[]> {
  const map = await stack.mapBlocks(0, BLOCKS);
  return wanted.map((block) => placeOf(map, block, 0));
}

/** All that hold anything; those that are read in part from one layer; across each other; one alone. */
const HELD = [0, 1, 2, 4, 5, 6, 9];
/** Before each block, as in a stream. */
const GAP = 42;
const STRIDE = GAP + BLOCK;
const ORDERS = [HELD, [9, 6, 5, 4, 2, 1, 0], [6, 9], [5, 6], [0], [4, 5], [1, 2, 9]];

describe('blocks of a stack', () => {
  it.each(ORDERS)('are read in the order in which they are asked for: %j', async (...wanted) => {
    await withStack(async (stack) => {
      const target = Buffer.alloc(wanted.length * BLOCK + 1, 0xcc);
      const control = new TaskControl();
      await readBlocks(stack, await placesIn(stack, wanted), target, control);
      const right = Buffer.concat([...wanted.map(shown), Buffer.from([0xcc])]);
      expect(target.equals(right)).toBe(true);
      expect(control.get('readBytes')).toBe(wanted.length * BLOCK);
    });
  });

  it('that lie side by side in one file are one read', async () => {
    layers = [await stored('alone', DISK_BYTES, OF_BASE)];
    await withStack(async (stack) => {
      const places = await placesIn(stack, [2, 3, 4, 5, 7, 8]);
      const counter = new CallCounter(source);
      const openedAnew = await ImageStack.open(context(), layers);
      await openedAnew.mapBlocks(0, BLOCKS);
      const before = counter.reads;
      await readBlocks(openedAnew, places, Buffer.alloc(6 * BLOCK), new TaskControl());
      expect(counter.reads - before).toBe(2);
      await openedAnew.close();
    });
  });

  it('that only a reader gets are one read where they follow one another on the disk', async () => {
    await withStack(async (stack) => {
      const reads: number[][] = [];
      const read = stack.read.bind(stack);
      stack.read = (target, offset) => (
        reads.push([offset / BLOCK, target.length / BLOCK]),
        read(target, offset)
      );
      const encoded = (block: number) => ({ guestBlock: block, layer: 0, hostOffset: -1 });
      // The last one lies at the very start of a file: a raw disk.
      const places = [
        ...[4, 5, 6, 0, 2, 3].map(encoded),
        { guestBlock: 4, layer: 2, hostOffset: 0 },
      ];
      const target = Buffer.alloc(7 * BLOCK);
      await readBlocks(stack, places, target, new TaskControl());
      expect(reads).toEqual([
        [4, 3],
        [0, 1],
        [2, 2],
      ]);
      const right = Buffer.concat([4, 5, 6, 0, 2, 3].map(shown));
      expect(target.subarray(0, 6 * BLOCK).equals(right)).toBe(true);
    });
  });

  it.each(ORDERS)('are read each behind its gap: %j', async (...wanted) => {
    await withStack(async (stack) => {
      const [bytes, scratch] = [Buffer.alloc(wanted.length * STRIDE), Buffer.alloc(16 * BLOCK)];
      const places = await placesIn(stack, wanted);
      const target = { bytes, gapBytes: GAP };
      await readSpacedBlocks(stack, places, target, scratch, new TaskControl());
      for (const [i, block] of wanted.entries())
        expect(bytes.subarray(i * STRIDE + GAP, (i + 1) * STRIDE).equals(shown(block))).toBe(true);
    });
  });

  it('that lie in one file at the distance at which they are wanted are one read, and neighbours another', async () => {
    layers = [await stored('alone', DISK_BYTES, OF_BASE)];
    const file = await source.openRead('alone.qcow2');
    const counter = new CallCounter(source);
    await withStack(async (stack) => {
      await stack.mapBlocks(0, BLOCKS);
      const from = [100, 100 + STRIDE, 100 + 2 * STRIDE, 7 * BLOCK, 8 * BLOCK, 50];
      const places = from.map((hostOffset, guestBlock) => ({ guestBlock, layer: 0, hostOffset }));
      const [bytes, scratch] = [Buffer.alloc(places.length * STRIDE), Buffer.alloc(16 * BLOCK)];
      const [control, before] = [new TaskControl(), counter.reads];
      await readSpacedBlocks(stack, places, { bytes, gapBytes: GAP }, scratch, control);
      expect(counter.reads - before).toBe(3);
      // What lies between the three of the first read was read, too.
      expect(control.get('readBytes')).toBe(6 * BLOCK + 2 * GAP);
      for (const [i, offset] of from.entries()) {
        const right = Buffer.alloc(BLOCK);
        await file.read(right, offset);
        expect(bytes.subarray(i * STRIDE + GAP, (i + 1) * STRIDE).equals(right)).toBe(true);
      }
    });
  });

  it('of a file that was cut meanwhile are a source that changed', async () => {
    layers = [await stored('alone', DISK_BYTES, OF_BASE)];
    await withStack(async (stack) => {
      const places = await placesIn(stack, [10]);
      const file = await source.openWrite('alone.qcow2', 'existing');
      await file.truncate(places[0]!.hostOffset + 1);
      await expect(
        readBlocks(stack, places, Buffer.alloc(BLOCK), new TaskControl()),
      ).rejects.toMatchObject({ code: 'SOURCE_CHANGED', details: { path: 'alone.qcow2' } });
    });
  });

  it('make runs as far as their digests lie side by side in one table', async () => {
    await withStack(async (stack) => {
      const map = await stack.mapBlocks(0, BLOCKS);
      // 0 of the base; 1 and 2 of the top; 4 of the middle; 5 of the base; 9 of the top.
      expect([0, 1, 2, 4, 5, 9].map((first) => directRun(map, first))).toEqual([1, 2, 1, 1, 1, 1]);
    });
    layers = [await stored('alone', DISK_BYTES, OF_BASE)];
    await withStack(async (stack) => {
      const map = await stack.mapBlocks(0, BLOCKS);
      expect([0, 5, 10].map((first) => directRun(map, first))).toEqual([11, 6, 1]);
    });
  });
});

describe('the digests of what a point shows', () => {
  it('are those of its blocks, with none for one that is put together', async () => {
    await withStack(async (stack) => {
      const tables = layers.map(({ digestsPath }) => ({ digestsPath: digestsPath! }));
      const known = await ShownDigests.open(source, stack, tables);
      const { states } = await stack.mapBlocks(0, BLOCKS);
      const { digests } = await known.of(0, BLOCKS);
      for (let block = 0; block < BLOCKS; block++) {
        const isEmpty = states[block] === BLOCK_ZERO || states[block] === BLOCK_UNALLOCATED;
        // Block 6 is seen as far as the shorter file goes.
        const right = isEmpty ? Buffer.alloc(32) : block === 6 ? NO_DIGEST : sha256(shown(block));
        expect(digests.subarray(block * 32, (block + 1) * 32), String(block)).toEqual(right);
      }
      const { digests: some, madeBy } = await known.of(2, 3);
      expect(some).toEqual(digests.subarray(2 * 32, 5 * 32));
      expect(madeBy(0)(shown(2))).toEqual(sha256(shown(2)));
      await known.close();
    });
  });
});

describe('blocks that were just read', () => {
  async function assertGood(wanted: readonly number[]): Promise<void> {
    await withStack(async (stack) => {
      const places = await placesIn(stack, wanted);
      const bytes = Buffer.alloc(wanted.length * BLOCK);
      await readBlocks(stack, places, bytes, new TaskControl());
      const digests = await SourceDigests.open(context(), stack.layers);
      const unitAt = (i: number): Buffer => bytes.subarray(i * BLOCK, (i + 1) * BLOCK);
      await digests.assertGood(stack, places, unitAt).finally(() => digests.close());
    });
  }

  /** In the block of a layer, without the stamp that would tell. */
  async function spoil(layer: number, block: number, byte: number): Promise<void> {
    const { path } = layers[layer]!;
    const stack = await ImageStack.open(context(), layers);
    const { hostOffsets } = await stack.images[layer]!.mapBlocks(block, 1);
    await stack.close();
    const file = await source.openWrite(path, 'existing');
    await file.write(Buffer.from([0xee]), hostOffsets[0]! + byte);
    await file.close();
    layers[layer] = { ...layers[layer]!, stamp: (await source.stat(path))!.stamp };
  }

  it.each(ORDERS)('are good where each has its digest: %j', async (...wanted) => {
    await assertGood(wanted);
  });

  // Layers from the top: 0, 1, 2.
  it.each([
    { layer: 2, block: 0, good: [1, 2, 4, 5, 6, 9], bad: 0 },
    { layer: 0, block: 2, good: [0, 1, 4, 5, 6, 9], bad: 2 },
    { layer: 1, block: 4, good: [0, 1, 2, 5, 6, 9], bad: 4 },
    // Put together of the part that the shorter file shows.
    { layer: 2, block: 6, good: [0, 1, 2, 4, 5, 9], bad: 6 },
    // Hidden by layers above.
    { layer: 1, block: 2, good: HELD, bad: null },
    { layer: 2, block: 4, good: HELD, bad: null },
    { layer: 2, block: 9, good: HELD, bad: null },
  ])(
    'of layer $layer with a bad block $block are told as $bad',
    async ({ layer, block, good, bad }) => {
      await spoil(layer, block, 100);
      await assertGood(good);
      if (bad === null) return;
      await expect(assertGood([...good, bad])).rejects.toMatchObject({
        code: 'BLOCK_DIGEST_MISMATCH',
        details: { path: layers[layer]!.path },
      });
    },
  );

  it('are not compared with what lies hidden below the last, shorter block', async () => {
    layers = [
      await stored('over', DISK_BYTES, blocks(40, 11), ['alone', DISK_BYTES]),
      await stored('alone', DISK_BYTES, OF_BASE),
    ];
    await spoil(1, 11, 5);
    await assertGood([11]);
    await spoil(0, 11, 5);
    await expect(assertGood([11])).rejects.toMatchObject({ details: { path: 'over.qcow2' } });
  });

  it('are not compared with what their tool has not written', async () => {
    await spoil(2, 0, 100);
    layers = layers.map(({ digestsPath: _, ...layer }) => layer);
    await assertGood(HELD);
  });

  it('of the last, shorter block of a disk are compared where it comes from', async () => {
    layers = [await stored('alone', DISK_BYTES, OF_BASE)];
    await assertGood([10, 11]);
    await spoil(0, 11, 5);
    await assertGood([10]);
    await expect(assertGood([11])).rejects.toMatchObject({
      code: 'BLOCK_DIGEST_MISMATCH',
      details: { path: 'alone.qcow2' },
    });
  });
});
