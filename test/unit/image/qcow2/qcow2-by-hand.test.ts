import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  BLOCK_DIRECT,
  BLOCK_ENCODED,
  BLOCK_UNALLOCATED,
  BLOCK_ZERO,
  type BlockMap,
} from '../../../../src/image/disk-image.js';
import { openQcow2Image, type Qcow2Image } from '../../../../src/image/qcow2/qcow2-image.js';
import { SeededRandom } from '../../../support/fuzz/seeded-random.js';
import { MemoryBytes } from '../../../support/image/byte-files.js';
import { qemuBytes, requireTool, temporaryFolder } from '../../../support/image/qemu.js';
import {
  Qcow2ByHand,
  type ClusterKind,
  type HandMade,
} from '../../../support/image/qcow2-by-hand.js';

const BLOCK = 65_536;
const STATES = {
  data: BLOCK_DIRECT,
  zeros: BLOCK_ZERO,
  below: BLOCK_UNALLOCATED,
  compressed: BLOCK_ENCODED,
  mixed: BLOCK_ENCODED,
};
/** What the layer below shows: other bytes at each place, and never zeros. */
const below = (at: number): number => ((at * 7 + Math.floor(at / 251)) % 255) + 1;
const readBelow = (target: Uint8Array, offset: number): Promise<void> => {
  for (let i = 0; i < target.length; i++) target[i] = below(offset + i);
  return Promise.resolve();
};

interface Shape {
  readonly clusterBits: number;
  readonly isExtended: boolean;
  /** Of the disk; the last one is no whole one. */
  readonly clusterCount: number;
}

/** Clusters from 512 bytes to 256 KiB; subclusters of 512 bytes, 2 KiB and 64 KiB. */
const SHAPES: readonly Shape[] = [
  { clusterBits: 9, isExtended: false, clusterCount: 700 },
  { clusterBits: 12, isExtended: false, clusterCount: 3 * 512 - 4 },
  { clusterBits: 15, isExtended: false, clusterCount: 3 * 4_096 - 1 },
  { clusterBits: 16, isExtended: false, clusterCount: 4 * 8_192 - 2 },
  { clusterBits: 18, isExtended: false, clusterCount: 3 * 32_768 - 2 },
  { clusterBits: 14, isExtended: true, clusterCount: 3 * 1_024 - 3 },
  { clusterBits: 16, isExtended: true, clusterCount: 4 * 4_096 - 2 },
  { clusterBits: 21, isExtended: true, clusterCount: 5 },
  // What lies behind the disk has a table of its own.
  { clusterBits: 14, isExtended: true, clusterCount: 2 * 1_024 },
  { clusterBits: 12, isExtended: false, clusterCount: 512 },
];

function handMade({ clusterBits, isExtended, clusterCount }: Shape, seed: number): HandMade {
  const random = new SeededRandom(seed + clusterBits + (isExtended ? 100 : 0));
  const clusterBytes = 2 ** clusterBits;
  const perTable = clusterBytes / (isExtended ? 16 : 8);
  const clusters = new Map<number, ClusterKind>();
  const wanted = Math.min(50, clusterCount);
  // Close together at the start, at both sides of where a table ends, and at the end of the disk; the second table is not there.
  const around = [0, 4, 9, 2 * perTable, 3 * perTable, clusterCount - 6].filter(
    (at) => at < clusterCount,
  );
  while (clusters.size < wanted && around.length > 0) {
    const cluster = Math.max(0, random.oneOf(around) + random.below(12) - 4);
    const isInSecond = clusterCount > 2 * perTable && Math.floor(cluster / perTable) === 1;
    if (cluster < clusterCount && !isInSecond) clusters.set(cluster, kindOf(random, isExtended));
    if (random.below(400) === 0) break;
  }
  const order = [...clusters.keys()].sort((a, b) => a - b);
  for (let swaps = 0; swaps < 6; swaps++) {
    const [a, b] = [random.below(order.length), random.below(order.length)];
    [order[a], order[b]] = [order[b]!, order[a]!];
  }
  // A reference behind the end of the disk, as a shrunk one leaves it; nothing tells what it is of.
  clusters.set(clusterCount, { is: 'data' });
  order.unshift(clusterCount);
  const virtualSizeBytes =
    clusterCount * clusterBytes - (clusterBytes > 512 ? clusterBytes / 2 - 512 : 0);
  return { clusterBits, isExtended, virtualSizeBytes, clusters, order };
}

