import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openQcow2Image } from '../../../../src/image/qcow2/qcow2-image.js';
import { hasRealImage, realImage } from '../../../support/image/real-images.js';

const VM1 = 'qcow2/virtnbd-vm1-sda.qcow2.gz';

// Right readings, by QEMU and libqcow: the README of the fixtures.
describe.skipIf(!hasRealImage(VM1))('openQcow2Image with files of the machines of others', () => {
  it.each([
    [VM1, 52_428_800, 'd3dae722ccb461d59a67f6368c8b305c129a1d9309f4788a60f94a28b24cce1e'],
    [
      ...(['qcow2/virtnbd-vm3-sda.qcow2', 1_048_576] as const),
      '41a218f0aaf1b278462aaf0a1f3486e8cd9942e9beec620e74ac7aac3d57241d',
    ],
    [
      ...(['qcow2/virtnbd-vm5-bitmaps.qcow2', 1_048_576] as const),
      '41a218f0aaf1b278462aaf0a1f3486e8cd9942e9beec620e74ac7aac3d57241d',
    ],
  ])('reads %s as other readers do', async (path, sizeBytes, digest) => {
    const image = await openQcow2Image(realImage(path));
    expect(image.virtualSizeBytes).toBe(sizeBytes);
    const bytes = Buffer.alloc(sizeBytes);
    await image.read(bytes, 0, null);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(digest);
  });

  it('refuses one whose data lie in a file elsewhere', async () => {
    const image = realImage('qcow2/virtnbd-vm6-external-datafile.qcow2');
    await expect(openQcow2Image(image)).rejects.toMatchObject({ code: 'IMAGE_EXTERNAL_DATA' });
  });
});
