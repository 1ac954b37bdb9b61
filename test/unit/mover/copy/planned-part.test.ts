import { describe, expect, it } from 'vitest';
import { composerOf } from '../../../../src/image/formats.js';
import {
  guestBlockOf,
  layerOf,
  packBlock,
  BlockListWriter,
  BlockListReader,
} from '../../../../src/mover/blocks/block-list.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { PlannedPart } from '../../../../src/mover/copy/planned-part.js';

/** Blocks 0 to 5: one increment over a full that was made in the same way. */
const PLANNED = [
  [packBlock(0, 1), 3 * 65_536],
  [packBlock(1, 0), 65_536],
  [packBlock(2, 1), 65_536],
  [packBlock(3, 0), 0],
  [packBlock(4, 1), 2 * 65_536],
] as const;

describe('the slots of planned blocks', () => {
  async function order(slotOrder: 'any' | 'ascending'): Promise<number[]> {
    const part = new PlannedPart({ slotOrder, granuleBlocks: 1 });
    for (const [packed, offset] of PLANNED) part.add(packed, offset);
    const blocks: number[] = [];
    const writer: Pick<BlockListWriter, 'reserve' | 'push'> = {
      reserve: () => Promise.resolve(),
      push: (packed) => blocks.push(guestBlockOf(packed)),
    };
    await part.flush(writer as BlockListWriter);
    await part.close();
    return blocks;
  }

  it('go by where the source is read, where a file of the format may have any order', async () => {
    expect(await order('any')).toEqual([3, 1, 2, 4, 0]);
  });

  it('go by the disk in a stream, which needs a run for each piece that lies elsewhere', async () => {
    const traits = composerOf('virtnbd').traits({}, 'full');
    expect(await order(traits.slotOrder as 'ascending')).toEqual([0, 1, 2, 3, 4]);
  });

  it('keep every block of 8 PiB, as many as a number of bytes counts, apart in a chain of 60,000 points', () => {
    const block = 2 ** 37 - 1;
    const packed = packBlock(block, 60_000);
    expect([guestBlockOf(packed), layerOf(packed)]).toEqual([block, 60_000]);
  });

  it('are read as they are in the list of a build that kept 13 bits for the layer', async () => {
    const repository = new SimulatedRepository();
    const token = '0123456789abcdef0123456789abcdef';
    const file = await repository.openWrite('list', 'open-or-new');
    const writer = new BlockListWriter(file, token);
    await writer.reserve(1);
    writer.push(5 + 3 * 2 ** 40, 65_536);
    await writer.finish();
    await file.write(Buffer.from('LHLIST2\0', 'latin1'), 0);
    const list = await BlockListReader.open(await repository.openRead('list'), token);
    await list.assertSound();
    const [packed, offset] = await list.read(0, 1);
    expect([guestBlockOf(packed!), layerOf(packed!), offset]).toEqual([5, 3, 65_536]);
    for await (const { pairs } of list.parts()) expect(layerOf(pairs[0]!)).toBe(3);
  });
});
