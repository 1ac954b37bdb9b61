import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ABSENT_OFFSET,
  BlockListReader,
  BlockListWriter,
  ENCODED_OFFSET,
  guestBlockOf,
  isHoleOffset,
  layerOf,
  packBlock,
  ZERO_OFFSET,
} from '../../../../src/mover/blocks/block-list.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const TOKEN = '00112233445566778899aabbccddeeff';
const HEADER_BYTES = 64;
const ENTRY_BYTES = 16;
/** More than two parts of 1 MiB, the last one cut somewhere. */
const MANY = 2 * 65_536 + 77;

type Pair = readonly [packed: number, offset: number];

let repository: SimulatedRepository;
beforeEach(() => {
  repository = new SimulatedRepository('offsite');
});

/** By hand, as a list is described: magic, token, count and half the digest of the entries, which are pairs of float64. */
function byHand(pairs: readonly Pair[], magic = 'LHLIST4\0'): Buffer {
  const entries = Buffer.alloc(pairs.length * ENTRY_BYTES);
  for (const [i, [packed, offset]] of pairs.entries()) {
    entries.writeDoubleLE(packed, i * ENTRY_BYTES);
    entries.writeDoubleLE(offset, i * ENTRY_BYTES + 8);
  }
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(magic + TOKEN, 'latin1');
  header.writeDoubleLE(pairs.length, 40);
  createHash('sha256').update(entries).digest().copy(header, 48, 0, 16);
  return Buffer.concat([header, entries]);
}

async function written(pairs: readonly Pair[], reserved = 1): Promise<BlockListWriter> {
  const file = await repository.openWrite('disk.blocks', 'new');
  const writer = new BlockListWriter(file, TOKEN);
  for (const [i, pair] of pairs.entries()) {
    if (i % reserved === 0) await writer.reserve(reserved);
    writer.push(...pair);
  }
  expect(await writer.finish()).toBe(pairs.length);
  await writer.close();
  await file.close();
  return writer;
}

async function stored(): Promise<Buffer> {
  const file = await repository.openRead('disk.blocks');
  const bytes = Buffer.alloc((await file.stamp()).sizeBytes);
  await file.read(bytes, 0);
  return bytes;
}

async function open(bytes?: Buffer, token = TOKEN): Promise<BlockListReader> {
  if (bytes !== undefined) await repository.put('disk.blocks', bytes);
  return BlockListReader.open(await repository.openRead('disk.blocks'), token);
}

const pairsOf = (values: Float64Array): Pair[] =>
  Array.from({ length: values.length / 2 }, (_, i) => [values[2 * i]!, values[2 * i + 1]!]);

const many: readonly Pair[] = Array.from({ length: MANY }, (_, i) => [
  packBlock(3 * i, i % 7),
  [i * 65_536, ENCODED_OFFSET, ABSENT_OFFSET, ZERO_OFFSET][i % 4]!,
]);

describe('an entry of a list', () => {
  it('names the block and its layer exactly, up to the largest of both', () => {
    for (const [block, layer] of [
      [0, 0],
      [2 ** 37 - 1, 65_535],
      [5, 65_535],
      [2 ** 37 - 1, 0],
    ] as const) {
      const packed = packBlock(block, layer);
      expect(Number.isSafeInteger(packed)).toBe(true);
      expect([guestBlockOf(packed), layerOf(packed)]).toEqual([block, layer]);
    }
  });

  it('is a hole when nothing is copied into its slot, and none where a reader gets the block', () => {
    expect([ABSENT_OFFSET, ZERO_OFFSET, ENCODED_OFFSET, 0].map(isHoleOffset)).toEqual([
      ...[true, true, false, false],
    ]);
  });
});

