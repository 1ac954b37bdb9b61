import { describe, expect, it } from 'vitest';
import type { ByteSource } from '../../../../src/image/byte-source.js';
import { heldDisksOf } from '../../../../src/image/formats.js';
import { VMA } from '../../../../src/image/vma/vma-format.js';
import { MemoryBytes } from '../../../support/image/byte-files.js';
import { sign, vmaFile } from '../../../support/image/vma-file.js';

const CLUSTER = 65_536;
const BLOCK = 4_096;
const PER_EXTENT = 59;
const held = heldDisksOf('vma')!;

interface Stored {
  readonly device: number;
  readonly cluster: number;
  /** Its only block that is no zeros; absent: none. */
  readonly block?: number;
  readonly value?: number;
}

/** An archive by hand from vma_spec.txt, whose clusters are stored just as they are told. */
function archive(sizes: Readonly<Record<string, number>>, clusters: readonly Stored[]): Buffer {
  const devices = Object.keys(sizes).map((name) => ({ name, disk: Buffer.alloc(1) }));
  const header = vmaFile({ devices }).bytes.subarray(0, 12_800);
  for (const [index, bytes] of Object.values(sizes).entries())
    header.writeBigUInt64BE(BigInt(bytes), 4_096 + (index + 1) * 32 + 8);
  sign(header, 32);
  const parts = [header];
  for (let first = 0; first < clusters.length; first += PER_EXTENT) {
    const extent = Buffer.alloc(512);
    extent.write('VMAE', 0, 'latin1');
    extent.fill(7, 8, 24);
    const data: Buffer[] = [];
    for (const [place, each] of clusters.slice(first, first + PER_EXTENT).entries()) {
      const { device, cluster, block, value = 1 } = each;
      if (block !== undefined) data.push(Buffer.alloc(BLOCK, value));
      extent.writeUInt16BE(block === undefined ? 0 : 1 << block, 40 + place * 8);
      extent.writeUInt16BE(device, 40 + place * 8 + 2);
      extent.writeUInt32BE(cluster, 40 + place * 8 + 4);
    }
    extent.writeUInt16BE(data.length, 6);
    sign(extent, 24);
    parts.push(extent, ...data);
  }
  return Buffer.concat(parts);
}

const opened = (bytes: Buffer, name: string) => held.open(new MemoryBytes(bytes), name);

describe('a device whose clusters are stored out of turn', () => {
  const COUNT = 1_400;
  const isZeros = (cluster: number) => cluster % 7 === 3;
  const stored = (device: number, cluster: number): Stored => ({
    ...{ device, cluster },
    ...(isZeros(cluster) ? {} : { block: cluster % 16, value: (cluster % 250) + device }),
  });
  // Neighbours have changed their places, so that hardly any two follow one another; the second half comes first.
  const order = Array.from({ length: COUNT }, (_, n) => ((n + COUNT / 2) % COUNT) ^ 1);
  const bytes = archive({ 'drive-scsi0': COUNT * CLUSTER, 'drive-scsi1': 2 * CLUSTER }, [
    ...order.map((n) => stored(1, n)),
    stored(2, 0),
    stored(2, 1),
  ]);

  it('is read cluster for cluster', async () => {
    const image = await opened(bytes, 'drive-scsi0');
    const part = Buffer.alloc(CLUSTER);
    for (let n = 0; n < COUNT; n++) {
      await image.read(part, n * CLUSTER, null);
      const expected = Buffer.alloc(CLUSTER);
      if (!isZeros(n)) expected.fill((n % 250) + 1, (n % 16) * BLOCK, ((n % 16) + 1) * BLOCK);
      expect(part.equals(expected), String(n)).toBe(true);
    }
  });

  it('tells which of them are zeros', async () => {
    const image = await opened(bytes, 'drive-scsi0');
    const map = await image.mapBlocks(10, COUNT - 10);
    expect([...map.states].map((state) => state === 0)).toEqual(
      Array.from({ length: COUNT - 10 }, (_, i) => isZeros(i + 10)),
    );
    expect(map.states).toHaveLength(COUNT - 10);
    expect([2, 3, 4, 10, COUNT - 1].map((n) => image.nextHeldBlock(n))).toEqual([
      ...[2, 4, 4, 11, COUNT - 1],
    ]);
    expect([COUNT, COUNT + 5].map((n) => image.nextHeldBlock(n))).toEqual([COUNT, COUNT + 5]);
  });

  it('reads as zeros behind its end', async () => {
    const image = await opened(bytes, 'drive-scsi1');
    const part = Buffer.alloc(3 * CLUSTER, 9);
    await image.read(part, CLUSTER, null);
    const expected = Buffer.alloc(3 * CLUSTER);
    expected.fill(3, BLOCK, 2 * BLOCK);
    expect(part.equals(expected)).toBe(true);
  });

  it('is gone over once as long as the bytes of the archive are the same, each device for itself', async () => {
    let reads = 0;
    const memory = new MemoryBytes(bytes);
    const source = (sameness: string): ByteSource => ({
      ...{ label: 'a.vma', sizeBytes: bytes.length, sameness },
      read(target, offset) {
        reads++;
        return memory.read(target, offset);
      },
    });
    const firstBlock = async (name: string, sameness: string): Promise<[number, number]> => {
      reads = 0;
      const image = await held.open(source(sameness), name);
      const forOpening = reads;
      const part = Buffer.alloc(BLOCK);
      await image.read(part, 0, null);
      return [part[0]!, forOpening];
    };
    const [first, walked] = await firstBlock('drive-scsi0', 'one');
    expect([first, walked > 20]).toEqual([1, true]);
    expect(await firstBlock('drive-scsi1', 'one')).toEqual([2, walked]);
    const [again, kept] = await firstBlock('drive-scsi0', 'one');
    expect([again, kept < 5]).toEqual([1, true]);
    expect(await firstBlock('drive-scsi0', 'other')).toEqual([1, walked]);
  });
});

