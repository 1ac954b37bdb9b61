import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openQcow2Image } from '../../../src/image/qcow2/qcow2-image.js';
import { FileBytes } from '../../support/image/byte-files.js';
import { qemuImg, qemuIo, requireTool, temporaryFolder } from '../../support/image/qemu.js';

const BLOCK = 65_536;
const DISK_GIB = 100;
const BLOCKS = DISK_GIB * 16_384;
/** Blocks of data in a disk that is empty otherwise: the second and third L2 table of 64 KiB clusters, then one far away. */
const DATA_BLOCKS = [8_192 + 3_000, 16_384, 160 * 8_192 + 1] as const;

/** Work on a large disk goes by what it holds. */
describe.skipIf(!requireTool('qemu-img'))('a large disk with little in it', () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  beforeAll(async () => {
    for (const [name, options] of [
      ['plain', 'cluster_size=64k'],
      ['small', 'cluster_size=4k'],
    ] as const) {
      await qemuImg('create', '-q', '-f', 'qcow2', '-o', options, at(name), `${DISK_GIB}G`);
      const writes = DATA_BLOCKS.map((block, i) => `write -P ${i + 1} ${block * BLOCK} 64k`);
      await qemuIo(at(name), 'qcow2', writes);
    }
  });
  afterAll(() => folder.remove());

  it.each([
    { name: 'plain', from: 0, next: 8_192 },
    { name: 'plain', from: 9_000, next: 9_000 },
    { name: 'plain', from: 17_000, next: 17_000 },
    { name: 'plain', from: 24_576, next: 160 * 8_192 },
    { name: 'plain', from: 161 * 8_192, next: BLOCKS },
    { name: 'plain', from: BLOCKS + 7, next: BLOCKS + 7 },
    // An L2 table of 4 KiB clusters is for 2 MiB of disk: 32 blocks.
    { name: 'small', from: 0, next: Math.floor(11_192 / 32) * 32 },
    { name: 'small', from: 11_200, next: 16_384 },
  ])(
    'is not looked at between $from and $next with $name clusters',
    async ({ name, from, next }) => {
      await FileBytes.with(at(name), 'r', async (source) => {
        expect((await openQcow2Image(source)).nextHeldBlock(from)).toBe(next);
      });
    },
  );

  it('is mapped right when tables are dropped and their memory is used again', async () => {
    // A table of 2 MiB clusters is for 512 GiB of disk; three of them fill the memory for tables.
    const clusters = [0, 1, 2, 3, 4, 5].map((table) => table * 512 * 512 + 100 + table * 7);
    const disk = at('tables');
    await qemuImg('create', '-q', '-f', 'qcow2', '-o', 'cluster_size=2M', disk, '3T');
    await qemuIo(
      disk,
      'qcow2',
      clusters.map((cluster) => `write -P 9 ${cluster * 2}M 64k`),
    );
    await FileBytes.with(disk, 'r', async (source) => {
      const image = await openQcow2Image(source);
      for (let round = 0; round < 2; round++)
        for (const [table, cluster] of clusters.entries()) {
          const { states } = await image.mapBlocks((table * 512 * 512 + 90) * 32, 100 * 32);
          const held = [...states].flatMap((state, block) => (state === 2 ? [block] : []));
          const first = (cluster - table * 512 * 512 - 90) * 32;
          expect(held).toEqual(Array.from({ length: 32 }, (_, i) => first + i));
        }
    });
  });
});