describe('a list of blocks', () => {
  it.each([0, 1, 5, MANY])('of %d entries is written as it is described', async (count) => {
    const pairs = many.slice(0, count);
    const writer = await written(pairs, 1_000);
    // A MiB at once, and the header.
    expect(repository.operations.filter(({ kind }) => kind === 'write')).toHaveLength(
      Math.ceil(count / 65_000) + 1,
    );
    expect(writer.holeCount).toBe(pairs.filter((_, i) => i % 4 >= 2).length);
    expect((await stored()).equals(byHand(pairs))).toBe(true);
  });

  it('takes as many entries as were reserved, also when that fills its memory to the last', async () => {
    await written(many.slice(0, 65_536), 65_536);
    expect((await stored()).equals(byHand(many.slice(0, 65_536)))).toBe(true);
  });

  it('gives back each entry, wherever one begins to read, and fewer at its end', async () => {
    const list = await open(byHand(many));
    await list.assertSound();
    expect(list.count).toBe(MANY);
    for (const [first, count] of [
      [0, 3],
      [65_535, 2],
      [MANY - 2, 9],
      [MANY, 4],
      [MANY + 5, 4],
    ] as const)
      expect(pairsOf(await list.read(first, count))).toEqual(many.slice(first, first + count));
  });

  it('goes through all of itself in parts', async () => {
    const list = await open(byHand(many));
    const seen = new Float64Array(MANY * 2);
    const firsts: number[] = [];
    for await (const { first, pairs } of list.parts()) {
      firsts.push(first);
      seen.set(pairs, first * 2);
    }
    expect(firsts).toEqual([0, 65_536, 131_072]);
    expect(Buffer.from(seen.buffer).equals(byHand(many).subarray(HEADER_BYTES))).toBe(true);
  });

  // Half of the entries are holes.
  it.each([
    [0, MANY, Math.ceil(MANY / 2)],
    [0, 4, 2],
    [2, 2, 0],
    [65_536, 65_537, 32_769],
    [MANY - 1, 1, 1],
    [0, 0, 0],
  ])(
    'counts what is copied for its entries from %d on, %d of them',
    async (first, count, copied) => {
      expect(await (await open(byHand(many))).countCopied(first, count)).toBe(copied);
    },
  );
});

describe('a list of a build before 28 November 2026', () => {
  // layer × 2^40 there.
  const earlier = byHand(
    [
      [7, 65_536],
      [9 + 3 * 2 ** 40, ZERO_OFFSET],
      [2 ** 37 - 1 + 8_191 * 2 ** 40, 0],
    ],
    'LHLIST2\0',
  );
  const now: Pair[] = [
    [packBlock(7, 0), 65_536],
    [packBlock(9, 3), ZERO_OFFSET],
    [packBlock(2 ** 37 - 1, 8_191), 0],
  ];

  it('is whole, and says the same of each block', async () => {
    const list = await open(earlier);
    await list.assertSound();
    expect(pairsOf(await list.read(0, 3))).toEqual(now);
    for await (const { pairs } of list.parts()) expect(pairsOf(pairs)).toEqual(now);
  });
});

it('of a build before 29 November 2026 a list says the same', async () => {
  const list = await open(byHand(many.slice(0, 5), 'LHLIST3\0'));
  await list.assertSound();
  expect(pairsOf(await list.read(0, 5))).toEqual(many.slice(0, 5));
});

describe('a list that is not trusted', () => {
  const whole = byHand(many.slice(0, 5));
  const refused = { code: 'STAGING_INVALID', details: { path: 'disk.blocks' } };

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['of another magic', (bytes) => bytes.fill('X', 6, 7)],
    ['of another plan', (bytes) => bytes.fill('f', 8, 9)],
    ['of another plan, in its last digit', (bytes) => bytes.fill('0', 39, 40)],
    ['cut in its header', (bytes) => bytes.subarray(0, HEADER_BYTES - 1)],
    ['that is empty', () => Buffer.alloc(0)],
    ['of half an entry', (bytes) => (bytes.writeDoubleLE(4.5, 40), bytes)],
    ['of fewer than none', (bytes) => (bytes.writeDoubleLE(-1, 40), bytes)],
  ])('is one %s', async (_, damage) => {
    await expect(open(damage(Buffer.from(whole)))).rejects.toMatchObject(refused);
  });

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['cut in its last entry', (bytes) => bytes.subarray(0, bytes.length - 1)],
    ['that counts more entries', (bytes) => (bytes.writeDoubleLE(6, 40), bytes)],
    ['that counts fewer entries', (bytes) => (bytes.writeDoubleLE(4, 40), bytes)],
    ['of which one entry is another', (bytes) => (bytes.writeDoubleLE(1, HEADER_BYTES), bytes)],
    ['of which the digest is another', (bytes) => bytes.fill(1, 63, 64)],
  ])('is one %s, once it is gone over', async (_, damage) => {
    const list = await open(damage(Buffer.from(whole)));
    await expect(list.assertSound()).rejects.toMatchObject(refused);
  });

  it('is never taken for a shorter one', async () => {
    const list = await open(whole.subarray(0, whole.length - 1));
    await expect(list.read(4, 1)).rejects.toMatchObject(refused);
    expect(pairsOf(await list.read(0, 4))).toEqual(many.slice(0, 4));
  });
});