describe('a device of more than 4 GiB', () => {
  const COUNT = 65_538;
  const zeros = Array.from({ length: COUNT }, (_, cluster) => ({ device: 1, cluster }));
  const name = 'drive-virtio0';
  const sized = (clusters: readonly Stored[]) => archive({ [name]: COUNT * CLUSTER }, clusters);

  it('that is all zeros holds nothing', async () => {
    const image = await opened(sized(zeros), name);
    expect(image.nextHeldBlock(0)).toBe(COUNT);
  });

  it.each<[string, readonly Stored[], string]>([
    ['that lacks its last cluster', zeros.slice(0, -1), 'IMAGE_TRUNCATED'],
    ['that lacks a cluster in its middle', zeros.toSpliced(40_000, 1), 'IMAGE_TRUNCATED'],
    ['that has its first cluster twice', zeros.with(-1, zeros[0]!), 'IMAGE_CORRUPT'],
    ['that has a late cluster twice', zeros.with(-1, zeros[65_536]!), 'IMAGE_CORRUPT'],
  ])('%s is refused', async (_name, clusters, code) => {
    await expect(opened(sized(clusters), name)).rejects.toMatchObject({ code });
  });
});

it('takes an archive for whole that holds the memory of its machine in part', async () => {
  const clusters = [
    { device: 1, cluster: 0, block: 0 },
    { device: 2, cluster: 1, block: 3 },
  ];
  const bytes = archive({ 'drive-scsi0': CLUSTER, vmstate: 9 * CLUSTER }, clusters);
  expect((await VMA.readHead(new MemoryBytes(bytes))).virtualSizeBytes).toBe(bytes.length);
  expect(await held.list(new MemoryBytes(bytes))).toEqual(['drive-scsi0']);
});

describe('the name of the machine in an archive', () => {
  it.each([
    ['name: web01\n', 'web01'],
    ['description: see [1]\nname: web01\n', 'web01'],
    ['description: my name: x\nname:   web01  \n', 'web01'],
    ['cores: 2\n[before]\nname: old\n', undefined],
    ['name: two words\n', undefined],
  ])('of %j is %j', async (config, machineName) => {
    const devices = [{ name: 'drive-scsi0', disk: Buffer.alloc(CLUSTER) }];
    const { bytes } = vmaFile({ devices, config });
    expect((await VMA.readHead(new MemoryBytes(bytes))).dialect.machineName).toBe(machineName);
  });
});
