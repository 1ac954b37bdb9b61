import { describe, expect, it } from 'vitest';
import { BLOCK_DIRECT } from '../../../src/image/disk-image.js';
import { opaqueFormat } from '../../../src/image/file/opaque-format.js';
import { MemoryBytes } from '../../support/image/byte-files.js';

const ARCHIVE = opaqueFormat({
  id: 'archive',
  extension: 'arc',
  assertWhole: async (source) => {
    const end = Buffer.alloc(1);
    await source.read(end, source.sizeBytes - 1);
    if (end[0] !== 0x7e) throw new Error('it has no end');
  },
});

describe('a format of files that travel as they are', () => {
  it.each([1, 511, 513, 65_535, 65_536, 65_537, 200_001])(
    'has each of %d bytes, and no more',
    async (sizeBytes) => {
      const image = await ARCHIVE.open(new MemoryBytes(Buffer.alloc(sizeBytes, 0x11)));
      expect(image).toMatchObject({ format: 'archive', virtualSizeBytes: sizeBytes, parent: null });
      const blocks = Math.ceil(sizeBytes / 65_536);
      const { states, hostOffsets } = await image.mapBlocks(0, blocks + 1);
      expect([...states]).toEqual([...Array<number>(blocks).fill(BLOCK_DIRECT), 0]);
      expect(hostOffsets[blocks - 1]).toBe((blocks - 1) * 65_536);
      const end = Buffer.alloc(600, 0xcc);
      await image.read(end, sizeBytes - 1, null);
      expect(end.equals(Buffer.concat([Buffer.from([0x11]), Buffer.alloc(599)]))).toBe(true);
    },
  );

  it('is no disk at all when it is empty', async () => {
    const image = await ARCHIVE.open(new MemoryBytes(Buffer.alloc(0)));
    expect(image.virtualSizeBytes).toBe(0);
    expect([...(await image.mapBlocks(0, 1)).states]).toEqual([0]);
  });

  it('looks at a file of a source by what its kind has, and at none when it is copied', async () => {
    const cut = new MemoryBytes(Buffer.from('no end here'));
    await expect(ARCHIVE.readHead(cut)).rejects.toThrow('it has no end');
    expect((await ARCHIVE.open(cut)).virtualSizeBytes).toBe(11);
    const whole = new MemoryBytes(Buffer.from('an end here~'));
    expect(await ARCHIVE.readHead(whole)).toMatchObject({ virtualSizeBytes: 12, parent: null });
  });
});
