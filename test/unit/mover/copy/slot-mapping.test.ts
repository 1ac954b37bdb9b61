import { describe, expect, it } from 'vitest';
import {
  BlockListReader,
  BlockListWriter,
  packBlock,
} from '../../../../src/mover/blocks/block-list.js';
import { SlotMapping } from '../../../../src/mover/copy/slot-mapping.js';
import { CallCounter } from '../../../support/repository/count-calls.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const TOKEN = '0123456789abcdef0123456789abcdef';
/** Blocks of 256 GiB of disk, and entries of a list that are read at once. */
const WINDOW = 4 * 1024 * 1024;
const PART = 65_536;

async function listOf(
  entries: readonly (readonly [number, number])[],
  repository = new SimulatedRepository(),
): Promise<BlockListReader> {
  const writer = new BlockListWriter(await repository.openWrite('list', 'open-or-new'), TOKEN);
  for (const [first, second] of entries) {
    await writer.reserve(1);
    writer.push(first, second);
  }
  await writer.finish();
  return BlockListReader.open(await repository.openRead('list'), TOKEN);
}

describe('the mapping of guest blocks to slots', () => {
  it('asks once for each slot, however many stretches of a large disk there are', async () => {
    const stretches = 3;
    const blocks = Array.from(
      { length: stretches * PART },
      (_, slot) => [packBlock(Math.floor(slot / PART) * WINDOW + (slot % PART), 0), 0] as const,
    );
    const asked: number[] = [];
    const mapping = new SlotMapping(
      await listOf(blocks),
      await listOf([[WINDOW + PART, 2]]),
      stretches * WINDOW,
      (first, count) => {
        asked.push(first);
        // Of each part the second block was found to be zeros.
        return Promise.resolve(new Uint8Array(count).fill(1).fill(0, 1, 2));
      },
    );
    const values: number[][] = [];
    for (let stretch = 0; stretch < stretches; stretch++) {
      const out = new Float64Array(PART + 3);
      await mapping.mapBlocks(stretch * WINDOW, out);
      values.push([out[0]!, out[1]!, out[2]!, ...out.subarray(PART)]);
    }
    expect(values).toEqual([
      [2, 1, 4, 0, 0, 0],
      [2 + PART, 1, 4 + PART, 1, 1, 0],
      [2 + 2 * PART, 1, 4 + 2 * PART, 0, 0, 0],
    ]);
    expect(asked).toEqual([0, PART, 2 * PART]);
  });

  it.each([
    { whether: 'after a look at what is mapped', looks: true, expected: [3, 2, 2, 1] },
    { whether: 'without', looks: false, expected: [0, 3, 2, 1] },
  ])('reads of a list what lies in a part of the disk, $whether', async ({ looks, expected }) => {
    // Three parts of the list: blocks of the first third of the disk, of the second, and of all.
    const blocks = Array.from({ length: 3 * PART }, (_, slot) => {
      const third = Math.floor(slot / PART);
      const at = third === 2 ? slot % 3 : third;
      return [packBlock(at * WINDOW + (slot % PART), 0), 0] as const;
    });
    const storage = new SimulatedRepository();
    const calls = new CallCounter(storage, /^list$/);
    const list = await listOf(blocks, storage);
    const mapping = new SlotMapping(list, await listOf([]), 3 * WINDOW, null);
    const reads: number[] = [];
    const readsOf = async (work: () => Promise<unknown>) => {
      calls.reset();
      await work();
      reads.push(calls.reads);
    };
    await readsOf(async () => looks && (await mapping.nextMapped(0)));
    for (let third = 0; third < 3; third++)
      await readsOf(() => mapping.mapBlocks(third * WINDOW, new Float64Array(PART)));
    expect(reads).toEqual(expected);
  });
});
