import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  BLOCK_DIRECT,
  BLOCK_ENCODED,
  BLOCK_UNALLOCATED,
  BLOCK_ZERO,
} from '../../../../src/image/disk-image.js';
import { openQcow2Image } from '../../../../src/image/qcow2/qcow2-image.js';
import { FileBytes, MemoryBytes } from '../../../support/image/byte-files.js';
import {
  qemuBytes,
  qemuImg,
  qemuIo,
  requireTool,
  temporaryFolder,
} from '../../../support/image/qemu.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Three layers over 8 MiB + 512 bytes: full, increment with data and zeros, increment that is larger than its parents. */
const DISK_BYTES = 8 * MIB + 512;
const GROWN_BYTES = DISK_BYTES + 300 * KIB;

interface Variant {
  readonly title: string;
  readonly options: string;
  readonly isCompressed: boolean;
}

const VARIANTS: Variant[] = [
  { title: 'version 2', options: 'compat=0.10', isCompressed: false },
  { title: 'version 2 compressed', options: 'compat=0.10', isCompressed: true },
  ...[512, 4 * KIB, 32 * KIB, 64 * KIB, 128 * KIB, 2 * MIB].flatMap((bytes) => [
    { title: `clusters of ${bytes}`, options: `cluster_size=${bytes}`, isCompressed: false },
    { title: `zlib clusters of ${bytes}`, options: `cluster_size=${bytes}`, isCompressed: true },
    {
      title: `zstd clusters of ${bytes}`,
      options: `cluster_size=${bytes},compression_type=zstd`,
      isCompressed: true,
    },
  ]),
  ...[16 * KIB, 64 * KIB, 2 * MIB].flatMap((bytes) => [
    {
      title: `extended L2, clusters of ${bytes}`,
      options: `cluster_size=${bytes},extended_l2=on`,
      isCompressed: false,
    },
    {
      title: `extended L2, zstd clusters of ${bytes}`,
      options: `cluster_size=${bytes},extended_l2=on,compression_type=zstd`,
      isCompressed: true,
    },
  ]),
];

describe.skipIf(!requireTool('qemu-img'))('openQcow2Image', () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());

  describe.each(VARIANTS)('$title', ({ title, options, isCompressed }) => {
    const paths = ['full', 'inc1', 'inc2'].map((name) =>
      join(folder.path, `${title.replaceAll(/\W+/g, '-')}-${name}.qcow2`),
    );
    const [full = '', inc1 = '', inc2 = ''] = paths;

    beforeAll(() => makeChain(full, inc1, inc2, options, isCompressed));

    it('reads a full as QEMU reads it', async () => {
      const actual = await readChain([full], DISK_BYTES, DISK_BYTES);
      expect(actual.equals(await qemuBytes(full, 'qcow2'))).toBe(true);
    });

    it('reads increments over it as QEMU reads them, in pieces that begin and end anywhere', async () => {
      const actual = await readChain(paths, GROWN_BYTES, 77_777);
      expect(actual.equals(await qemuBytes(inc2, 'qcow2'))).toBe(true);
    });

    it('finds at the mapped host offsets what it reads', async () => {
      for (const path of paths) await expectMapIsTrue(path);
    });

    it('reports the parent as data', async () => {
      const source = await MemoryBytes.load(inc1);
      expect((await openQcow2Image(source)).header.backing).toEqual({
        name: full,
        format: 'qcow2',
      });
      expect((await openQcow2Image(await MemoryBytes.load(full))).header.backing).toBeNull();
    });
  });
});

describe.skipIf(!requireTool('qemu-img'))('compressed clusters that lie far in the file', () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());

  // The longer a cluster, the fewer bits say where it lies.
  it.each([
    ['zlib', 64 * KIB],
    ['zstd', 64 * KIB],
    ['zlib', 2 * MIB],
    ['zstd', 2 * MIB],
  ])('are read as QEMU reads them: %s, of %d bytes', async (type, clusterBytes) => {
    const path = join(folder.path, `${type}-${clusterBytes}.qcow2`);
    // Of the first 64 KiB nothing gets smaller.
    const disk = testDisk().subarray(64 * KIB, 64 * KIB + clusterBytes);
    await writeFile(`${path}.raw`, disk);
    const options = `cluster_size=${clusterBytes},compression_type=${type}`;
    const raw = `${path}.raw`;
    await qemuImg('convert', '-f', 'raw', '-O', 'qcow2', '-c', '-o', options, raw, path);
    await moveCompressed(path, 5 * 2 ** 40 + 3 * 2 ** 32);
    await FileBytes.with(path, 'r', async (file) => {
      const read = Buffer.alloc(clusterBytes);
      await (await openQcow2Image(file)).read(read, 0, null);
      expect(read.equals(await qemuBytes(path, 'qcow2'))).toBe(true);
      expect(read.equals(disk)).toBe(true);
    });
  });
});

