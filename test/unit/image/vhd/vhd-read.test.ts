import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { DiskImage, ReadBelow } from '../../../../src/image/disk-image.js';
import { readVhdHead } from '../../../../src/image/vhd/vhd-head.js';
import { openVhdImage } from '../../../../src/image/vhd/vhd-image.js';
import { MemoryBytes } from '../../../support/image/byte-files.js';
import { SparseBytes } from '../../../support/image/sparse-bytes.js';
import { fixtureImage, hasRealImage, realImage } from '../../../support/image/real-images.js';

async function digestOf(image: DiskImage, below: ReadBelow | null = null): Promise<string> {
  const bytes = Buffer.alloc(image.virtualSizeBytes);
  await image.read(bytes, 0, below);
  return createHash('sha256').update(bytes).digest('hex');
}

/** Makes the sum over a footer or a header right again. */
function sign(part: Buffer, at: number): void {
  part.writeUInt32BE(0, at);
  part.writeUInt32BE(~part.reduce((sum, byte) => sum + byte, 0) >>> 0, at);
}

function footerWith(file: MemoryBytes, poke: (footer: Buffer) => void): MemoryBytes {
  const bytes = Buffer.from(file.bytes);
  const footer = bytes.subarray(bytes.length - 512);
  poke(footer);
  sign(footer, 64);
  return new MemoryBytes(bytes, 'poked.vhd');
}

