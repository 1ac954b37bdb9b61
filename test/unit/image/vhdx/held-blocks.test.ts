import { describe, expect, it } from 'vitest';
import { HeldBlocks } from '../../../../src/image/vhdx/held-blocks.js';
import { VHDX } from '../../../../src/image/vhdx/vhdx-format.js';
import { blockOf, composeDisk } from '../../../support/image/composed-disk.js';

const END = 2_000_000;
/** Side by side, at both ends of a byte and of 4 KiB of bits, and far apart. */
const HELD = [0, 1, 7, 8, 63, 32_767, 32_768, 65_535, 1_000_003, END - 1];

describe('the payload blocks that a VHDX says something of', () => {
  const held = new HeldBlocks();
  for (const block of [...HELD].reverse()) held.add(block);

  it('are those that were entered', () => {
    for (const block of HELD) {
      expect(held.has(block)).toBe(true);
      for (const beside of [block - 1, block + 1])
        expect(held.has(beside)).toBe(HELD.includes(beside));
    }
  });

  it('are found from any place on', () => {
    for (const block of HELD)
      for (const from of [block - 1, block, block + 1].filter((at) => at >= 0))
        expect(held.next(from, END)).toBe(HELD.find((at) => at >= from) ?? END);
    expect(held.next(2, 5)).toBe(5);
    expect(held.next(100_000, 900_000)).toBe(900_000);
  });

  it('take no memory where there are none', async () => {
    const disk = {
      virtualSizeBytes: 2 ** 41,
      dialect: {},
      blocks: new Map([
        [0, blockOf(1)],
        [30_000_000, blockOf(2)],
      ]),
    };
    const image = await VHDX.open(await composeDisk(VHDX.composer, disk));
    const part = Buffer.alloc(65_536);
    await image.read(part, 30_000_000 * 65_536, null);
    expect(part.equals(blockOf(2))).toBe(true);
    // A bit for each of its 2,097,152 payload blocks would take 256 KiB; two pages of the BAT are kept, too.
    expect(image.tableBytes).toBeLessThan(2 * 4_096 + 2 * 65_536 + 4_096);
  });
});
