import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../../../src/domain/targets/digest.js';
import { BackupError } from '../../../../src/domain/errors.js';
import {
  BLOCK_DIRECT,
  BLOCK_ENCODED,
  BLOCK_UNALLOCATED,
  type DiskImage,
  type ReadBelow,
} from '../../../../src/image/disk-image.js';
import { readVirtnbdHead } from '../../../../src/image/virtnbd/virtnbd-head.js';
import { openVirtnbdImage } from '../../../../src/image/virtnbd/virtnbd-image.js';
import { MemoryBytes } from '../../../support/image/byte-files.js';
import { streamFile, type StreamOptions } from '../../../support/image/stream-file.js';
import { copyToRepository } from '../../../support/layout/repository-copy.js';

const FIXTURE = join(import.meta.dirname, '../../../fixtures/virtnbdbackup');
const MIB = 1024 * 1024;

function pattern(bytes: number, seed: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: bytes }, (_, i) => (i * seed + (i >> 8)) & 255));
}

async function open(options: StreamOptions): Promise<DiskImage> {
  return openVirtnbdImage(new MemoryBytes(streamFile(options)));
}

/** All of the disk, in reads that fit no boundary. */
async function shown(layers: readonly DiskImage[], step = 100_001): Promise<Buffer> {
  const disk = Buffer.alloc(layers[0]!.virtualSizeBytes, 0xee);
  const below = (index: number): ReadBelow | null =>
    index === layers.length
      ? null
      : (target, offset) => layers[index]!.read(target, offset, below(index + 1));
  for (let at = 0; at < disk.length; at += step) await below(0)!(disk.subarray(at, at + step), at);
  return disk;
}

describe('a stream that the tool has compressed', () => {
  it.each([
    ['virtnbdbackup.0', ['full.data']],
    ['virtnbdbackup.1', ['inc.virtnbdbackup.1.data', 'full.data']],
    ['virtnbdbackup.2', ['inc.virtnbdbackup.2.data', 'inc.virtnbdbackup.1.data', 'full.data']],
  ])('shows the disks at %s as virtnbdrestore put them back', async (checkpoint, names) => {
    const truth = JSON.parse(await readFile(join(FIXTURE, 'truth.json'), 'utf8')) as {
      vm1: Record<string, Record<string, string>>;
    };
    for (const disk of ['vdb', 'vdc']) {
      const files = names.map((name) => MemoryBytes.load(join(FIXTURE, 'vm1', `${disk}.${name}`)));
      const layers = await Promise.all(files.map(async (file) => openVirtnbdImage(await file)));
      const digest = createHash('sha256')
        .update(await shown(layers, 3 * MIB))
        .digest('hex');
      expect(digest).toBe(truth.vm1[checkpoint]![disk]);
    }
  });

  it('is read in pieces, as large frames are compressed', async () => {
    const data = pattern(5 * BLOCK_BYTES, 7);
    const frames = [{ start: 2 * BLOCK_BYTES, data }];
    const image = await open({ virtualSize: MIB, frames, compressedBy: 2 * BLOCK_BYTES });
    const disk = Buffer.alloc(MIB);
    data.copy(disk, 2 * BLOCK_BYTES);
    expect((await shown([image])).equals(disk)).toBe(true);
    const { states } = await image.mapBlocks(0, 8);
    expect([...states]).toEqual([0, 0, 3, 3, 3, 3, 3, 0]);
  });
});

describe('a stream that the tool has written as it is', () => {
  const PACKED = join(import.meta.dirname, '../../../fixtures/packed');

  // 8 MiB of its second increment are zeros in frames of data: they hide what the streams below hold.
  it('shows the disks at each checkpoint as virtnbdrestore put them back', async () => {
    const copy = await copyToRepository('packed/virtnbdbackup-plain.tar.gz');
    const truth = JSON.parse(await readFile(join(PACKED, 'truth.json'), 'utf8')) as Record<
      string,
      Record<string, Record<string, string>>
    >;
    const names = ['full.data', 'inc.virtnbdbackup.1.data', 'inc.virtnbdbackup.2.data'];
    for (const disk of ['vdb', 'vdc']) {
      const layers: DiskImage[] = [];
      for (const [checkpoint, name] of names.entries()) {
        const file = await MemoryBytes.load(copy.at(`vm1/${disk}.${name}`));
        layers.unshift(await openVirtnbdImage(file));
        const digest = createHash('sha256')
          .update(await shown(layers, 3 * MIB))
          .digest('hex');
        const expected = truth['virtnbdbackup-plain']![`virtnbdbackup.${checkpoint}`]![disk];
        expect(digest, `${disk} ${checkpoint}`).toBe(expected);
      }
    }
  });
});

