import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  BLOCK_DIRECT,
  BLOCK_ENCODED,
  BLOCK_UNALLOCATED,
  BLOCK_ZERO,
  type DiskImage,
} from '../../../../src/image/disk-image.js';
import { readVmdkHead } from '../../../../src/image/vmdk/vmdk-head.js';
import { openVmdkImage } from '../../../../src/image/vmdk/vmdk-image.js';
import { MemoryBytes } from '../../../support/image/byte-files.js';
import {
  qemuBytes,
  qemuImg,
  qemuIo,
  requireTool,
  temporaryFolder,
} from '../../../support/image/qemu.js';
import { REAL_FIXTURES } from '../../../support/image/real-fixtures.js';
import {
  cowdFile,
  descriptorText,
  extentsOf,
  GRAIN,
  sparseFile,
  streamFile,
} from '../../../support/image/vmdk-bytes.js';

const MIB = 1024 * 1024;

/** A file with its neighbours, whatever they are, and packed ones unpacked. */
async function open(path: string): Promise<{ image: DiskImage; head: unknown }> {
  const folder = dirname(path);
  const read = async (name: string): Promise<Buffer> =>
    existsSync(join(folder, name))
      ? readFile(join(folder, name))
      : gunzipSync(await readFile(join(folder, `${name}.gz`)));
  const beside: Record<string, Buffer> = {};
  for (const name of (await readdir(folder)).map((file) => file.replace(/\.gz$/, '')))
    if (/-(?:flat|s\d+|f\d+)\.vmdk$/.test(name)) beside[name] = await read(name);
  const source = new MemoryBytes(await read(basename(path)), path);
  const extents = extentsOf(beside);
  return {
    image: await openVmdkImage(source, extents),
    head: await readVmdkHead(source, extents),
  };
}

async function allBytes(image: DiskImage, stepBytes = 3 * MIB + 512): Promise<Buffer> {
  const bytes = Buffer.alloc(image.virtualSizeBytes, 0xcc);
  for (let at = 0; at < bytes.length; at += stepBytes)
    await image.read(bytes.subarray(at, at + stepBytes), at, null);
  return bytes;
}

/** SHA-256 of the disk, walked as a copy walks it: empty stretches are not read. */
async function diskDigest(image: DiskImage): Promise<string> {
  const hash = createHash('sha256');
  const step = Buffer.alloc(8 * MIB);
  const zeros = Buffer.alloc(8 * MIB);
  for (let at = 0; at < image.virtualSizeBytes; at += step.length) {
    const bytes = Math.min(step.length, image.virtualSizeBytes - at);
    const isHeld = image.nextHeldBlock(at / 65_536) * 65_536 < at + bytes;
    if (isHeld) await image.read(step.subarray(0, bytes), at, null);
    hash.update((isHeld ? step : zeros).subarray(0, bytes));
  }
  return hash.digest('hex');
}

/** What three independent readers agree on (README of the collection). */
const REAL_DISKS = [
  [
    'vmdk/monolithicSparse.vmdk',
    'a3bcf05f07a1c06a3380eeca8571f0efb2b85afafa1e21662b8cad436d1f7727',
  ],
  ['vmdk/streamOptimized.vmdk', 'a3bcf05f07a1c06a3380eeca8571f0efb2b85afafa1e21662b8cad436d1f7727'],
  [
    'vmdk/streamOptimizedWithMarkers.vmdk',
    '92c0f8b4280377437056f57c51ef51a5f8aeb1462ac630ef0633febcbfc3db4e',
  ],
  [
    'vmdk/twoGbMaxExtentSparse.vmdk',
    'a3bcf05f07a1c06a3380eeca8571f0efb2b85afafa1e21662b8cad436d1f7727',
  ],
  ['vmdk/vmfs_thick.vmdk', '8d43c795d24bce01b49f92744f934c1072210dcac170bb1c83a5aa56df46ab7d'],
  ['vmdk/plaso_image.vmdk', '854c3db1c4a07a241e2ed9fbd8892adf2adc662c7862a75deed26f3483f414c9'],
  [
    'vmdk/compressed_stream_opt.vmdk',
    '55f4f09be519d8702500e4442b9efd7d58c912ea774d5f767c2444a02bcf8080',
  ],
  [
    'vmdk/tw_sparse/tw_sparse.vmdk',
    'bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8',
  ],
] as const;

