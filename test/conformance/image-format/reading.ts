import { expect } from 'vitest';
import { BackupError } from '../../../src/domain/errors.js';
import type { ByteSource } from '../../../src/image/byte-source.js';
import type { DiskImage } from '../../../src/image/disk-image.js';
import type { ImageFormat } from '../../../src/image/image-format.js';
import { firstDifference } from '../../support/image/composed-disk.js';
import { readByMap, type Sample } from './sample-disks.js';

/** What is asked of whatever reads images. */

const BLOCK = 65_536;

/** By the map, and by reads at any place. */
export async function expectShown(
  { open }: Pick<ImageFormat, 'open'>,
  sample: Sample,
  below: Buffer | null,
): Promise<void> {
  const image = await open(sample.file);
  expect(image.virtualSizeBytes).toBe(sample.disk.length);
  expect(image.parent === null).toBe(below === null);
  expect(firstDifference(await readByMap(image, sample.file, below), sample.disk)).toBeNull();
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

/** The file, cut off somewhere, or with other bytes in some places: mostly where its structures are. */
export function brokenBytes(file: ByteSource, seed: number): ByteSource {
  const random = generator(seed);
  const sizeBytes = seed % 4 === 0 ? Math.floor(random() * file.sizeBytes) : file.sizeBytes;
  const patches = new Map<number, number>();
  for (let i = 0; i < 1 + (seed % 5) * 3; i++) {
    const isHead = random() < 0.7;
    const span = Math.min(isHead ? 4_096 : file.sizeBytes, file.sizeBytes);
    patches.set(Math.floor(random() * span), Math.floor(random() * 256));
  }
  return {
    label: file.label,
    sizeBytes,
    read: async (target, offset) => {
      if (offset + target.length > sizeBytes)
        throw new BackupError('IMAGE_TRUNCATED', `${file.label} ends at ${sizeBytes}`);
      await file.read(target, offset);
      for (const [at, byte] of patches)
        if (at >= offset && at < offset + target.length) target[at - offset] = byte;
    },
  };
}

/** Mulberry32. */
function generator(seed: number): () => number {
  let state = seed + 1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
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
