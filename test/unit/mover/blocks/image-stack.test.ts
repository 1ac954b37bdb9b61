import { beforeEach, describe, expect, it } from 'vitest';
import {
  BLOCK_DIRECT,
  BLOCK_ENCODED,
  BLOCK_UNALLOCATED,
  BLOCK_ZERO,
  PLAIN_DIALECT,
} from '../../../../src/image/disk-image.js';
import { composerOf } from '../../../../src/image/formats.js';
import { ImageStack } from '../../../../src/mover/blocks/image-stack.js';
import type { LayerFile } from '../../../../src/mover/blocks/layer-file.js';
import {
  blockOf,
  composeDisk,
  firstDifference,
  type DiskToCompose,
} from '../../../support/image/composed-disk.js';
import { InProcessMover } from '../../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const BLOCK = 65_536;
const [BASE, MIDDLE, TOP] = ['base.qcow2', 'middle.qcow2', 'top.qcow2'];
/** The disk was shrunk to two blocks and a quarter, and has five and a sector since. */
const SIZES: Record<string, number> = {
  [BASE]: 6 * BLOCK,
  [MIDDLE]: 2.25 * BLOCK,
  [TOP]: 5 * BLOCK + 512,
};

describe('a stack of images of which one in the middle is shorter', () => {
  let source: SimulatedRepository;
  let layers: LayerFile[];
  beforeEach(async () => {
    source = new SimulatedRepository('primary');
    layers = [
      await stored(TOP, SIZES, new Map([[4, blockOf(24)]]), MIDDLE),
      await stored(MIDDLE, SIZES, new Map([[0, blockOf(10)]]), BASE),
      await stored(BASE, SIZES, new Map([0, 1, 2, 3, 4, 5].map((n) => [n, blockOf(n)]))),
    ];
  });

  async function stored(
    path: string,
    sizes: Readonly<Record<string, number>>,
    blocks: DiskToCompose['blocks'],
    below?: string,
  ): Promise<LayerFile> {
    const disk = { virtualSizeBytes: sizes[path]!, blocks, dialect: PLAIN_DIALECT };
    const parent =
      below === undefined
        ? {}
        : {
            parent: {
              ...{ link: below, format: 'qcow2' as const, linkId: null },
              virtualSizeBytes: sizes[below]!,
            },
          };
    const { bytes } = await composeDisk(composerOf('qcow2'), { ...disk, ...parent });
    await source.put(path, bytes);
    return {
      repositoryId: 'primary',
      path,
      format: 'qcow2',
      stamp: (await source.stat(path))!.stamp,
    };
  }

  async function withStack<T>(use: (stack: ImageStack) => Promise<T>, count?: number): Promise<T> {
    const stack = await ImageStack.open(new InProcessMover(source).context(), layers, count);
    try {
      return await use(stack);
    } finally {
      await stack.close();
    }
  }

  const seen = async (first: number, count: number, limit?: number) =>
    withStack(async (stack) => {
      const { states, layers: of } = await stack.mapBlocks(first, count, limit);
      return [...states].map((state, i) => (state === BLOCK_UNALLOCATED ? '-' : [state, of[i]]));
    });
  const [direct, part, zero] = [BLOCK_DIRECT, BLOCK_ENCODED, BLOCK_ZERO];

  // QEMU, docs/interop/qcow2: what lies behind the end of a backing file reads as zeros.
  it('reads what was cut off as zeros', async () => {
    const expected = Buffer.alloc(SIZES[TOP]!);
    for (const [block, seed] of [
      [0, 10],
      [1, 1],
      [4, 24],
    ] as const)
      expected.set(blockOf(seed), block * BLOCK);
    expected.set(blockOf(2).subarray(0, BLOCK / 4), 2 * BLOCK);
    const bytes = Buffer.alloc(expected.length);
    await withStack((stack) => stack.read(bytes, 0));
    expect(firstDifference(bytes, expected)).toBeNull();
  });

  it('opens its layers when it reads through them, and reads zeros where none holds anything', async () => {
    const sizes = { [BASE]: 5.5 * BLOCK, [TOP]: 5.5 * BLOCK };
    layers = [
      await stored(TOP, sizes, new Map([[1, blockOf(1)]]), BASE),
      await stored(BASE, sizes, new Map([[3, blockOf(3)]])),
    ];
    await withStack(async (stack) => {
      const bytes = Buffer.alloc(6 * BLOCK, 0xcc);
      await stack.read(bytes, 0);
      const expected = Buffer.alloc(6 * BLOCK);
      expected.set(blockOf(1), BLOCK);
      expected.set(blockOf(3), 3 * BLOCK);
      expect(firstDifference(bytes, expected)).toBeNull();
    }, 1);
    // Nothing is cut off where all are of one size.
    expect(await seen(0, 7, 1)).toEqual(['-', [direct, 0], '-', '-', '-', '-', '-']);
    expect(await seen(0, 7)).toEqual(['-', [direct, 0], '-', [direct, 1], '-', '-', '-']);
  });

  it('tells zeros as such also in the last block, which is no whole one', async () => {
    const sizes = { [BASE]: 1.5 * BLOCK, [TOP]: 1.5 * BLOCK };
    layers = [
      await stored(TOP, sizes, new Map([[1, 'zero']]), BASE),
      await stored(BASE, sizes, new Map([[1, blockOf(1)]])),
    ];
    expect(await seen(0, 2)).toEqual(['-', [zero, 0]]);
  });

  it('knows for each block the layer that has it, and nothing behind the shorter one', async () => {
    const whole = [[direct, 1], [direct, 2], [part, 2], '-', [direct, 0], '-', '-', '-'];
    expect(await seen(0, 8)).toEqual(whole);
    expect(await seen(1, 3)).toEqual(whole.slice(1, 4));
    expect(await seen(3, 2)).toEqual(whole.slice(3, 5));
  });

  it('counts what its upper layers cut off as theirs', async () => {
    const upper = [[direct, 1], '-', [part, 1], [zero, 1], [direct, 0], [zero, 1], '-', '-'];
    expect(await seen(0, 8, 2)).toEqual(upper);
    expect(await seen(2, 3, 2)).toEqual(upper.slice(2, 5));
    expect(await seen(4, 3, 2)).toEqual(upper.slice(4, 7));
    expect(await seen(0, 8, 1)).toEqual(['-', '-', '-', '-', [direct, 0], '-', '-', '-']);
  });

  it('finds the next block that its upper layers may hold or cut off', async () => {
    // One table of qcow2 shows 8,192 blocks; a table that is there may hold any of them.
    const TABLE_BLOCKS = 8_192;
    const blockCount = 3 * TABLE_BLOCKS;
    const sizes = { [BASE]: blockCount * BLOCK, [MIDDLE]: 10 * BLOCK, [TOP]: blockCount * BLOCK };
    layers = [
      await stored(TOP, sizes, new Map([[0, blockOf(1)]]), MIDDLE),
      await stored(MIDDLE, sizes, new Map(), BASE),
      await stored(BASE, sizes, new Map([[2 * TABLE_BLOCKS + 7, blockOf(2)]])),
    ];
    const at = [0, TABLE_BLOCKS, TABLE_BLOCKS + 9, 2 * TABLE_BLOCKS, blockCount];
    const next = (limit?: number) =>
      withStack((stack) => Promise.resolve(at.map((block) => stack.nextHeldBlock(block, limit))));
    expect(await next(1)).toEqual([0, blockCount, blockCount, blockCount, blockCount]);
    expect(await next(2)).toEqual([0, ...at.slice(1)]);
    const inBase = 2 * TABLE_BLOCKS;
    expect(await next(3)).toEqual([0, inBase, inBase, inBase, blockCount]);
    await withStack(
      (stack) => Promise.resolve(expect(() => stack.nextHeldBlock(0, 1)).toThrow('not open')),
      1,
    );
  });

  it('opens its layers when they are asked for, each once', async () => {
    await withStack(async (stack) => {
      expect(stack.images).toHaveLength(1);
      const [one, other] = await Promise.all([stack.image(1), stack.image(1)]);
      expect(one).toBe(other);
      expect(stack.images).toHaveLength(2);
      expect((await stack.file(2)).path).toBe(BASE);
      expect(await stack.image(3)).toBeNull();
      expect([stack.blockCount, stack.virtualSizeBytes]).toEqual([6, SIZES[TOP]]);
    }, 1);
  });

  it('says which file is missing below the last one, and which was written to', async () => {
    layers.pop();
    await expect(withStack(() => Promise.resolve())).rejects.toMatchObject({
      code: 'IMAGE_BACKING_REFUSED',
      message: expect.stringContaining(`the parent "${BASE}"`) as unknown,
      details: { path: MIDDLE },
    });
  });

  it('says which of its files was written to since it was opened', async () => {
    await withStack(async (stack) => {
      const context = new InProcessMover(source).context();
      await stack.assertUnchanged(context);
      await source.put(MIDDLE, Buffer.alloc(1));
      await expect(stack.assertUnchanged(context)).rejects.toMatchObject({
        code: 'SOURCE_CHANGED',
      });
    });
  });

  it('takes the memory of an answer that is not needed any more where it has the same length', async () => {
    await withStack(async (stack) => {
      const first = await stack.mapBlocks(0, 3);
      const again = await stack.mapBlocks(3, 3, 3, first);
      expect(again.layers).toBe(first.layers);
      expect([...again.states]).toEqual([BLOCK_UNALLOCATED, direct, BLOCK_UNALLOCATED]);
      expect((await stack.mapBlocks(0, 2, 3, again)).states).toHaveLength(2);
    });
  });

  it('keeps what its format knows of the disk, for a file of that format alone', async () => {
    await withStack((stack) => {
      expect(stack.dialectFor('qcow2')).toBe(stack.images[0]!.dialect);
      expect(stack.dialectFor('raw')).toBe(PLAIN_DIALECT);
      expect(stack.linkId).toBe(stack.images[0]!.linkId);
      return Promise.resolve();
    });
  });
});

describe('a stack of more layers than a map can name', () => {
  it('is refused before any of them is opened, and never read as another one', async () => {
    const layer: LayerFile = {
      ...{ repositoryId: 'primary', path: 'top.qcow2', format: 'qcow2', stamp: null },
    };
    const context = new InProcessMover(new SimulatedRepository('primary')).context();
    const open = (count: number) =>
      ImageStack.open(context, new Array<LayerFile>(count).fill(layer), 0);
    await expect(open(70_000)).rejects.toMatchObject({
      code: 'IMAGE_LIMIT_EXCEEDED',
      message: 'top.qcow2 stands on a chain of 70000 files; at most 65536 are read as one disk',
    });
    await expect(open(65_537)).rejects.toMatchObject({ code: 'IMAGE_LIMIT_EXCEEDED' });
    await (await open(65_536)).close();
  });
});