describe.skipIf(REAL_FIXTURES === null)(
  'openVmdkImage with files of VMware, VirtualBox and QEMU',
  () => {
    const at = (name: string): string => join(REAL_FIXTURES ?? '', name);

    it.each(REAL_DISKS)('reads %s as other readers do', async (name, digest) => {
      const { image, head } = await open(at(name));
      expect(await diskDigest(image)).toBe(digest);
      expect(head).toMatchObject({ virtualSizeBytes: image.virtualSizeBytes, parent: null });
    });

    it.each([
      ['ovf/virtualbox-ubuntu/ubuntu.2.0-disk1.vmdk', 8 * 2 ** 30],
      ['ovf/ovftool-input/input.vmdk', 2 ** 30],
    ])('reads %s as the empty disk that it is', async (name, virtualSizeBytes) => {
      const { image } = await open(at(name));
      expect(image.virtualSizeBytes).toBe(virtualSizeBytes);
      const endBlock = virtualSizeBytes / 65_536;
      let seen = 0;
      for (let block = 0; block < endBlock; block = image.nextHeldBlock(block + 512)) {
        const { states } = await image.mapBlocks(block, 512);
        seen += states.filter((state) => state !== BLOCK_UNALLOCATED).length;
      }
      expect(seen).toBe(0);
    });

    it.each([
      ['ovf/ttylinux-truncated/ttylinux-pc_i486-16.1-disk1.vmdk', 'IMAGE_TRUNCATED'],
      ['vmdk/ms3-win-descriptor-only.vmdk', 'IMAGE_EXTENT_MISSING'],
      ['vmdk/vmfs_thick-000001.vmdk', 'IMAGE_EXTENT_MISSING'],
      ['vmdk/twoGbMaxExtentSparse-s001.vmdk', 'IMAGE_CORRUPT'],
      ['vmx/encrypted.vmx', 'IMAGE_MAGIC_MISSING'],
    ])('refuses %s with %s', async (name, code) => {
      await expect(open(at(name))).rejects.toMatchObject({ code });
    });

    it('reads a snapshot of ESXi 6.5 (seSparse) as QEMU and dissect do', async () => {
      const extent = gunzipSync(await readFile(at('vmdk/sesparse.vmdk.gz')));
      const open = (bytes: Buffer) => {
        const extents = ['RW 1048576 SESPARSE "sesparse.vmdk"'];
        const text = Buffer.from(descriptorText({ extents, createType: 'seSparse' }));
        return openVmdkImage(new MemoryBytes(text), extentsOf({ 'sesparse.vmdk': bytes }));
      };
      expect(await diskDigest(await open(extent))).toBe(
        '3afa48010241335528fe402f083fc9f3a1013a49485221443a78d9a8604e2f90',
      );
      for (const [offset, value, code] of [
        [0, 0, 'IMAGE_MAGIC_MISSING'],
        [8, 9, 'IMAGE_VERSION_UNKNOWN'],
        [24, 16, 'IMAGE_LIMIT_EXCEEDED'],
        [128, 0, 'IMAGE_CORRUPT'],
        [512 + 24, 1, 'IMAGE_CORRUPT'],
        [144, 0x7fff_ffff, 'IMAGE_TRUNCATED'],
      ] as const) {
        const poked = Buffer.from(extent);
        poked.writeUInt32LE(value, offset);
        await expect(open(poked), `offset ${offset}`).rejects.toMatchObject({ code });
      }
    });

    it('refuses the disk inside an OVA that went through a text conversion', async () => {
      const ova = await readFile(at('ova/2nd_disk-utf8-damaged.ova'));
      const start = ova.indexOf('KDMV');
      await expect(openVmdkImage(new MemoryBytes(ova.subarray(start)))).rejects.toMatchObject({
        code: 'IMAGE_CORRUPT',
      });
    });
  },
);

