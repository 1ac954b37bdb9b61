import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { FileShape, PlannedContent } from '../../../../src/image/image-format.js';
import { VMDK } from '../../../../src/image/vmdk/vmdk-format.js';
import { FileBytes, MemoryBytes } from '../../../support/image/byte-files.js';
import { qemuBytes, qemuImg, requireTool, temporaryFolder } from '../../../support/image/qemu.js';
import { libvmdkBytes } from '../../../support/image/libvmdk.js';
import { StopsAtOperation } from '../../../support/image/stopping-bytes.js';

const BLOCK = 65_536;
const SECTOR = 512;

/** Guest blocks by number: the byte that the whole block holds; `'zero'`, in an increment a hole. Slots in that order. */
type Blocks = ReadonlyMap<number, number | 'zero'>;

function contentOf({ parent }: FileShape, blocks: Blocks): PlannedContent {
  const values = [...blocks].map(([, what], slot) =>
    what === 'zero' && parent === null ? 1 : 2 + slot,
  );
  const placed = new Map([...blocks.keys()].map((block, slot) => [block, values[slot]!]));
  return {
    nextMapped: (block) =>
      Promise.resolve(Math.min(...[...placed.keys()].filter((held) => held >= block), Infinity)),
    mapBlocks: (first, out) => {
      for (let i = 0; i < out.length; i++) out[i] = placed.get(first + i) ?? 0;
      return Promise.resolve();
    },
    slotsInUse: (first, out) => {
      for (let i = 0; i < out.length; i++) out[i] = (values[first + i] ?? 0) > 1 ? 1 : 0;
      return Promise.resolve();
    },
  };
}

const FULL_BLOCKS: Blocks = new Map<number, number | 'zero'>([
  [3, 0x33],
  [0, 0x30],
  [5, 'zero'],
  [600, 0x60],
]);
const FULL: FileShape = {
  virtualSizeBytes: 600 * BLOCK + 3 * SECTOR,
  slotCount: FULL_BLOCKS.size,
  fileName: 'full.vmdk',
  parent: null,
  dialect: {
    adapterType: 'buslogic',
    uuid: '60 00 C2 98 5d 08 de f2-a0 14 2e 05 94 9d d8 38',
    'geometry.heads': '64',
    adapter: 'no key of a descriptor',
    toolsVersion: '1"\nCID=00000000',
  },
  seed: '0a1b2c3d4e5f60718293a4b5c6d7e8f9',
  linkId: null,
};
const DELTA_BLOCKS: Blocks = new Map<number, number | 'zero'>([
  [0, 'zero'],
  [4, 0x44],
  [600, 0x66],
]);
const DELTA: FileShape = {
  ...FULL,
  slotCount: DELTA_BLOCKS.size,
  fileName: 'delta.vmdk',
  seed: 'ffffffff4e5f60718293a4b5c6d7e8f9',
  parent: {
    link: 'full.vmdk',
    format: 'vmdk',
    linkId: '0a1b2c3d',
    virtualSizeBytes: FULL.virtualSizeBytes,
  },
};

async function write(path: string, shape: FileShape, blocks: Blocks): Promise<void> {
  await FileBytes.with(path, 'w+', async (file) => {
    for (const [slot, [, byte]] of [...blocks].entries())
      if (byte !== 'zero') await file.write(Buffer.alloc(BLOCK, byte), (1 + slot) * BLOCK);
    expect(VMDK.composer.place(shape)).toEqual({ headBytes: BLOCK, groupSlots: 0, prefixBytes: 0 });
    await VMDK.composer.compose(file, shape, contentOf(shape, blocks));
  });
}

function shown(...layers: Blocks[]): Buffer {
  const disk = Buffer.alloc(601 * BLOCK);
  for (const blocks of layers)
    for (const [block, byte] of blocks)
      disk.fill(byte === 'zero' ? 0 : byte, block * BLOCK, (block + 1) * BLOCK);
  return disk.subarray(0, FULL.virtualSizeBytes);
}