// Right readings: test/fixtures/README.md.
describe('openVhdImage', () => {
  it('reads a dynamic file of QEMU, which ends where its geometry does', async () => {
    const image = await openVhdImage(fixtureImage('hyperv/ext2.vhd.gz'));
    expect(image.virtualSizeBytes).toBe(4_212_736);
    expect(await digestOf(image)).toBe(
      '870be7ae16c1fa8faab05c6eb9205dc9a7ae35c5f552c5cf8a267c0bc6a5cb99',
    );
  });

  it('reads a fixed file of Windows', async () => {
    const image = await openVhdImage(fixtureImage('hyperv/fat-parent.vhd.gz'));
    expect(await digestOf(image)).toBe(
      'bbdb657bc5aa2fde44e2456149f9257a862cb84f4668e338b90e357b0fbdf118',
    );
    expect(image.dialect).toEqual({ isFixed: true });
  });

  // By the specification, as a tool of Azure (`wa`) leaves it: no table bounds a fixed disk.
  it.each([
    [4, 2, null],
    [64, 2, null],
    [65, 2, 'IMAGE_LIMIT_EXCEEDED'],
    [4, 3, 'IMAGE_LIMIT_EXCEEDED'],
  ])(
    'reads a fixed disk of %i TiB, and refuses one that is no fixed one',
    async (tib, type, code) => {
      const disk = tib * 2 ** 40;
      const footer = Buffer.alloc(512);
      footer.write('conectix');
      footer.writeUInt32BE(2, 8);
      footer.writeUInt32BE(0x1_0000, 12);
      footer.fill(0xff, 16, 24);
      footer.write('wa\0\0', 28, 'latin1');
      for (const at of [40, 48]) footer.writeBigUInt64BE(BigInt(disk), at);
      footer.writeUInt32BE(type, 60);
      sign(footer, 64);
      const file = new SparseBytes();
      await file.write(footer, disk);
      const head = readVhdHead(file);
      if (code !== null) return expect(head).rejects.toMatchObject({ code });
      await expect(head).resolves.toMatchObject({ virtualSizeBytes: disk, parent: null });
    },
  );

  // Bytes such as 02 and cb are in its bitmap, where libvhdi reads 79f1d5f8….
  it('reads a differencing file of Windows over its parent, sector by sector', async () => {
    const below = await openVhdImage(fixtureImage('hyperv/fat-parent.vhd.gz'));
    const top = await openVhdImage(fixtureImage('hyperv/fat-differential.vhd.gz'));
    expect(await digestOf(top, (target, at) => below.read(target, at, null))).toBe(
      'f4b61a33ee2f7e8c19f737792a4107e46340026a9a829e4169b751901cc3ef02',
    );
    expect(top.parent).toEqual({ name: 'fat-parent.vhd', linkId: below.linkId });
  });

  it.skipIf(!hasRealImage('vhd/dynamic.vhd.gz')).each([
    ['dynamic', 'ecff2ef6615a3cddc6a6885f1c6d9cf13a232697e1dc6575f2c2f01f57247784'],
    ['fixed', '459325ab1fcd1d5ec9854cba790ee26378317cda177ffc1072008a1df88e6463'],
  ])('reads a %s file of Hyper-V', async (name, digest) => {
    expect(await digestOf(await openVhdImage(realImage(`vhd/${name}.vhd.gz`)))).toBe(digest);
  });

  it('takes the size from the geometry for Virtual PC and QEMU alone', async () => {
    const larger = (creator: string) =>
      footerWith(fixtureImage('hyperv/fat-parent.vhd.gz'), (footer) => {
        footer.write(creator, 28, 'latin1');
        footer.writeBigUInt64BE(4_194_304n, 48);
      });
    // 120 cylinders × 4 heads × 17 sectors
    expect((await readVhdHead(larger('vpc '))).virtualSizeBytes).toBe(4_177_920);
    expect((await readVhdHead(larger('qemu'))).virtualSizeBytes).toBe(4_177_920);
    for (const creator of ['win ', 'qem2', 'd2v ', 'vs  '])
      expect((await readVhdHead(larger(creator))).virtualSizeBytes).toBe(4_194_304);
  });

  it.each([
    ['0', 0, 0, 0],
    ['too small by more than a cylinder', 10, 4, 17],
    ['larger than the file', 123, 4, 17],
  ])(
    'does not believe a geometry of Virtual PC that is %s',
    async (_what, cylinders, heads, sectors) => {
      const file = footerWith(fixtureImage('hyperv/fat-parent.vhd.gz'), (footer) => {
        footer.write('vpc ', 28, 'latin1');
        footer.writeUInt16BE(cylinders, 56);
        footer.writeUInt8(heads, 58);
        footer.writeUInt8(sectors, 59);
      });
      const { virtualSizeBytes } = await readVhdHead(fixtureImage('hyperv/fat-parent.vhd.gz'));
      expect((await readVhdHead(file)).virtualSizeBytes).toBe(virtualSizeBytes);
    },
  );

  it('takes for a fixed disk what is one, and can be made again of whole blocks', async () => {
    const fixed = fixtureImage('hyperv/fat-parent.vhd.gz');
    const shorter = footerWith(fixed, (footer) => footer.writeBigUInt64BE(4_194_304n - 512n, 48));
    expect((await readVhdHead(shorter)).dialect).toEqual({ isFixed: false });
    const withoutCopy = Buffer.from(fixtureImage('hyperv/ext2.vhd.gz').bytes).fill(0, 0, 512);
    const dynamic = footerWith(new MemoryBytes(withoutCopy), (footer) => {
      footer.write('win ', 28, 'latin1');
      footer.writeBigUInt64BE(4_194_304n, 48);
    });
    const { virtualSizeBytes, dialect } = await readVhdHead(dynamic);
    expect([virtualSizeBytes, dialect]).toEqual([4_194_304, { isFixed: false }]);
  });

  // The names that Windows has written: test/fixtures/README.md.
  it.each([
    ['its path from the file', [], 'fat-parent.vhd'],
    ['its name in the header', [576, 600], 'C:\\Projects\\dfvfs\\test_data\\fat-parent.vhd'],
    ['its absolute path', [600, 64], 'C:\\Projects\\dfvfs\\test_data\\fat-parent.vhd'],
  ])('knows a parent by %s', async (_, without, name) => {
    const bytes = Buffer.from(fixtureImage('hyperv/fat-differential.vhd.gz').bytes);
    const header = bytes.subarray(512, 1536);
    for (const at of without) header.fill(0, at, at + (at === 64 ? 512 : 24));
    sign(header, 36);
    expect((await openVhdImage(new MemoryBytes(bytes, 'child.vhd'))).parent?.name).toBe(name);
  });

  it('finds the footer of old Virtual PC, which lacks its last byte', async () => {
    const { bytes } = fixtureImage('hyperv/fat-parent.vhd.gz');
    const image = await openVhdImage(new MemoryBytes(bytes.subarray(0, -1), 'old.vhd'));
    expect(await digestOf(image)).toBe(
      'bbdb657bc5aa2fde44e2456149f9257a862cb84f4668e338b90e357b0fbdf118',
    );
  });
});