describe.skipIf(!requireTool('qemu-img'))('openVmdkImage with files of QEMU', () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  afterAll(() => folder.remove());

  const SUBFORMATS = [
    'monolithicSparse',
    'monolithicFlat',
    'twoGbMaxExtentSparse',
    'twoGbMaxExtentFlat',
    'streamOptimized',
  ] as const;

  beforeAll(async () => {
    await qemuImg('create', '-q', '-f', 'raw', at('disk.raw'), `${40 * MIB + 3 * 512}`);
    await qemuIo(at('disk.raw'), 'raw', [
      'write -P 0x11 0 64k',
      'write -P 0x22 100k 300k',
      'write -P 0x33 33M 1M',
      `write -P 0x44 ${40 * MIB} 1536`,
    ]);
    for (const subformat of SUBFORMATS)
      await qemuImg(
        'convert',
        '-O',
        'vmdk',
        '-o',
        `subformat=${subformat}`,
        at('disk.raw'),
        at(`${subformat}.vmdk`),
      );
  });

  it.each(SUBFORMATS)('reads %s at any offset and length', async (subformat) => {
    const { image } = await open(at(`${subformat}.vmdk`));
    const expected = await qemuBytes(at(`${subformat}.vmdk`), 'vmdk');
    expect(expected.equals(await readFile(at('disk.raw')))).toBe(true);
    expect(image.virtualSizeBytes).toBe(expected.length);
    expect((await allBytes(image)).equals(expected)).toBe(true);
    for (const [offset, bytes] of [
      [1, 3],
      [65_535, 2],
      [99 * 1024, 70_000],
      [40 * MIB - 1, 2_000],
    ] as const) {
      const part = Buffer.alloc(bytes, 0xcc);
      await image.read(part, offset, null);
      const shown = Buffer.alloc(bytes);
      expected.copy(shown, 0, offset, offset + bytes);
      expect(part.equals(shown)).toBe(true);
    }
  });

  it('maps blocks to where they lie in the file, those of further files as not to be found there', async () => {
    const path = at('monolithicSparse.vmdk');
    const { image } = await open(path);
    const file = await readFile(path);
    const { states, hostOffsets } = await image.mapBlocks(0, 8);
    expect([...states]).toEqual(
      [2, 2, 2, 2, 2, 2, 2, 0].map((state) => (state === 2 ? BLOCK_DIRECT : BLOCK_UNALLOCATED)),
    );
    expect(file[hostOffsets[0]!]).toBe(0x11);
    expect(file[hostOffsets[2]!]).toBe(0x22);
    const flat = await open(at('monolithicFlat.vmdk'));
    expect([...(await flat.image.mapBlocks(0, 2)).states]).toEqual([BLOCK_ENCODED, BLOCK_ENCODED]);
    const stream = await open(at('streamOptimized.vmdk'));
    expect([...(await stream.image.mapBlocks(6, 2)).states]).toEqual([
      BLOCK_ENCODED,
      BLOCK_UNALLOCATED,
    ]);
  });

  it('has blocks put together whose grains are smaller and do not follow each other in the file', async () => {
    const grain = (byte: number) => Buffer.alloc(8_192, byte);
    // Of four blocks of eight grains: one in order, one the other way round, one with a hole, one empty.
    const order = [
      0, 1, 2, 3, 4, 5, 6, 7, 15, 14, 13, 12, 11, 10, 9, 8, 16, 17, 19, 20, 21, 22, 23,
    ];
    const grains = new Map(order.map((number) => [number, grain(number + 1)]));
    const bytes = sparseFile(4 * 128, grains, 16);
    const path = at('small-grains.vmdk');
    await writeFile(path, bytes);
    const image = await openVmdkImage(new MemoryBytes(bytes));
    const { states, hostOffsets } = await image.mapBlocks(0, 4);
    expect([...states]).toEqual([BLOCK_DIRECT, BLOCK_ENCODED, BLOCK_ENCODED, BLOCK_UNALLOCATED]);
    expect(hostOffsets[0]).toBe(bytes.indexOf(grain(1)));
    expect((await allBytes(image, 10_000)).equals(await qemuBytes(path, 'vmdk'))).toBe(true);
  });

  it('passes over what no table covers', async () => {
    const path = at('far.vmdk');
    await qemuImg('create', '-q', '-f', 'vmdk', path, '1G');
    await qemuIo(path, 'vmdk', ['write -P 9 900M 64k']);
    const { image } = await open(path);
    const { states } = await image.mapBlocks(900 * 16, 2);
    expect([...states]).toEqual([BLOCK_DIRECT, BLOCK_UNALLOCATED]);
    expect(image.nextHeldBlock(16_384 + 5)).toBe(16_384 + 5);
  });

  it('shows the parent where a delta holds nothing, and zeros where it says so', async () => {
    const base = at('base.vmdk');
    const delta = at('delta.vmdk');
    await qemuImg('create', '-q', '-f', 'vmdk', '-o', 'zeroed_grain=on', base, '4M');
    await qemuIo(base, 'vmdk', ['write -P 0x55 0 4M']);
    await qemuImg(
      'create',
      '-q',
      '-f',
      'vmdk',
      '-F',
      'vmdk',
      '-b',
      base,
      '-o',
      'zeroed_grain=on',
      delta,
    );
    await qemuIo(delta, 'vmdk', ['write -P 0x66 64k 64k', 'write -z 128k 128k']);
    const { image } = await open(delta);
    const parent = await open(base);
    expect(image.parent).toEqual({ name: base, linkId: parent.image.linkId });
    expect([...(await image.mapBlocks(0, 5)).states]).toEqual([
      BLOCK_UNALLOCATED,
      BLOCK_DIRECT,
      BLOCK_ZERO,
      BLOCK_ZERO,
      BLOCK_UNALLOCATED,
    ]);
    const shown = Buffer.alloc(4 * MIB);
    await image.read(shown, 0, (target, offset) => parent.image.read(target, offset, null));
    expect(shown.equals(await qemuBytes(delta, 'vmdk'))).toBe(true);
  });
});

