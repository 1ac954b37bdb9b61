import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DiskImage } from '../../../src/image/disk-image.js';
import { heldDisksOf, imageFormat } from '../../../src/image/formats.js';
import { MemoryBytes } from '../../support/image/byte-files.js';
import { REAL_FIXTURES } from '../../support/image/real-fixtures.js';
import { vmaFile } from '../../support/image/vma-file.js';

const CLUSTER = 65_536;

/** Read in steps that are whole in nothing. */
async function allOf(image: DiskImage): Promise<Buffer> {
  const bytes = Buffer.alloc(image.virtualSizeBytes);
  for (let at = 0; at < bytes.length; at += 100_001)
    await image.read(bytes.subarray(at, at + 100_001), at, null);
  return bytes;
}

/** As a copy walks it: what the map says is not held stays zeros. */
async function heldOf(image: DiskImage): Promise<Buffer> {
  const bytes = Buffer.alloc(Math.ceil(image.virtualSizeBytes / CLUSTER) * CLUSTER);
  const blocks = bytes.length / CLUSTER;
  for (let at = image.nextHeldBlock(0); at < blocks; at = image.nextHeldBlock(at + 1)) {
    const { states } = await image.mapBlocks(at, 1);
    if (states[0] !== 0)
      await image.read(bytes.subarray(at * CLUSTER, (at + 1) * CLUSTER), at * CLUSTER, null);
  }
  return bytes.subarray(0, image.virtualSizeBytes);
}

describe('a device of a VMA archive', () => {
  const disk = (clusters: number, tail: number, seed: number): Buffer => {
    const bytes = Buffer.alloc(clusters * CLUSTER + tail);
    for (let block = 0; block * 4_096 < bytes.length; block++)
      if (Math.imul(block + seed, 2_654_435_761) % 3 !== 0 && block % 100 > 30)
        bytes.fill(((block * seed) % 255) + 1, block * 4_096, (block + 1) * 4_096);
    return bytes;
  };
  const disks = {
    'drive-scsi0': disk(150, 0, 3),
    // Of a machine with UEFI: 528 KiB, no whole clusters.
    'drive-efidisk0': disk(8, 16_384, 5),
    'drive-scsi1': disk(70, 512, 7),
  };
  const devices = Object.entries(disks).map(([name, bytes]) => ({ name, disk: bytes }));
  const held = heldDisksOf('vma')!;
  const openIn = (bytes: Buffer, name: string) => held.open(new MemoryBytes(bytes), name);

  it.each(['as they follow one another', 'woven and out of turn'])(
    'is read with its clusters %s',
    async (order) => {
      const isWoven = order !== 'as they follow one another';
      const { bytes } = vmaFile({ devices: [...devices, memory], isWoven });
      expect(await held.list(new MemoryBytes(bytes))).toEqual(Object.keys(disks));
      for (const [name, expected] of Object.entries(disks)) {
        const image = await openIn(bytes, name);
        expect((await allOf(image)).equals(expected), name).toBe(true);
        expect((await heldOf(image)).equals(expected), name).toBe(true);
      }
    },
  );
  const memory = { name: 'vmstate', disk: disk(2, 0, 9) };

  it('of no such name is refused with those that there are', async () => {
    const { bytes } = vmaFile({ devices });
    await expect(openIn(bytes, 'drive-ide2')).rejects.toMatchObject({
      code: 'IMAGE_EXTENT_MISSING',
      message: expect.stringMatching(/drive-scsi0, drive-efidisk0, drive-scsi1/),
    });
  });

  it('of an archive that was cut between two extents is refused', async () => {
    const { bytes, extents } = vmaFile({ devices });
    await expect(openIn(bytes.subarray(0, extents[1]), 'drive-scsi0')).rejects.toMatchObject({
      code: 'IMAGE_TRUNCATED',
    });
  });

  // Digests: dissect.archive 1.9 over the same file.
  it.skipIf(REAL_FIXTURES === null)('of an archive that Proxmox made', async ({ skip }) => {
    const packed = join(REAL_FIXTURES ?? '', '..', 'proxmox-vma.tar.zst');
    if (!existsSync(packed)) skip('the archive of Proxmox is not here');
    const unpack = 'tar --zstd -xOf "$0" | zstd -dcq';
    const bytes = execFileSync('sh', ['-c', unpack, packed], { maxBuffer: 2 ** 28 });
    for (const [name, digest] of [
      ['drive-scsi0', '98e539b8b3cf1a639813703f4445a05fdb560e47f76a3998756b9a86cb7dcbeb'],
      ['drive-scsi1', 'ee8a9b387dc66021ea0b1334680fea78c23173e7d58c7cafbdee61fc9181c6e7'],
    ] as const) {
      const image = await openIn(bytes, name);
      expect(
        createHash('sha256')
          .update(await allOf(image))
          .digest('hex'),
      ).toBe(digest);
    }
  });
});

it('is held by no archive that is compressed', () => {
  for (const format of ['gzip', 'zstd', 'lzop', 'file', 'tar'])
    expect(imageFormat(format).heldDisks).toBeUndefined();
});
