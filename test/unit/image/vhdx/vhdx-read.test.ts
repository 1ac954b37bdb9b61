import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { DiskImage, ReadBelow } from '../../../../src/image/disk-image.js';
import { openVhdxImage } from '../../../../src/image/vhdx/vhdx-image.js';
import { readVhdxHead } from '../../../../src/image/vhdx/vhdx-head.js';
import type { MemoryBytes } from '../../../support/image/byte-files.js';
import { fixtureImage, hasRealImage, realImage } from '../../../support/image/real-images.js';

const MIB = 1024 * 1024;

async function digestOf(image: DiskImage, below: ReadBelow | null = null): Promise<string> {
  const hash = createHash('sha256');
  for (let offset = 0; offset < image.virtualSizeBytes; offset += MIB) {
    const part = Buffer.alloc(Math.min(MIB, image.virtualSizeBytes - offset));
    await image.read(part, offset, below);
    hash.update(part);
  }
  return hash.digest('hex');
}

async function openChain(parent: MemoryBytes, child: MemoryBytes) {
  const below = await openVhdxImage(parent);
  const top = await openVhdxImage(child);
  return { below, top, read: (target: Uint8Array, at: number) => below.read(target, at, null) };
}

// Right readings: test/fixtures/README.md; what libvhdi, dissect and QEMU read from these files.
describe('openVhdxImage', () => {
  it('reads a fixed file of Windows', async () => {
    const image = await openVhdxImage(fixtureImage('hyperv/ntfs-parent.vhdx.gz'));
    expect(await digestOf(image)).toBe(
      'c5523065bc6ef82267be56c5f8888e2876ead8ba7edba2a65a3da8b076231b68',
    );
  });

  it('reads a file of QEMU, whose headers start at any number', async () => {
    const image = await openVhdxImage(fixtureImage('hyperv/ext2.vhdx.gz'));
    expect(await digestOf(image)).toBe(
      'a6c2f0e39afe6c6ab432ca5465349fcefe8dc944398e97b2d957d3f89dbb5d80',
    );
  });

  it('reads a differencing file of Windows over its parent, sector by sector', async () => {
    const parent = fixtureImage('hyperv/ntfs-parent.vhdx.gz');
    const child = fixtureImage('hyperv/ntfs-differential.vhdx.gz');
    const { below, top, read } = await openChain(parent, child);
    expect(await digestOf(top, read)).toBe(
      '1ef1fb5360247aa7d36a38415bc7bf6e1e52f62af5e6bd1283815e82584c7efc',
    );
    expect(top.parent).toEqual({ name: 'ntfs-parent.vhdx', linkId: below.linkId });
    const { states } = await top.mapBlocks(0, 64);
    expect([...states].filter((state) => state === 3)).toHaveLength(8);
    expect([...states].filter((state) => state === 0)).toHaveLength(56);
  });

  it.skipIf(!hasRealImage('vhdx/dynamic.vhdx.gz'))(
    'reads a file of Hyper-V whose blocks are larger than its disk',
    async () => {
      const image = await openVhdxImage(realImage('vhdx/dynamic.vhdx.gz'));
      expect(await digestOf(image)).toBe(
        '8e2b5e9265d694b42b81819e3bff29770eff4ed0f4f9f311693ff3dbdc93efac',
      );
    },
  );

  it.skipIf(!hasRealImage('vhdx/differencing.avhdx.gz'))(
    'tells of a checkpoint of Hyper-V what it builds on, and what it holds itself',
    async () => {
      const file = realImage('vhdx/differencing.avhdx.gz');
      const head = await readVhdxHead(file);
      expect(head.virtualSizeBytes).toBe(8_589_934_592);
      expect(head.parent?.name).toBe('Generation 1_49C4BAF3-4B25-4406-8C4B-D39E65C32385.avhdx');
      const image = await openVhdxImage(file);
      // 32 payload blocks of 2 MiB hold something, 4064 hold nothing
      const held = new Set<number>();
      for (
        let block = image.nextHeldBlock(0);
        block < 131_072;
        block = image.nextHeldBlock(block)
      ) {
        held.add(Math.floor(block / 32));
        block = (Math.floor(block / 32) + 1) * 32;
      }
      expect(held.size).toBe(32);
    },
  );
});
