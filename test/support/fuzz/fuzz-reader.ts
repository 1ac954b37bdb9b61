import { BackupError } from '../../../src/domain/errors.js';
import type { DiskImage } from '../../../src/image/disk-image.js';
import type { ImageExtents, ImageFormat } from '../../../src/image/image-format.js';
import { MemoryBytes } from '../image/byte-files.js';
import { mutateBytes } from './mutate-bytes.js';
import { SeededRandom } from './seeded-random.js';

interface FuzzRun {
  readonly seed: number;
  /** At most so many changed files are tried. */
  readonly rounds: number;
  /** Nor any after so long; absent: only `rounds` counts, so that the same files are tried everywhere. */
  readonly endsAtMs?: number;
}

interface FuzzReport {
  readonly rounds: number;
  /** Files that were refused with a code. */
  readonly refused: number;
  /** The first file that a reader neither read nor refused. */
  readonly crash: {
    readonly round: number;
    readonly bytes: Buffer;
    readonly error: unknown;
  } | null;
}

/** Changes samples of a format and reads what comes of them, until a reader does anything but read or refuse with a code. */
export async function fuzzReader(
  format: ImageFormat,
  samples: readonly Uint8Array[],
  run: FuzzRun,
): Promise<FuzzReport> {
  const random = new SeededRandom(run.seed);
  let refused = 0;
  let round = 0;
  for (; round < run.rounds && Date.now() < (run.endsAtMs ?? Infinity); round++) {
    const bytes = mutateBytes(random.oneOf(samples), random);
    const error = await readWhole(format, bytes);
    if (error === null) continue;
    if (!isRefusal(error)) return { rounds: round + 1, refused, crash: { round, bytes, error } };
    refused++;
  }
  return { rounds: round, refused, crash: null };
}

/** Files of a format that once broke a reader are refused or read, and nothing else. */
export function isRefusal(error: unknown): boolean {
  return error instanceof BackupError && /^(IMAGE_|DISK_TOO_LARGE)/.test(error.code);
}

const NO_FILES: ImageExtents = {
  open: (name) =>
    Promise.reject(
      new BackupError('IMAGE_EXTENT_MISSING', `${JSON.stringify(name)} is not listed`),
    ),
};

const BLOCK_BYTES = 65_536;
const MAPPED_BLOCKS = 64;
const MEMORY_LIMIT_BYTES = 256 * 1024 * 1024;

/** Head, map and some of the data, at the start and at the end of the disk; the same of the disks that lie in it. @returns what was thrown; null: nothing */
export async function readWhole(format: ImageFormat, bytes: Uint8Array): Promise<unknown> {
  const source = new MemoryBytes(bytes, `changed.${format.extension}`);
  const before = process.memoryUsage().arrayBuffers;
  try {
    await format.readHead(source, NO_FILES);
    const images = [await format.open(source, NO_FILES)];
    for (const name of (await format.heldDisks?.list(source)) ?? [])
      images.push(await format.heldDisks!.open(source, name));
    for (const image of images) await readParts(image);
    const grownBytes = process.memoryUsage().arrayBuffers - before;
    if (grownBytes > MEMORY_LIMIT_BYTES) throw new Error(`it took ${grownBytes} bytes of memory`);
    return null;
  } catch (error) {
    return error;
  }
}

async function readParts(image: DiskImage): Promise<void> {
  const blocks = Math.ceil(image.virtualSizeBytes / BLOCK_BYTES);
  if (!Number.isSafeInteger(image.virtualSizeBytes) || image.virtualSizeBytes < 0)
    throw new Error(`a disk of ${image.virtualSizeBytes} bytes`);
  const below = (target: Uint8Array): Promise<void> => {
    target.fill(0);
    return Promise.resolve();
  };
  for (const first of new Set([0, Math.max(0, blocks - MAPPED_BLOCKS)])) {
    await image.mapBlocks(first, MAPPED_BLOCKS);
    image.nextHeldBlock(first);
    await image.read(new Uint8Array(2 * BLOCK_BYTES), first * BLOCK_BYTES, below);
  }
}
