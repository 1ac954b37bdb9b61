import { describe, expect, it } from 'vitest';
import { BLOCK_DIRECT, BLOCK_ENCODED } from '../../../src/image/disk-image.js';
import { openRawImage } from '../../../src/image/raw/raw-image.js';
import { MemoryBytes } from '../../support/image/byte-files.js';

describe('openRawImage', () => {
  it('maps every block to its own offset', async () => {
    const image = openRawImage(new MemoryBytes(Buffer.alloc(3 * 65_536)));
    const { states, hostOffsets } = await image.mapBlocks(1, 3);
    expect([...states]).toEqual([BLOCK_DIRECT, BLOCK_DIRECT, 0]);
    expect([...hostOffsets]).toEqual([65_536, 131_072, 0]);
  });

  it('rounds a size up to whole sectors and reads the rest as zeros', async () => {
    const image = openRawImage(new MemoryBytes(Buffer.alloc(65_536 + 600, 0x11)));
    expect(image.virtualSizeBytes).toBe(65_536 + 1024);
    expect([...(await image.mapBlocks(0, 2)).states]).toEqual([BLOCK_DIRECT, BLOCK_ENCODED]);
    const read = Buffer.alloc(2000, 0xcc);
    await image.read(read, 65_536, null);
    expect(read.equals(Buffer.concat([Buffer.alloc(600, 0x11), Buffer.alloc(1400)]))).toBe(true);
  });

  it('ends at a given disk size', async () => {
    const image = openRawImage(new MemoryBytes(Buffer.alloc(131_072, 0x11)), 65_536);
    const read = Buffer.alloc(1024, 0xcc);
    await image.read(read, 65_536 - 512, null);
    expect(read.equals(Buffer.concat([Buffer.alloc(512, 0x11), Buffer.alloc(512)]))).toBe(true);
    expect([...(await image.mapBlocks(0, 2)).states]).toEqual([BLOCK_DIRECT, 0]);
  });

  it('refuses a file that is shorter than the given disk size', () => {
    expect(() => openRawImage(new MemoryBytes(Buffer.alloc(1024)), 2048)).toThrow(
      'memory.img: has 1024 bytes, the disk 2048',
    );
  });

  it('stays raw when the guest wrote a qcow2 header into its first sector', async () => {
    const disk = Buffer.alloc(65_536);
    disk.write('QFI\xfb\0\0\0\x03', 'latin1');
    const image = openRawImage(new MemoryBytes(disk));
    const read = Buffer.alloc(8);
    await image.read(read, 0, null);
    expect(read.toString('hex')).toBe('514649fb00000003');
    expect(image).toMatchObject({ format: 'raw', parent: null, virtualSizeBytes: 65_536 });
  });
});