/** Moves the data of the first cluster, which is compressed, so many bytes behind. Source: docs/interop/qcow2.txt of QEMU, compressed clusters descriptor. */
async function moveCompressed(path: string, byBytes: number): Promise<void> {
  const file = await open(path, 'r+');
  const head = await file.readFile();
  const l2At = Number(
    head.readBigUInt64BE(Number(head.readBigUInt64BE(40))) & 0x00ff_ffff_ffff_fe00n,
  );
  const entry = head.readBigUInt64BE(l2At);
  expect(entry >> 62n).toBe(1n);
  const offsetBits = 62n - (BigInt(head.readUInt32BE(20)) - 8n);
  const offset = Number(entry & ((1n << offsetBits) - 1n));
  const moved = Buffer.alloc(8);
  moved.writeBigUInt64BE(entry + BigInt(byBytes));
  await file.write(moved, 0, 8, l2At);
  await file.write(head.subarray(offset), 0, undefined, offset + byBytes);
  await file.write(Buffer.alloc(head.length - offset), 0, undefined, offset);
  await file.close();
}

describe.skipIf(!requireTool('qemu-img'))('mapBlocks', () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());

  let made = 0;

  async function statesOf(
    options: string,
    commands: string[],
    format = '-F raw',
  ): Promise<number[]> {
    const path = join(folder.path, `${(made += 1)}.qcow2`);
    const below = join(folder.path, 'below.raw');
    await writeFile(below, Buffer.alloc(MIB, 0xee));
    await qemuImg(
      'create',
      '-q',
      '-f',
      'qcow2',
      '-o',
      options,
      '-b',
      below,
      ...format.split(' '),
      path,
    );
    await qemuIo(path, 'qcow2', commands);
    const image = await openQcow2Image(await MemoryBytes.load(path));
    return [...(await image.mapBlocks(0, 18)).states.subarray(0, 4)];
  }

  it('tells data, zeros and nothing apart with 64 KiB clusters', async () => {
    expect(await statesOf('cluster_size=64k', ['write 0 64k', 'write -z 64k 64k'])).toEqual([
      BLOCK_DIRECT,
      BLOCK_ZERO,
      BLOCK_UNALLOCATED,
      BLOCK_UNALLOCATED,
    ]);
  });

  it('cuts larger clusters into blocks', async () => {
    expect(await statesOf('cluster_size=128k', ['write 0 128k', 'write -z 128k 128k'])).toEqual([
      BLOCK_DIRECT,
      BLOCK_DIRECT,
      BLOCK_ZERO,
      BLOCK_ZERO,
    ]);
  });

  it('joins smaller clusters only when they are alike and contiguous', async () => {
    const scattered = ['write 96k 32k', 'write 64k 32k'];
    const mixed = ['write 128k 32k'];
    const zeros = ['write -z 192k 64k'];
    expect(
      await statesOf('cluster_size=32k', ['write 0 64k', ...scattered, ...mixed, ...zeros]),
    ).toEqual([BLOCK_DIRECT, BLOCK_ENCODED, BLOCK_ENCODED, BLOCK_ZERO]);
  });

  it('counts a block of a partly written subcluster cluster as put together', async () => {
    expect(
      await statesOf('cluster_size=64k,extended_l2=on', ['write 0 64k', 'write 64k 2k']),
    ).toEqual([BLOCK_DIRECT, BLOCK_ENCODED, BLOCK_UNALLOCATED, BLOCK_UNALLOCATED]);
  });

  it('maps blocks beyond the disk as unallocated', async () => {
    const path = join(folder.path, 'short.qcow2');
    await qemuImg('create', '-q', '-f', 'qcow2', path, '70000');
    await qemuIo(path, 'qcow2', ['write 0 65k']);
    const image = await openQcow2Image(await MemoryBytes.load(path));
    expect([...(await image.mapBlocks(1, 3)).states]).toEqual([BLOCK_DIRECT, 0, 0]);
  });

  it('accepts a file that ends within a cluster behind its last byte in use', async () => {
    const path = join(folder.path, 'empty.qcow2');
    await qemuImg('create', '-q', '-f', 'qcow2', path, '1M');
    const bytes = (await MemoryBytes.load(path)).bytes.subarray(0, 3 * 64 * KIB + 16);
    const image = await openQcow2Image(new MemoryBytes(bytes));
    expect(await image.survey()).toMatchObject({ endOfReferences: 4 * 64 * KIB });
  });
});