describe('a plain stream', () => {
  const whole = pattern(2 * BLOCK_BYTES, 3);
  const odd = pattern(1_000, 5);
  const virtualSize = 8 * BLOCK_BYTES + 512;
  const last = pattern(512, 11);
  const options = {
    virtualSize,
    frames: [
      { start: 0, data: BLOCK_BYTES },
      { start: BLOCK_BYTES, data: whole },
      { start: 4 * BLOCK_BYTES - 500, data: odd },
      { start: 8 * BLOCK_BYTES, data: last },
    ],
  };

  it('tells what lies whole in one frame, and where', async () => {
    const file = streamFile(options);
    const image = await openVirtnbdImage(new MemoryBytes(file));
    const { states, hostOffsets } = await image.mapBlocks(0, 10);
    expect([...states]).toEqual([
      BLOCK_UNALLOCATED,
      BLOCK_DIRECT,
      BLOCK_DIRECT,
      BLOCK_ENCODED,
      BLOCK_ENCODED,
      BLOCK_UNALLOCATED,
      BLOCK_UNALLOCATED,
      BLOCK_UNALLOCATED,
      BLOCK_ENCODED,
      BLOCK_UNALLOCATED,
    ]);
    expect(hostOffsets[1]).toBe(file.indexOf(whole));
    expect(hostOffsets[2]).toBe(file.indexOf(whole) + BLOCK_BYTES);
    expect([0, 3, 5, 9].map((block) => image.nextHeldBlock(block))).toEqual([1, 3, 8, 9]);
  });

  it('shows zeros, or what lies below, where it holds nothing', async () => {
    const below = Buffer.alloc(virtualSize, 0xaa);
    const increment = await open({ ...options, parent: 'virtnbdbackup.0' });
    const disk = Buffer.from(below);
    whole.copy(disk, BLOCK_BYTES);
    odd.copy(disk, 4 * BLOCK_BYTES - 500);
    last.copy(disk, 8 * BLOCK_BYTES);
    const parts: Buffer = Buffer.alloc(virtualSize);
    for (let at = 0; at < virtualSize; at += 70_001)
      await increment.read(parts.subarray(at, at + 70_001), at, (target, offset) => {
        target.set(below.subarray(offset, offset + target.length));
        return Promise.resolve();
      });
    expect(parts.equals(disk)).toBe(true);
    const past = Buffer.alloc(2_000, 0xee);
    await increment.read(past, virtualSize - 512, null);
    expect(past.equals(Buffer.concat([last, Buffer.alloc(1_488)]))).toBe(true);
  });

  it('has blocks put together of which its frames hold a part each, however large they are', async () => {
    const [first, second] = [pattern(3 * BLOCK_BYTES, 3), pattern(3 * BLOCK_BYTES, 5)];
    const start = BLOCK_BYTES / 2;
    const frames = [
      { start, data: first },
      { start: start + first.length, data: second },
    ];
    const file = streamFile({ virtualSize: MIB, frames });
    const image = await openVirtnbdImage(new MemoryBytes(file));
    const { states, hostOffsets } = await image.mapBlocks(0, 8);
    expect([...states]).toEqual([3, 2, 2, 3, 2, 2, 3, 0]);
    for (const [block, frame, at] of [
      [1, first, start],
      [2, first, start + BLOCK_BYTES],
      [4, second, start],
      [5, second, start + BLOCK_BYTES],
    ] as const)
      expect(hostOffsets[block]).toBe(file.indexOf(frame) + at);
  });

  it('may hold its frames in any order, one for each block', async () => {
    const blocks = [5, 6, 7, 1, 2, 4].map((block) => ({
      start: block * BLOCK_BYTES,
      data: pattern(BLOCK_BYTES, 2 * block + 1),
    }));
    // Blocks 6 and 7 do not lie side by side in the file.
    const zeros = { start: 8 * BLOCK_BYTES, data: BLOCK_BYTES };
    const frames = [...blocks.slice(0, 2), zeros, ...blocks.slice(2)];
    const file = streamFile({ virtualSize: MIB, frames });
    const image = await openVirtnbdImage(new MemoryBytes(file));
    const disk = Buffer.alloc(MIB);
    for (const { start, data } of blocks) data.copy(disk, start);
    expect((await shown([image])).equals(disk)).toBe(true);
    const { states, hostOffsets } = await image.mapBlocks(0, 8);
    expect([...states]).toEqual([0, 2, 2, 0, 2, 2, 2, 2]);
    for (const { start, data } of blocks)
      expect(hostOffsets[start / BLOCK_BYTES]).toBe(file.indexOf(data));
  });

  it('is gone over once as long as its bytes are the same', async () => {
    const file = streamFile(options);
    let reads = 0;
    const counted = (sameness?: string) => ({
      ...{ label: 'vda.full.data', sizeBytes: file.length, sameness },
      read: (target: Uint8Array, offset: number) => {
        reads++;
        return new MemoryBytes(file).read(target, offset);
      },
    });
    const readsOf = async (sameness?: string) => {
      reads = 0;
      expect((await openVirtnbdImage(counted(sameness))).nextHeldBlock(5)).toBe(8);
      return reads;
    };
    const all = await readsOf();
    expect(await readsOf()).toBe(all);
    expect(await readsOf('primary/vda.full.data at noon')).toBe(all);
    // The meta frame: its header and its text.
    expect(await readsOf('primary/vda.full.data at noon')).toBe(2);
    expect(await readsOf('primary/vda.full.data at one')).toBe(all);
  });

  it('says what it is an increment to, and which backup it is', async () => {
    const increment = { ...options, checkpoint: 'virtnbdbackup.7', parent: 'virtnbdbackup.6' };
    const head = await readVirtnbdHead(new MemoryBytes(streamFile(increment)));
    expect(head).toMatchObject({
      virtualSizeBytes: virtualSize,
      parent: { linkId: 'virtnbdbackup.6' },
      linkId: 'virtnbdbackup.7',
    });
    expect((await readVirtnbdHead(new MemoryBytes(streamFile(options)))).parent).toBeNull();
  });
});