describe.skipIf(!requireTool('qemu-img') || !requireTool('vmdkinfo', '-V'))('VMDK.composer', () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  afterAll(() => folder.remove());

  it('makes a full and an increment that QEMU and libvmdk read as planned', async () => {
    await write(at('full.vmdk'), FULL, FULL_BLOCKS);
    await write(at('delta.vmdk'), DELTA, DELTA_BLOCKS);
    await qemuImg('check', '-f', 'vmdk', at('full.vmdk'));
    await qemuImg('check', '-f', 'vmdk', at('delta.vmdk'));
    const [full, chain] = [shown(FULL_BLOCKS), shown(FULL_BLOCKS, DELTA_BLOCKS)];
    expect((await qemuBytes(at('full.vmdk'), 'vmdk')).equals(full)).toBe(true);
    expect((await qemuBytes(at('delta.vmdk'), 'vmdk')).equals(chain)).toBe(true);
    expect((await libvmdkBytes(at('full.vmdk'))).equals(full)).toBe(true);
    expect((await libvmdkBytes(at('full.vmdk'), at('delta.vmdk'))).equals(chain)).toBe(true);
  });

  it('is read back: map, link and dialect', async () => {
    const image = await VMDK.open(await MemoryBytes.load(at('delta.vmdk')));
    expect(image).toMatchObject({
      virtualSizeBytes: FULL.virtualSizeBytes,
      linkId: 'fffffffe', // ffffffff would say that it is nobody's parent
      parent: { name: 'full.vmdk', linkId: '0a1b2c3d' },
      dialect: {
        adapterType: 'buslogic',
        uuid: '60 00 C2 98 5d 08 de f2-a0 14 2e 05 94 9d d8 38',
        'geometry.cylinders': '4',
        'geometry.heads': '64',
        'geometry.sectors': '63',
        virtualHWVersion: '4',
      },
    });
    const { states, hostOffsets } = await image.mapBlocks(0, 6);
    expect([...states]).toEqual([2, 0, 0, 0, 2, 0]);
    expect(hostOffsets[4]).toBe(2 * BLOCK);
    expect(image.nextHeldBlock(512)).toBe(512);
  });

  // What is in the file is noise without them, whoever opens it.
  it('keeps the lines by which the keys of an encrypted disk are found', async () => {
    const encryption = {
      keyID: 'vmware:key/fqid/<VMWARE-NULL>/kms/a4e7494f%2dda55',
      encryptionKeys: `vmware:key/list/(pair/(fqid/<VMWARE-NULL>/kms/a4e7494f%2dda55,HMAC%2dSHA%2d256,${'kdgZ%2b'.repeat(90)}))`,
      'ddb.iofilters': 'vmwarevmcrypt',
    };
    const others = { CID: '00000000', parentCID: '"', 'ddb.uuid': 'x' };
    const dialect = { adapterType: 'lsilogic', encryption: { ...encryption, ...others } };
    const path = at('encrypted.vmdk');
    await write(path, { ...FULL, fileName: 'encrypted.vmdk', dialect }, FULL_BLOCKS);
    expect((await qemuBytes(path, 'vmdk')).equals(shown(FULL_BLOCKS))).toBe(true);
    expect((await libvmdkBytes(path)).equals(shown(FULL_BLOCKS))).toBe(true);
    const text = (await MemoryBytes.load(path)).bytes.toString('latin1', SECTOR, BLOCK);
    for (const [key, value] of Object.entries(encryption))
      expect(text).toContain(`\n${key}="${value}"\n`);
    const read = (await VMDK.readHead(await MemoryBytes.load(path))).dialect;
    expect(read).toMatchObject({ adapterType: 'lsilogic', encryption });
    expect(Object.keys(read['encryption'] as object)).toHaveLength(3);
  });

  it('takes the place of a file that others name by its content id', async () => {
    const synthetic = { ...FULL, fileName: 'delta.vmdk', linkId: '00ab54a9' };
    await write(at('synthetic.vmdk'), synthetic, FULL_BLOCKS);
    const { linkId } = await VMDK.readHead(await MemoryBytes.load(at('synthetic.vmdk')));
    expect(linkId).toBe('00ab54a9');
  });

  it('is no VMDK until it is whole, and the same whenever it is made again', async () => {
    await write(at('again.vmdk'), DELTA, DELTA_BLOCKS);
    const whole = await MemoryBytes.load(at('again.vmdk'));
    expect(whole.bytes.equals((await MemoryBytes.load(at('delta.vmdk'))).bytes)).toBe(true);
    let stopAt = 0;
    for (let done = false; !done;) {
      stopAt += 1;
      const file = new StopsAtOperation(new MemoryBytes(), stopAt);
      done = await VMDK.composer.compose(file, DELTA, contentOf(DELTA, DELTA_BLOCKS)).then(
        () => true,
        () => false,
      );
      const opening = VMDK.readHead(new MemoryBytes(file.file.bytes));
      const isLastSync = file.file.bytes.subarray(0, 4).toString() === 'KDMV';
      if (!isLastSync) await expect(opening).rejects.toMatchObject({ code: 'IMAGE_MAGIC_MISSING' });
    }
    expect(stopAt).toBe(9);
  });

  it('never leaves out zeros that hide the parent', async () => {
    const marked = contentOf(FULL, new Map([[7, 'zero']]));
    await expect(VMDK.composer.compose(new MemoryBytes(), DELTA, marked)).rejects.toThrow(
      'zeros without a slot at block 7',
    );
    expect(VMDK.composer.traits({}, 'increment').zeros).toBe('stored');
  });

  it('refuses what the format cannot hold', async () => {
    const compose = (shape: FileShape) =>
      VMDK.composer.compose(new MemoryBytes(), shape, contentOf(shape, new Map()));
    await expect(compose({ ...FULL, virtualSizeBytes: 2 ** 47 })).rejects.toMatchObject({
      code: 'DISK_TOO_LARGE',
    });
    expect(() => VMDK.composer.place({ ...FULL, slotCount: 2 ** 25 })).toThrow('2 TiB');
    const link = `${'x/'.repeat(5_000)}full.vmdk`;
    await expect(compose({ ...DELTA, parent: { ...DELTA.parent!, link } })).rejects.toMatchObject({
      code: 'IMAGE_LIMIT_EXCEEDED',
    });
    await expect(
      compose({ ...DELTA, parent: { ...DELTA.parent!, link: 'a"\nCID=1' } }),
    ).rejects.toMatchObject({ code: 'IMAGE_LIMIT_EXCEEDED' });
  });
});
