import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ByteSource } from '../../../src/image/byte-source.js';
import type { ImageFormat } from '../../../src/image/image-format.js';
import { VMDK } from '../../../src/image/vmdk/vmdk-format.js';
import { MemoryBytes } from '../../support/image/byte-files.js';
import { blockOf, firstDifference } from '../../support/image/composed-disk.js';
import { qemuBytes, requireTool, temporaryFolder } from '../../support/image/qemu.js';
import { brokenBytes, expectRefusedOrRead, expectShown, PeakMemory } from './reading.js';
import { EXTENT, READ_ONLY_ROWS, type Grain } from './read-only-rows.js';

const SECTOR = 512;
const BLOCK = 65_536;
/** Several grain tables, of which some are not there, and a last block and a last grain that are cut off. */
const SECTORS = 4_096 * 8 + 130;
const PARENT = ['parentCID=0172e8a4', 'parentFileNameHint="web01.vmdk"'];

/** What is asked of formats that are read alone, as far as it is asked of those that are written. */
describe.each(READ_ONLY_ROWS)('$name', (row) => {
  const { grainBytes, hasZeros } = row;
  const sizeBytes = SECTORS * SECTOR;
  const folder = temporaryFolder();
  afterAll(() => folder.remove());

  /** At both ends of the disk, of tables and of blocks, alone and side by side. */
  const grains = new Map<number, Grain>();
  for (const place of [0, BLOCK - grainBytes, BLOCK, 5 * BLOCK + 8_192, 20 * BLOCK, sizeBytes - 1])
    for (const more of [0, 1]) {
      const grain = Math.floor(place / grainBytes) + more;
      if (grain * grainBytes < sizeBytes) grains.set(grain, contentOf(grain));
    }
  for (let grain = 0; grain * grainBytes < 2 * BLOCK; grain++)
    grains.set((9 * BLOCK) / grainBytes + grain, contentOf(grain + 77));
  if (hasZeros)
    for (const [at, zeros] of [
      [3 * BLOCK, 'zero'],
      [12 * BLOCK + 4_096, 'unmapped'],
      [BLOCK + 3 * grainBytes, 'zero'],
    ] as const)
      grains.set(at / grainBytes, zeros);

  function contentOf(grain: number): Buffer {
    return Buffer.from(blockOf(grain + 1).subarray(0, grainBytes));
  }

  function shownOver(below: Buffer): Buffer {
    const disk = Buffer.from(below);
    for (const [grain, content] of grains) {
      const part = disk.subarray(grain * grainBytes, (grain + 1) * grainBytes);
      if (Buffer.isBuffer(content)) content.copy(part);
      else part.fill(0);
    }
    return disk;
  }

  function formatOver(extent: ByteSource): Pick<ImageFormat, 'readHead' | 'open'> {
    const extents = { open: () => Promise.resolve(extent) };
    return {
      readHead: (file) => VMDK.readHead(file, extents),
      open: (file) => VMDK.open(file, extents),
    };
  }

  function descriptor(more: readonly string[], sectors = SECTORS): MemoryBytes {
    return new MemoryBytes(Buffer.from(row.descriptor(sectors, more)), 'web01-000001.vmdk');
  }

  const extent = row.extent(SECTORS, grains);
  const format = formatOver(new MemoryBytes(extent, EXTENT));

  it.skipIf(!requireTool('qemu-img'))('is such a file, as QEMU reads it', async () => {
    const path = join(folder.path, 'web01-000001.vmdk');
    await writeFile(path, descriptor([]).bytes);
    await writeFile(join(folder.path, EXTENT), extent);
    const seen = await qemuBytes(path, 'vmdk');
    expect(firstDifference(seen, shownOver(Buffer.alloc(sizeBytes)))).toBeNull();
  });

  it('shows its disk by the map and by reads at any place, alone and over another', async () => {
    const alone = { file: descriptor([]), disk: shownOver(Buffer.alloc(sizeBytes)) };
    await expectShown(format, alone, null);
    const below = Buffer.alloc(sizeBytes, 0xb5);
    await expectShown(format, { file: descriptor(PARENT), disk: shownOver(below) }, below);
  });

  it('says the same of a file in its head as when it is opened', async () => {
    for (const more of [[], PARENT]) {
      const { virtualSizeBytes, parent, linkId, dialect } = await format.open(descriptor(more));
      const head = { virtualSizeBytes, parent, linkId, dialect };
      expect(await format.readHead(descriptor(more))).toEqual(head);
      expect(head).toMatchObject({ virtualSizeBytes: sizeBytes, linkId: '8f67ca74' });
      expect(parent?.linkId).toBe(more.length === 0 ? undefined : '0172e8a4');
    }
  });

  it('refuses what is broken in it, with a code, and never fails otherwise', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const broken = brokenBytes(new MemoryBytes(extent, EXTENT), row.extentFormat, seed);
      await expectRefusedOrRead(formatOver(broken), descriptor(PARENT), seed);
      await expectRefusedOrRead(format, brokenBytes(descriptor(PARENT), VMDK.id, seed), seed);
    }
  });

  it('takes a bounded memory for its largest disk', async () => {
    const memory = new PeakMemory();
    const { sectors, extent } = row.largest();
    const largest = formatOver(extent);
    const image = await largest.open(descriptor(PARENT, sectors));
    expect(image.virtualSizeBytes).toBe(sectors * SECTOR);
    memory.look();
    const part = Buffer.alloc(BLOCK);
    await image.read(part, image.virtualSizeBytes - BLOCK, (target) => {
      target.fill(7);
      return Promise.resolve();
    });
    expect(part.equals(Buffer.alloc(BLOCK, 7))).toBe(true);
    const blockCount = Math.ceil(image.virtualSizeBytes / BLOCK);
    for (const first of [0, Math.floor(blockCount / 2), blockCount - 100])
      await image.mapBlocks(Math.min(first, image.nextHeldBlock(first)), 8_192);
    memory.look();
    expect(memory.peakBytes).toBeLessThan(192 * 1024 * 1024);
  });
});