async function makeChain(
  full: string,
  inc1: string,
  inc2: string,
  options: string,
  isCompressed: boolean,
): Promise<void> {
  const raw = `${full}.raw`;
  await writeFile(raw, testDisk());
  const compress = isCompressed ? ['-c'] : [];
  await qemuImg('convert', '-f', 'raw', '-O', 'qcow2', ...compress, '-o', options, raw, full);
  await qemuImg('create', '-q', '-f', 'qcow2', '-o', options, '-F', 'qcow2', '-b', full, inc1);
  const version2 = options.includes('compat=0.10');
  await qemuIo(inc1, 'qcow2', [
    'write -P 0x21 1M 200k',
    'write -P 0x22 1500k 3k',
    version2 ? 'write -P 0 2M 256k' : 'write -z 2M 256k',
    'write -P 0x23 2100k 5k',
    ...(isCompressed ? ['write -c -P 0x24 6M 2M'] : []),
    `write -P 0x25 ${8 * MIB} 512`,
  ]);
  const grown = String(GROWN_BYTES);
  await qemuImg(
    'create',
    '-q',
    '-f',
    'qcow2',
    '-o',
    options,
    '-F',
    'qcow2',
    '-b',
    inc1,
    inc2,
    grown,
  );
  await qemuIo(inc2, 'qcow2', [`write -P 0x31 ${8 * MIB + 128 * KIB} 70k`, 'write -P 0x32 0 512']);
}

/** Half compressible, half not, with holes; the same in every run. */
function testDisk(): Buffer {
  const disk = Buffer.alloc(DISK_BYTES);
  let seed = 1;
  for (let at = 0; at < 3 * MIB; at += 4) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    if ((at >> 17) % 3 !== 1) disk.writeUInt32LE((at >> 16) % 2 === 0 ? seed : seed & 0x0f0f, at);
  }
  return disk;
}

/** Reads the chain's view, first path the full, in pieces of `pieceBytes`. */
async function readChain(paths: string[], sizeBytes: number, pieceBytes: number): Promise<Buffer> {
  const images = await Promise.all(
    paths.map(async (path) => openQcow2Image(await MemoryBytes.load(path))),
  );
  const readLayer = async (target: Uint8Array, offset: number, layer: number): Promise<void> => {
    const below =
      layer === 0 ? null : (part: Uint8Array, at: number) => readLayer(part, at, layer - 1);
    await images[layer]?.read(target, offset, below);
  };
  const result = Buffer.alloc(sizeBytes, 0xcc);
  for (let at = 0; at < sizeBytes; at += pieceBytes)
    await readLayer(result.subarray(at, at + pieceBytes), at, images.length - 1);
  return result;
}

async function expectMapIsTrue(path: string): Promise<void> {
  await FileBytes.with(path, 'r', async (file) => {
    const image = await openQcow2Image(file);
    const blocks = Math.ceil(image.virtualSizeBytes / 65_536);
    const { states, hostOffsets } = await image.mapBlocks(0, blocks);
    for (let block = 0; block < blocks; block++) {
      const bytes = Math.min(65_536, image.virtualSizeBytes - block * 65_536);
      const own = Buffer.alloc(bytes);
      await image.read(own, block * 65_536, (target) => Promise.resolve(void target.fill(0xee)));
      const state = states[block];
      if (state === BLOCK_DIRECT) {
        const stored = Buffer.alloc(bytes);
        await file.read(stored, hostOffsets[block] ?? 0);
        expect(own.equals(stored)).toBe(true);
      } else {
        expect(hostOffsets[block]).toBe(0);
        if (state === BLOCK_ZERO) expect(own.equals(Buffer.alloc(bytes))).toBe(true);
        if (state === BLOCK_UNALLOCATED) expect(own.equals(Buffer.alloc(bytes, 0xee))).toBe(true);
      }
    }
  });
}