describe('a stream that cannot be trusted', () => {
  const data = pattern(BLOCK_BYTES, 3);
  const frames = [
    { start: 0, data },
    { start: 4 * BLOCK_BYTES, data },
  ];
  const plain = streamFile({ virtualSize: MIB, frames });
  const compressed = streamFile({ virtualSize: MIB, frames, compressedBy: BLOCK_BYTES });
  const secondHeader = plain.indexOf('data', plain.indexOf('data') + 4 + BLOCK_BYTES);

  const made = (change: Partial<StreamOptions>): Buffer =>
    streamFile({ virtualSize: MIB, frames, ...change });
  const poked = (file: Buffer, offset: number, text: string): Buffer => {
    const copy = Buffer.from(file);
    copy.write(text, offset, 'latin1');
    return copy;
  };
  const compressedData = compressed.indexOf(Buffer.from('04224d18', 'hex'));
  /** Behind the stop frame of the compressed one. */
  const trailed = (text: string): Buffer => {
    const stop = compressed.lastIndexOf('stop ') + 40;
    const length = text.length.toString(16).padStart(16, '0');
    const end = Buffer.from(`${text}\r\ncomp ${'0'.repeat(16)} ${length}\r\n`, 'latin1');
    return Buffer.concat([compressed.subarray(0, stop), end]);
  };

  it.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'IMAGE_MAGIC_MISSING'],
    ['another file', Buffer.alloc(4096, 1), 'IMAGE_MAGIC_MISSING'],
    ['within its first frame', plain.subarray(0, 20), 'IMAGE_TRUNCATED'],
    ['cut within a frame', plain.subarray(0, secondHeader + 500), 'IMAGE_TRUNCATED'],
    ['cut before its stop frame', plain.subarray(0, -40), 'IMAGE_TRUNCATED'],
    ['bytes behind the stop frame', Buffer.concat([plain, Buffer.alloc(1)]), 'IMAGE_TRUNCATED'],
    ['a stop frame behind its own', Buffer.concat([plain, plain.subarray(-40)]), 'IMAGE_CORRUPT'],
    ['a frame of 16 f', poked(plain, secondHeader + 22, 'f'.repeat(16)), 'IMAGE_LIMIT_EXCEEDED'],
    ['a frame that ends elsewhere', poked(plain, secondHeader + 37, '1'), 'IMAGE_CORRUPT'],
    ['a frame of an unknown kind', poked(plain, secondHeader, 'dada'), 'IMAGE_CORRUPT'],
    ['a frame behind the disk', made({ frames: [{ start: MIB, data }] }), 'IMAGE_CORRUPT'],
    ['zeros behind the disk', made({ frames: [{ start: MIB, data: 512 }] }), 'IMAGE_CORRUPT'],
    ['one block twice', made({ frames: [frames[0]!, frames[0]!] }), 'IMAGE_CORRUPT'],
    ['a frame over another', made({ frames: [frames[0]!, { start: 512, data }] }), 'IMAGE_CORRUPT'],
    ['another sum of data', made({ meta: { dataSize: 4 } }), 'IMAGE_CORRUPT'],
    ['a disk of 2^62', made({ meta: { virtualSize: 2 ** 62 } }), 'IMAGE_CORRUPT'],
    ['a disk of -1', made({ meta: { virtualSize: -1 } }), 'IMAGE_CORRUPT'],
    ['part of a sector', made({ meta: { virtualSize: MIB + 1 } }), 'IMAGE_CORRUPT'],
    ['no checkpoint', made({ meta: { checkpointName: null } }), 'IMAGE_CORRUPT'],
    ['an unknown version', made({ meta: { streamVersion: 3 } }), 'IMAGE_VERSION_UNKNOWN'],
    [
      'zstd',
      made({ meta: { compressed: true, compressionMethod: 'zstd' } }),
      'IMAGE_VERSION_UNKNOWN',
    ],
    ['no JSON', poked(plain, 40, 'x'), 'IMAGE_CORRUPT'],
    ['a meta frame of 4 GiB', poked(plain, 31, 'f'), 'IMAGE_LIMIT_EXCEEDED'],
    ['cut within its trailer', compressed.subarray(0, -40), 'IMAGE_TRUNCATED'],
    [
      'a piece of fewer bytes than none',
      poked(compressed, compressed.lastIndexOf('[') + 1, '-'),
      'IMAGE_CORRUPT',
    ],
    ['compressed without a trailer', made({ meta: { compressed: 2 } }), 'IMAGE_TRUNCATED'],
    ['a trailer of 4 GiB', poked(compressed, compressed.length - 10, 'f'), 'IMAGE_LIMIT_EXCEEDED'],
    ['a trailer beyond the file', poked(compressed, compressed.length - 7, 'f'), 'IMAGE_TRUNCATED'],
    [
      'a trailer of millions of pieces',
      trailed(`[1${',1'.repeat(2 ** 22)}]`),
      'IMAGE_LIMIT_EXCEEDED',
    ],
    [
      'a trailer of lists within lists',
      trailed(`${'['.repeat(2 ** 22 + 1)}${']'.repeat(2 ** 22 + 1)}`),
      'IMAGE_LIMIT_EXCEEDED',
    ],
    ['another sum in its trailer', poked(compressed, compressed.length - 44, '0'), 'IMAGE_CORRUPT'],
    ['no frame of LZ4', poked(compressed, compressedData, 'x'), 'IMAGE_CORRUPT'],
    ['LZ4 data of 2^60', poked(compressed, compressedData + 13, '\x10'), 'IMAGE_LIMIT_EXCEEDED'],
  ])('%s is refused', async (_, file, code) => {
    const error = await openVirtnbdImage(new MemoryBytes(file)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BackupError);
    expect((error as BackupError).code).toBe(code);
  });

  it.each<[string, (file: Buffer) => unknown]>([
    ['damaged', (file) => file.fill(0x55, compressedData + 60, compressedData + 80)],
    ['blocks without end', (file) => file.writeUInt32LE(0x8000_0001, compressedData + 15)],
  ])('what is %s inside LZ4 is refused when it is read', async (_, poke) => {
    const file = Buffer.from(compressed);
    poke(file);
    const image = await openVirtnbdImage(new MemoryBytes(file));
    const read = image.read(Buffer.alloc(BLOCK_BYTES), 0, null);
    await expect(read).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' });
    // What lies beside it is read as before.
    const other = Buffer.alloc(BLOCK_BYTES);
    await image.read(other, 4 * BLOCK_BYTES, null);
    expect(other.equals(data)).toBe(true);
  });

  it('a piece that could not be read is read again', async () => {
    const good = new MemoryBytes(compressed);
    let isBad = false;
    const image = await openVirtnbdImage({
      ...{ label: 'vda.full.data', sizeBytes: good.sizeBytes },
      read: (target, offset) =>
        isBad ? Promise.reject(new Error('the storage is away')) : good.read(target, offset),
    });
    const seen = Buffer.alloc(BLOCK_BYTES);
    isBad = true;
    await expect(image.read(seen, 0, null)).rejects.toThrow('the storage is away');
    isBad = false;
    await image.read(seen, 0, null);
    expect(seen.equals(data)).toBe(true);
  });

  it('a piece that unpacks to far more than it should takes no memory for it', async () => {
    const bomb = streamFile({
      virtualSize: 64 * MIB,
      frames: [{ start: 0, data: Buffer.alloc(48 * MIB) }],
      compressedBy: 64 * MIB,
    });
    const at = bomb.indexOf(Buffer.from('04224d18', 'hex')) + 6;
    bomb.writeBigUInt64LE(BigInt(BLOCK_BYTES), at);
    bomb.write(BLOCK_BYTES.toString(16).padStart(16, '0'), at - 6 - 18, 'latin1');
    const dataSize = bomb.indexOf(String(48 * MIB));
    bomb.write(String(BLOCK_BYTES).padEnd(8), dataSize);
    const image = await openVirtnbdImage(new MemoryBytes(bomb)).catch((e: BackupError) => e);
    const error =
      image instanceof BackupError
        ? image
        : await image.read(Buffer.alloc(512), 0, null).catch((e: BackupError) => e);
    expect(error).toMatchObject({ code: 'IMAGE_CORRUPT' });
  });
});