function kindOf(random: SeededRandom, isExtended: boolean): ClusterKind {
  if (random.below(12) === 0) return { is: 'nothing' };
  const drawn = random.below(isExtended ? 9 : 6);
  if (drawn < 3) return { is: 'data' };
  if (drawn === 3) return { is: 'zeros', hasPlace: random.below(2) === 0 };
  if (drawn === 4) return { is: 'compressed', startsAt: random.below(300) };
  if (drawn === 5) return { is: 'zeros', hasPlace: false };
  const letters = random.oneOf(['dz-', 'd-', 'z-', 'dddddd-', 'd']);
  const parts = Array.from({ length: 32 }, () => letters[random.below(letters.length)]).join('');
  return { is: 'parts', parts, hasPlace: parts.includes('d') || random.below(2) === 0 };
}

async function expectMap(
  image: Qcow2Image,
  model: Qcow2ByHand,
  first: number,
  count: number,
  reuse?: BlockMap,
) {
  const map = await image.mapBlocks(first, count, reuse);
  const expected = Array.from({ length: count }, (_, i) => model.blockState(first + i));
  expect([...map.states], `blocks from ${first}`).toEqual(
    expected.map(({ state }) => STATES[state]),
  );
  expect([...map.hostOffsets], `blocks from ${first}`).toEqual(expected.map(({ host }) => host));
  return map;
}

async function expectRead(image: Qcow2Image, model: Qcow2ByHand, offset: number, length: number) {
  for (const hasBelow of [true, false]) {
    const target = Buffer.alloc(length, 0xcc);
    await image.read(target, offset, hasBelow ? readBelow : null);
    const expected = model.guest(offset, length, hasBelow ? below : () => 0);
    expect(target.equals(expected), `${length} bytes at ${offset}, ${hasBelow}`).toBe(true);
  }
}

describe.each(SHAPES)(
  'a qcow2 file by hand: clusters of 2^$clusterBits, extended $isExtended',
  (shape) => {
    const made = handMade(shape, 1);
    const model = new Qcow2ByHand(made);
    const { virtualSizeBytes, clusters } = made;
    const clusterBytes = 2 ** shape.clusterBits;
    const blockCount = Math.ceil(virtualSizeBytes / BLOCK);
    const open = () => openQcow2Image(new MemoryBytes(model.bytes));
    /** Where something is, and its neighbours. */
    const places = [...clusters.keys()].map((cluster) => cluster * clusterBytes);

    it('is mapped block by block as it is, wherever a part begins', async () => {
      const image = await open();
      let map: BlockMap | undefined;
      for (const at of [...places, virtualSizeBytes - 1, virtualSizeBytes + 10 * BLOCK]) {
        const block = Math.max(0, Math.floor(at / BLOCK) - 2);
        map = await expectMap(image, model, block, 7, map);
        await expectMap(image, model, block + 1, 1);
      }
    });

    it('shows a guest what it holds, wherever a read begins and ends', async () => {
      const image = await open();
      const random = new SeededRandom(7);
      for (const at of [...places, virtualSizeBytes - 700, virtualSizeBytes + 5]) {
        const offset = Math.max(0, at - random.below(2 * clusterBytes));
        await expectRead(
          image,
          model,
          offset,
          random.below(Math.min(3 * clusterBytes, 300_000)) + 1,
        );
        await expectRead(image, model, at, 513);
      }
    });

    it('says the same of all when it may keep one table alone, also to several who read at once', async () => {
      const image = await open();
      image.keepTables!(1);
      const far = [...places].sort((a, b) => (a % 7) - (b % 7) || a - b);
      for (const at of far) await expectMap(image, model, Math.floor(at / BLOCK), 2);
      await Promise.all(
        far.map((at, i) =>
          i % 3 === 0
            ? expectMap(image, model, Math.floor(at / BLOCK), 2)
            : expectRead(image, model, Math.max(0, at - 5_000), 10_001),
        ),
      );
    });

    it('has nothing to look at between its tables', async () => {
      const image = await open();
      const span = model.tableSpanBytes;
      const inDisk = model.tables.filter((table) => table * span < virtualSizeBytes);
      const next = (block: number): number => {
        const table = inDisk.find((number) => (number + 1) * span > block * BLOCK);
        return table === undefined
          ? blockCount
          : Math.max(block, Math.floor((table * span) / BLOCK));
      };
      const blocks = [
        0,
        1,
        ...inDisk.flatMap((table) =>
          [-1, 0, 1].map((by) => Math.floor((table * span) / BLOCK) + by),
        ),
      ];
      for (const block of [...blocks, blockCount - 1, blockCount, 0].filter(
        (at) => at >= 0 && at <= blockCount,
      ))
        expect(image.nextHeldBlock(block), String(block)).toBe(next(block));
      expect(image.nextHeldBlock(blockCount + 3)).toBe(blockCount + 3);
    });

    it('is surveyed: what is compressed, what lies behind the disk, and where its last cluster ends', async () => {
      const image = await open();
      let looks = 0;
      const survey = await image.survey(() => void looks++);
      const isCompressed = ([cluster, { is }]: [number, ClusterKind]): boolean =>
        is === 'compressed' && cluster * clusterBytes < virtualSizeBytes;
      expect(survey).toEqual({
        compressedClusters: [...clusters].filter(isCompressed).length,
        strayReferences: 1,
        endOfReferences: Math.ceil(model.bytes.length / clusterBytes) * clusterBytes,
      });
      expect(looks).toBe(model.tables.length);
      const stop = () => {
        throw new Error('stopped');
      };
      await expect(image.survey(stop)).rejects.toThrow('stopped');
    });

    it('says of itself what its header says', async () => {
      const image = await open();
      expect([image.virtualSizeBytes, image.clusterBytes, image.parent, image.linkId]).toEqual([
        ...[virtualSizeBytes, clusterBytes, null, null],
      ]);
      expect([image.format, image.label]).toEqual(['qcow2', 'memory.img']);
    });
  },
);

