import { describe, expect, it } from 'vitest';
import type { ByteSource } from '../../../../src/image/byte-source.js';
import { BLOCK_DIRECT } from '../../../../src/image/disk-image.js';
import { QCOW2 } from '../../../../src/image/qcow2/qcow2-format.js';
import { blockOf, composeDisk } from '../../../support/image/composed-disk.js';

const BLOCK = 65_536;
/** Of one L2 table with clusters of 64 KiB: 8,192 of them. */
const TABLE_BLOCKS = 8_192;
const TABLES = 3;

describe('a qcow2 image of which one table is kept', () => {
  // Who is next in turn is a matter of microtasks, so all of them are tried.
  it.each(Array.from({ length: 16 }, (_, turns) => turns))(
    'is read right by three who ask for three tables at once, the last %i turns later',
    async (turns) => {
      const blocks = new Map(
        Array.from({ length: TABLES }, (_, i) => [i * TABLE_BLOCKS, blockOf(i)] as const),
      );
      const disk = { virtualSizeBytes: TABLES * TABLE_BLOCKS * BLOCK, dialect: {}, blocks };
      const file = await composeDisk(QCOW2.composer, disk);
      const gates: (() => void)[] = [];
      let isGated = false;
      const source: ByteSource = {
        label: file.label,
        sizeBytes: file.sizeBytes,
        read: async (target, offset) => {
          if (isGated) await new Promise<void>((resolve) => gates.push(resolve));
          await file.read(target, offset);
        },
      };
      const image = await QCOW2.open(source);
      image.keepTables!(1);
      isGated = true;
      const first = [0, 1].map((i) => image.mapBlocks(i * TABLE_BLOCKS, 1));
      await new Promise((resolve) => setImmediate(resolve));
      expect(gates).toHaveLength(2);
      isGated = false;
      for (const open of gates) open();
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      const maps = await Promise.all([...first, image.mapBlocks(2 * TABLE_BLOCKS, 1)]);
      expect(maps.map(({ states }) => states[0])).toEqual(Array(TABLES).fill(BLOCK_DIRECT));
      for (const [i, { hostOffsets }] of maps.entries()) {
        const at = hostOffsets[0]!;
        expect(file.bytes.subarray(at, at + BLOCK).equals(blockOf(i))).toBe(true);
      }
    },
  );
});
