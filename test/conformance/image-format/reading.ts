import { expect } from 'vitest';
import { BackupError } from '../../../src/domain/errors.js';
import type { FormatId } from '../../../src/domain/sources/source-workload.js';
import type { ByteSource } from '../../../src/image/byte-source.js';
import type { DiskImage } from '../../../src/image/disk-image.js';
import type { ImageFormat } from '../../../src/image/image-format.js';
import { MemoryBytes } from '../../support/image/byte-files.js';
import { firstDifference } from '../../support/image/composed-disk.js';
import { mutateBytes } from '../../support/fuzz/mutate-bytes.js';
import { SEALS } from '../../support/fuzz/seals.js';
import { SeededRandom } from '../../support/fuzz/seeded-random.js';
import { tablePlaces } from '../../support/fuzz/table-places.js';
import { readByMap, type Sample } from './sample-disks.js';

/** What is asked of whatever reads images. */

const BLOCK = 65_536;

/** By the map, and by reads at any place.
 *  @param direct in which the map says that blocks lie; absent: in the file itself */
export async function expectShown(
  { open }: Pick<ImageFormat, 'open'>,
  sample: Sample,
  below: Buffer | null,
  direct: Pick<ByteSource, 'read'> = sample.file,
): Promise<void> {
  const image = await open(sample.file);
  expect(image.virtualSizeBytes).toBe(sample.disk.length);
  expect(image.parent === null).toBe(below === null);
  expect(firstDifference(await readByMap(image, direct, below), sample.disk)).toBeNull();
  for (const { offset, bytes } of places(sample.disk.length)) {
    const target = Buffer.alloc(bytes, 0xee);
    await image.read(target, offset, below === null ? null : readOf(below));
    const expected = Buffer.alloc(bytes);
    sample.disk.subarray(offset, offset + bytes).copy(expected);
    expect(firstDifference(target, expected), `${bytes} bytes at ${offset}`).toBeNull();
  }
}

function readOf(below: Buffer) {
  return (target: Uint8Array, offset: number): Promise<void> => {
    target.fill(0);
    target.set(below.subarray(offset, offset + target.length));
    return Promise.resolve();
  };
}

/** Across borders of sectors, blocks, granules and the end of the disk; the rest is scattered. */
function places(sizeBytes: number): { offset: number; bytes: number }[] {
  const borders = [0, 1, 511, BLOCK - 1, BLOCK, 32 * BLOCK - 3, 33 * BLOCK, sizeBytes - 5];
  const scattered = Array.from({ length: 40 }, (_, i) => (i * 2_654_435_761) % sizeBytes);
  const lengths = [1, 5, 512, BLOCK, 3 * BLOCK + 17];
  return [...borders, ...scattered].flatMap((offset, i) =>
    (i < borders.length ? lengths : [lengths[i % lengths.length]!]).map((bytes) => ({
      offset,
      bytes,
    })),
  );
}

/** The file with changes: mostly where its tables are, and three times in four with its checksums made right, so that a reader has to look at what they are of.
 *  @param id of the format, by which its tables are found */
export function brokenBytes(file: MemoryBytes, id: FormatId, seed: number): MemoryBytes {
  const random = new SeededRandom(seed);
  const bytes = mutateBytes(file.bytes, random, tablePlaces(id, file.bytes));
  if (seed % 4 > 0) SEALS[id]?.(bytes);
  return new MemoryBytes(bytes, file.label);
}

export async function expectRefusedOrRead(
  format: Pick<ImageFormat, 'readHead' | 'open'>,
  file: ByteSource,
  seed: number,
): Promise<void> {
  try {
    await format.readHead(file);
    const image: DiskImage = await format.open(file);
    await image.mapBlocks(0, 128);
    await image.read(Buffer.alloc(16 * BLOCK), 0, null);
    await image.read(Buffer.alloc(BLOCK), Math.max(0, image.virtualSizeBytes - BLOCK), null);
  } catch (error) {
    expect(error, `seed ${seed}`).toBeInstanceOf(BackupError);
    expect((error as BackupError).code, `seed ${seed}`).toMatch(/^(IMAGE_|DISK_TOO_LARGE)/);
  }
}

/** Of what this process has more in use than at first, at the looks at it. */
export class PeakMemory {
  private readonly before = PeakMemory.inUse();
  peakBytes = 0;

  look(): void {
    this.peakBytes = Math.max(this.peakBytes, PeakMemory.inUse() - this.before);
  }

  private static inUse(): number {
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  }
}