describe.skipIf(!requireTool('qemu-img'))('a small one', () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());

  it.each(SHAPES.filter(({ clusterBits }) => [9, 12, 21].includes(clusterBits)))(
    'is to QEMU the disk that it was made to be: clusters of 2^$clusterBits',
    async (shape) => {
      const made = handMade(shape, 1);
      const model = new Qcow2ByHand(made);
      const path = join(folder.path, `${shape.clusterBits}.qcow2`);
      await writeFile(path, model.bytes);
      const expected = model.guest(0, made.virtualSizeBytes, () => 0);
      expect((await qemuBytes(path, 'qcow2')).equals(expected)).toBe(true);
    },
  );
});

describe('a disk of which nothing is stored', () => {
  const LENGTH = 12 * 65_536;
  const empty = (clusters: ReadonlyMap<number, ClusterKind>): HandMade => ({
    ...{ clusterBits: 16, isExtended: false, virtualSizeBytes: LENGTH },
    ...{ clusters, order: [...clusters.keys()] },
  });

  // Header, table of reference counts, their block, L1 table; then the L2 table.
  it.each<[string, ReadonlyMap<number, ClusterKind>, clusters: number]>([
    ['nothing at all', new Map(), 4],
    ['zeros alone', new Map([[3, { is: 'zeros', hasPlace: false }]]), 5],
    ['a mark without a place', new Map([[3, { is: 'nothing' }]]), 5],
  ])('ends behind its tables: %s', async (_, clusters, count) => {
    const model = new Qcow2ByHand(empty(clusters));
    const image = await openQcow2Image(new MemoryBytes(model.bytes));
    expect(await image.survey()).toEqual({
      ...{ compressedClusters: 0, strayReferences: 0, endOfReferences: count * 65_536 },
    });
    await expectMap(image, model, 0, 14);
    await expectRead(image, model, 0, LENGTH + 9);
  });
});

describe('the last cluster of a file that was cut', () => {
  const made = (kind: ClusterKind, isExtended: boolean) => {
    const shape = { clusterBits: 16, isExtended, virtualSizeBytes: 4 * 65_536 };
    return new Qcow2ByHand({ ...shape, clusters: new Map([[1, kind]]), order: [1] });
  };
  const mapOf = async (bytes: Buffer) =>
    (await openQcow2Image(new MemoryBytes(bytes))).mapBlocks(0, 4);
  const truncated = { code: 'IMAGE_TRUNCATED' };

  it('is read as far as its last stored subcluster, and refused within that', async () => {
    const model = made({ is: 'parts', parts: `dzd${'-'.repeat(29)}`, hasPlace: true }, true);
    const needed = model.bytes.length - 65_536 + 3 * 2_048;
    const image = await openQcow2Image(new MemoryBytes(model.bytes.subarray(0, needed)));
    await expectRead(image, model, 0, 4 * 65_536);
    await expect(mapOf(model.bytes.subarray(0, needed - 1))).rejects.toMatchObject(truncated);
  });

  // The last sector of compressed data need not be whole: where they end within it nothing tells before they are read.
  it('is refused when compressed data do not reach into their last sector', async () => {
    const { bytes } = made({ is: 'compressed', startsAt: 100 }, false);
    const lastSector = Math.floor((bytes.length - 1) / 512) * 512;
    expect((await mapOf(bytes.subarray(0, lastSector + 1))).states[1]).toBe(BLOCK_ENCODED);
    await expect(mapOf(bytes.subarray(0, lastSector))).rejects.toMatchObject(truncated);
    const cut = await openQcow2Image(new MemoryBytes(bytes.subarray(0, -1)));
    await expect(cut.read(Buffer.alloc(9), 65_536, null)).rejects.toMatchObject({
      code: 'IMAGE_CORRUPT',
    });
  });
});