describe('a broken VHD file', () => {
  const dynamic = () => fixtureImage('hyperv/ext2.vhd.gz');
  const poked = (poke: (bytes: Buffer) => void): MemoryBytes => {
    const bytes = Buffer.from(dynamic().bytes);
    poke(bytes);
    return new MemoryBytes(bytes, 'poked.vhd');
  };
  /** With the checksum of the header at 512 made right again. */
  const header = (poke: (header: Buffer) => void): MemoryBytes =>
    poked((bytes) => {
      const part = bytes.subarray(512, 1536);
      poke(part);
      sign(part, 36);
    });

  it('reads of a table that claims 2^31 entries what its disk needs', async () => {
    const image = await openVhdImage(header((h) => h.writeUInt32BE(2 ** 31, 28)));
    expect(await digestOf(image)).toBe(
      '870be7ae16c1fa8faab05c6eb9205dc9a7ae35c5f552c5cf8a267c0bc6a5cb99',
    );
  });

  it('reads a table that lies behind its blocks, and a file whose first footer is gone', async () => {
    const { bytes } = dynamic();
    const [end, table] = [bytes.length - 512, bytes.subarray(1_536, 1_536 + 512)];
    const moved = Buffer.concat([bytes.subarray(0, end), table, bytes.subarray(end)]);
    moved.fill(0, 1_536, 1_536 + 512);
    moved.writeBigUInt64BE(BigInt(end), 512 + 16);
    sign(moved.subarray(512, 1_536), 36);
    for (const file of [new MemoryBytes(moved, 'moved.vhd'), poked((b) => b.fill(0, 0, 512))])
      expect(await digestOf(await openVhdImage(file))).toBe(
        '870be7ae16c1fa8faab05c6eb9205dc9a7ae35c5f552c5cf8a267c0bc6a5cb99',
      );
  });

  it.each([
    ['cut off', () => new MemoryBytes(dynamic().bytes.subarray(0, 2_000_000)), 'IMAGE_TRUNCATED'],
    ['no VHD at all', () => new MemoryBytes(Buffer.alloc(4096, 7)), 'IMAGE_MAGIC_MISSING'],
    ['empty', () => new MemoryBytes(), 'IMAGE_MAGIC_MISSING'],
    [
      'of a wrong footer checksum',
      () => poked((b) => b.write('x', b.length - 400)),
      'IMAGE_CORRUPT',
    ],
    ['of a wrong header checksum', () => poked((b) => b.write('x', 512 + 900)), 'IMAGE_CORRUPT'],
    ['of wrong checksums', () => fixtureImage('hyperv/bad-checksum.vhd.gz'), 'IMAGE_CORRUPT'],
    [
      'of wrong checksums, differencing',
      () => fixtureImage('hyperv/bad-checksum-differential.vhd.gz'),
      'IMAGE_CORRUPT',
    ],
    ['with another header', () => header((h) => h.write('cysparse')), 'IMAGE_CORRUPT'],
    [
      'of another type',
      () => footerWith(dynamic(), (f) => f.writeUInt32BE(5, 60)),
      'IMAGE_VERSION_UNKNOWN',
    ],
    [
      'with another copy of its footer',
      () => footerWith(dynamic(), (f) => f.write('other', 68)),
      'IMAGE_CORRUPT',
    ],
    [
      'larger than VHD can be',
      () =>
        footerWith(fixtureImage('hyperv/fat-parent.vhd.gz'), (f) =>
          f.writeBigUInt64BE(2n ** 62n, 48),
        ),
      'IMAGE_LIMIT_EXCEEDED',
    ],
    [
      'fixed and shorter than its disk',
      () =>
        footerWith(fixtureImage('hyperv/fat-parent.vhd.gz'), (f) =>
          f.writeBigUInt64BE(4_194_816n, 48),
        ),
      'IMAGE_TRUNCATED',
    ],
    ['with blocks of 0 bytes', () => header((h) => h.writeUInt32BE(0, 32)), 'IMAGE_LIMIT_EXCEEDED'],
    [
      'with blocks of 3 MiB',
      () => header((h) => h.writeUInt32BE(3 * 2 ** 20, 32)),
      'IMAGE_CORRUPT',
    ],
    ['with too short a table', () => header((h) => h.writeUInt32BE(1, 28)), 'IMAGE_CORRUPT'],
    [
      'whose table lies behind the end',
      () => header((h) => h.writeBigUInt64BE(2n ** 60n, 16)),
      'IMAGE_TRUNCATED',
    ],
    [
      'with a header of another version',
      () => header((h) => h.writeUInt32BE(0x20000, 24)),
      'IMAGE_VERSION_UNKNOWN',
    ],
    [
      'whose block lies behind the end',
      () => poked((b) => b.writeUInt32BE(0x7fff_0000, 1536)),
      'IMAGE_TRUNCATED',
    ],
    [
      'whose block lies in the header',
      () => poked((b) => b.writeUInt32BE(1, 1536)),
      'IMAGE_CORRUPT',
    ],
    [
      'whose blocks overlap',
      () => poked((b) => b.writeUInt32BE(b.readUInt32BE(1536), 1540)),
      'IMAGE_CORRUPT',
    ],
  ] as const)('%s is refused', async (_name, file, code) => {
    await expect(openVhdImage(file())).rejects.toMatchObject({ code });
    await expect(readVhdHead(file())).rejects.toMatchObject({ code });
  });
});
