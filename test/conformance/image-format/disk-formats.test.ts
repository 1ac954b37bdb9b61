import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryBytes } from '../../support/image/byte-files.js';
import { firstDifference } from '../../support/image/composed-disk.js';
import { qemuBytes, requireTool, temporaryFolder } from '../../support/image/qemu.js';
import { canBeMade, DISK_ROWS, trialDisk } from './disk-rows.js';
import { LARGEST_ROWS } from './largest-disks.js';
import { OPAQUE_ROWS } from './opaque-rows.js';
import { brokenBytes, expectRefusedOrRead, expectShown, PeakMemory } from './reading.js';

const BLOCK = 65_536;

/** What is asked of formats that are written is asked of what other tools write, too. */
describe.each(DISK_ROWS)('$name', (row) => {
  const disk = trialDisk();
  const isHere = canBeMade(row);
  const folder = temporaryFolder();
  let file: MemoryBytes;
  beforeAll(() => {
    if (isHere) file = new MemoryBytes(row.make(disk), 'disk.img');
  });
  afterAll(() => folder.remove());

  it.skipIf(row.qemuFormat === null || !requireTool('qemu-img'))(
    'is such a file, as QEMU reads it',
    async () => {
      const path = join(folder.path, 'disk.img');
      await writeFile(path, file.bytes);
      const seen = await qemuBytes(path, row.qemuFormat!);
      expect(firstDifference(seen, disk)).toBeNull();
    },
  );

  it.skipIf(!isHere)('shows its disk by the map and by reads at any place', async () => {
    await expectShown(row.readerOf(file), { file, disk }, null, row.directIn?.(file));
  });

  it.skipIf(!isHere)(
    'refuses what is broken in it, with a code, and never fails otherwise',
    async () => {
      for (let seed = 0; seed < 24; seed++) {
        const broken = brokenBytes(file, row.format, seed);
        await expectRefusedOrRead(row.readerOf(broken), broken, seed);
      }
    },
  );
});

describe.each(LARGEST_ROWS)('$name', ({ largest, madeBy }) => {
  const isHere = madeBy === undefined || requireTool(madeBy);

  it.skipIf(!isHere)('takes a bounded memory for its largest disk', async () => {
    const { reader, file, sizeBytes, data, memoryBytes = 192 * 1024 * 1024 } = largest();
    const memory = new PeakMemory();
    const image = await reader.open(file);
    expect(image.virtualSizeBytes).toBe(sizeBytes);
    memory.look();
    const part = Buffer.alloc(BLOCK);
    for (const [offset, expected] of data) {
      await image.read(part, offset, null);
      expect(part.equals(Buffer.alloc(BLOCK, expected)), `at ${offset}`).toBe(true);
    }
    const blockCount = Math.ceil(sizeBytes / BLOCK);
    for (const first of [0, Math.floor(blockCount / 2), blockCount - 100])
      await image.mapBlocks(Math.min(first, image.nextHeldBlock(first)), 8_192);
    memory.look();
    expect(memory.peakBytes).toBeLessThan(memoryBytes);
  });
});

describe.each(OPAQUE_ROWS.map((row) => ({ ...row, id: row.reader.id })))(
  '$id, kept as it is',
  ({ reader, samples }) => {
    it('shows the file by the map and by reads at any place', async () => {
      for (const bytes of await samples()) {
        const file = new MemoryBytes(bytes, `whole.${reader.extension}`);
        await expectShown(reader, { file, disk: file.bytes }, null);
      }
    });

    it('refuses what is broken in it, with a code, and never fails otherwise', async () => {
      for (const bytes of await samples())
        for (let seed = 0; seed < 16; seed++) {
          const file = new MemoryBytes(bytes, `broken.${reader.extension}`);
          await expectRefusedOrRead(reader, brokenBytes(file, reader.id, seed), seed);
        }
    });
  },
);