describe('openVmdkImage', () => {
  const noise = randomBytes(GRAIN); // grows when it is compressed
  const grains = new Map([
    [0, Buffer.alloc(GRAIN, 0x31)],
    [2, noise],
    [15, Buffer.alloc(GRAIN, 0x35)],
  ]);
  const expected = Buffer.alloc(15 * GRAIN + 1024);
  for (const [grain, bytes] of grains) bytes.copy(expected, grain * GRAIN);

  it.each(['footer', 'both', 'front'] as const)(
    'reads a stream with its tables named in: %s',
    async (shape) => {
      const source = new MemoryBytes(streamFile({ sectors: 15 * 128 + 2, grains, shape }));
      const image = await openVmdkImage(source);
      expect((await allBytes(image, 40_000)).equals(expected)).toBe(true);
      expect(await readVmdkHead(source)).toMatchObject({
        linkId: '7e5b80a7',
        virtualSizeBytes: expected.length,
      });
    },
  );

  it.each(['footer', 'both', 'front'] as const)(
    'knows a stream that is not whole, its tables named in: %s',
    async (shape) => {
      const whole = streamFile({ sectors: 15 * 128 + 2, grains, shape });
      for (const cut of [512, 1024, 1536, 2048, 4096, GRAIN])
        if (shape !== 'both' || cut > 3 * 512)
          await expect(
            readVmdkHead(new MemoryBytes(whole.subarray(0, -cut))),
          ).rejects.toMatchObject({
            code: 'IMAGE_TRUNCATED',
          });
    },
  );

  it('puts a disk together from parts that are no multiples of a block', async () => {
    const flat = randomBytes(300 * 512);
    const extents = [
      'RW 100 FLAT "disk-flat.vmdk" 200',
      'RW 60 ZERO',
      'RW 100 VMFS "disk-flat.vmdk" 0',
    ];
    const source = new MemoryBytes(Buffer.from(descriptorText({ extents })));
    const image = await openVmdkImage(source, extentsOf({ 'disk-flat.vmdk': flat }));
    expect(
      (await allBytes(image)).equals(
        Buffer.concat([
          flat.subarray(200 * 512),
          Buffer.alloc(60 * 512),
          flat.subarray(0, 100 * 512),
        ]),
      ),
    ).toBe(true);
    expect(image).toMatchObject({
      format: 'vmdk',
      parent: null,
      linkId: '0172e8a4',
      dialect: { adapterType: 'lsilogic' },
    });
  });

  it('reads a snapshot of ESX over what lies below it', async () => {
    const sector = (byte: number) => Buffer.alloc(512, byte);
    const delta = cowdFile(
      400,
      new Map([
        [0, sector(1)],
        [129, sector(2)],
        [130, sector(3)],
        [399, sector(4)],
      ]),
    );
    const more = ['parentCID=0172e8a4', 'parentFileNameHint="disk.vmdk"'];
    const text = descriptorText({
      ...{ createType: 'vmfsSparse', cid: '8f67ca74', more },
      extents: ['RW 400 VMFSSPARSE "disk-000001-delta.vmdk"'],
    });
    const files = extentsOf({ 'disk-000001-delta.vmdk': delta });
    const source = new MemoryBytes(Buffer.from(text));
    const image = await openVmdkImage(source, files);
    const seen = Buffer.alloc(400 * 512);
    await image.read(seen, 0, (target) => {
      target.fill(0xee);
      return Promise.resolve();
    });
    const shown = Buffer.alloc(400 * 512, 0xee);
    for (const [at, byte] of [
      [0, 1],
      [129, 2],
      [130, 3],
      [399, 4],
    ] as const)
      shown.fill(byte, at * 512, (at + 1) * 512);
    expect(seen.equals(shown)).toBe(true);
    expect([...(await image.mapBlocks(0, 4)).states]).toEqual([
      BLOCK_ENCODED,
      BLOCK_ENCODED,
      BLOCK_UNALLOCATED,
      BLOCK_ENCODED,
    ]);
    expect(await readVmdkHead(source, files)).toMatchObject({ parent: { linkId: '0172e8a4' } });
    delta.writeUInt32LE(0x00ff_ffff, 5 * 512);
    const cut = await openVmdkImage(source, extentsOf({ 'disk-000001-delta.vmdk': delta }));
    await expect(cut.mapBlocks(0, 1)).rejects.toMatchObject({ code: 'IMAGE_TRUNCATED' });
  });

  it('takes the content id with leading zeros that QEMU leaves out', async () => {
    const extents = ['RW 8 ZERO'];
    const more = ['parentCID=9b4a32f', 'parentFileNameHint="/vmfs/volumes/52/web 01/web.vmdk"'];
    const text = descriptorText({ extents, cid: '1A', more });
    const image = await openVmdkImage(new MemoryBytes(Buffer.from(text)));
    expect(image.linkId).toBe('0000001a');
    expect(image.parent).toEqual({ name: '/vmfs/volumes/52/web 01/web.vmdk', linkId: '09b4a32f' });
  });
});
