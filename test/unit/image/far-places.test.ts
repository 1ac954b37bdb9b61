import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { slotOffset } from '../../../src/domain/targets/slot-placement.js';
import type { Dialect } from '../../../src/image/disk-image.js';
import type { ComposedFormat } from '../../../src/image/formats.js';
import type { FileParent, FileShape, PlannedContent } from '../../../src/image/image-format.js';
import { QCOW2 } from '../../../src/image/qcow2/qcow2-format.js';
import { VHD } from '../../../src/image/vhd/vhd-format.js';
import { VHDX } from '../../../src/image/vhdx/vhdx-format.js';
import { VMDK } from '../../../src/image/vmdk/vmdk-format.js';
import { FileBytes } from '../../support/image/byte-files.js';
import { firstDifference } from '../../support/image/composed-disk.js';
import { libvhdiPart } from '../../support/image/libvhdi.js';
import { qemuPart, requireTool, temporaryFolder } from '../../support/image/qemu.js';

const BLOCK = 65_536;
const TIB = 2 ** 40;
const DISK_BYTES = 1.5 * TIB;
/** Of the disk and of the slots: from there on sectors take the 32nd bit, and bytes and MiB more than 32 bits. */
const FAR = TIB / BLOCK;

/** Guest blocks by number, with their slots: near and far, in the file and on the disk. All of them begin a granule, in every format. */
const FULL = new Map([
  [0, FAR + 64],
  [64, 0],
  [FAR + 4_096, FAR + 32],
  [FAR + 8_192, 32],
]);
/** Beside the blocks of the full, so that the full is seen in the rest of their granules. */
const INCREMENT = new Map([
  [1, FAR + 33],
  [FAR + 8_193, FAR + 97],
]);
const SLOTS = FAR + 128;

type Read = (offset: number, length: number, ...paths: readonly string[]) => Promise<Buffer>;

const ROWS: readonly (readonly [string, ComposedFormat, Dialect, Read, Read])[] = [
  ['qcow2', QCOW2, {}, qemuPart('qcow2'), qemuPart('qcow2')],
  ['vmdk', VMDK, {}, qemuPart('vmdk'), qemuPart('vmdk')],
  ['vhd', VHD, { isFixed: false }, qemuPart('vpc'), libvhdiPart],
  ['vhdx', VHDX, { physicalSectorBytes: 512 }, qemuPart('vhdx'), libvhdiPart],
];

function contentOf(blocks: ReadonlyMap<number, number>): PlannedContent {
  const slots = [...blocks.values()];
  return {
    nextMapped: (block) =>
      Promise.resolve(Math.min(...[...blocks.keys()].filter((held) => held >= block), Infinity)),
    mapBlocks: (first, out) => {
      out.fill(0);
      for (const [block, slot] of blocks)
        if (block >= first && block < first + out.length) out[block - first] = 2 + slot;
      return Promise.resolve();
    },
    slotsInUse: (first, out) => {
      out.fill(0);
      for (const slot of slots)
        if (slot >= first && slot < first + out.length) out[slot - first] = 1;
      return Promise.resolve();
    },
  };
}

function bytesOf(block: number, layer: number): Buffer {
  return Buffer.alloc(BLOCK, (block % 64) + 1 + 32 * layer);
}

function expectSame(seen: Buffer, ...expected: readonly Buffer[]): void {
  expect(firstDifference(seen, Buffer.concat(expected))).toBeNull();
}

describe.skipIf(!requireTool('qemu-img')).each(ROWS)(
  'files of %s that are larger than 1 TiB',
  (name, { composer, open }, dialect, readFull, readIncrement) => {
    const folder = temporaryFolder();
    const paths = ['full', 'increment'].map((each) => join(folder.path, `${each}.${name}`));
    const [full = '', increment = ''] = paths;
    afterAll(() => folder.remove());

    async function compose(
      path: string,
      blocks: ReadonlyMap<number, number>,
      parent: FileParent | null,
    ): Promise<string | null> {
      const layer = parent === null ? 0 : 1;
      const shape: FileShape = {
        ...{ virtualSizeBytes: DISK_BYTES, slotCount: SLOTS, fileName: `file.${name}` },
        ...{ parent, dialect, seed: `${layer}`.repeat(32), linkId: null },
      };
      const placement = composer.place(shape);
      return FileBytes.with(path, 'w+', async (file) => {
        for (const [block, slot] of blocks)
          await file.write(bytesOf(block, layer), slotOffset(placement, slot));
        await composer.compose(file, shape, contentOf(blocks));
        return (await open(file)).linkId;
      });
    }

    it('are read by other tools as planned, and by Longhaul', async () => {
      const linkId = await compose(full, FULL, null);
      const parent = { link: `full.${name}`, format: name, linkId, virtualSizeBytes: DISK_BYTES };
      await compose(increment, INCREMENT, parent);
      for (const block of FULL.keys())
        expectSame(await readFull(block * BLOCK, BLOCK, full), bytesOf(block, 0));
      for (const block of INCREMENT.keys()) {
        const seen = await readIncrement((block - 1) * BLOCK, 3 * BLOCK, increment, full);
        expectSame(seen, bytesOf(block - 1, 0), bytesOf(block, 1), Buffer.alloc(BLOCK));
      }
      for (const [layer, blocks] of [FULL, INCREMENT].entries())
        await FileBytes.with(paths[layer]!, 'r', async (file) => {
          const image = await open(file);
          for (const block of blocks.keys()) {
            const seen = Buffer.alloc(BLOCK);
            await image.read(seen, block * BLOCK, null);
            expectSame(seen, bytesOf(block, layer));
          }
        });
    });
  },
);
