import { BackupError } from '../../../src/domain/errors.js';
import type { FormatId } from '../../../src/domain/sources/source-workload.js';
import type { ByteSource } from '../../../src/image/byte-source.js';
import { BLOCK_DIRECT, BLOCK_ZERO, type DiskImage } from '../../../src/image/disk-image.js';
import type { ImageExtents, ImageFormat } from '../../../src/image/image-format.js';
import { mutateBytes } from './mutate-bytes.js';
import { SEALS } from './seals.js';
import { SeededRandom } from './seeded-random.js';
import { tablePlaces } from './table-places.js';

/** What is fuzzed: the reader of a format, or that of a file that is a part of an image. */
export interface FuzzedReader extends Pick<
  ImageFormat,
  'extension' | 'isOpaque' | 'heldDisks' | 'readHead' | 'open'
> {
  readonly id: FormatId;
}

interface FuzzRun {
  readonly seed: number;
  /** At most so many changed files are tried. */
  readonly rounds: number;
  /** Nor any after so long; absent: only `rounds` counts, so that the same files are tried everywhere. */
  readonly endsAtMs?: number;
  /** Asked for each file that was read; what it throws ends the run as what a reader throws does. Absent: nothing is asked. */
  readonly onRead?: (bytes: Buffer) => Promise<void>;
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

/** Of the files that were changed, how many keep checksums that say so. */
const UNSEALED = 4;

/** Changes samples of a format and reads what comes of them, until a reader does anything but read or refuse with a code. */
export async function fuzzReader(
  format: FuzzedReader,
  samples: readonly Uint8Array[],
  run: FuzzRun,
): Promise<FuzzReport> {
  const random = new SeededRandom(run.seed);
  const places = new Map(samples.map((each) => [each, placesOf(format.id, each)]));
  let refused = 0;
  let round = 0;
  for (; round < run.rounds && Date.now() < (run.endsAtMs ?? Infinity); round++) {
    const sample = random.oneOf(samples);
    const bytes = mutateBytes(sample, random, places.get(sample));
    if (random.below(UNSEALED) > 0) SEALS[format.id]?.(bytes);
    const error = (await readWhole(format, bytes)) ?? (await run.onRead?.(bytes).catch(asIs));
    if (error === null || error === undefined) continue;
    if (!isRefusal(error)) return { rounds: round + 1, refused, crash: { round, bytes, error } };
    refused++;
  }
  return { rounds: round, refused, crash: null };
}

const asIs = (error: unknown): unknown => error;

/** None of a file that was kept because it broke a reader: its tables may be anywhere. */
function placesOf(id: FormatId, sample: Uint8Array) {
  try {
    return tablePlaces(id, Buffer.from(sample));
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
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
const COMPARED_BLOCKS = 4;
const MEMORY_LIMIT_BYTES = 256 * 1024 * 1024;
/** A reader that goes round in circles reads and reads; a clock would tell another thing on each machine. */
const MOST_READS = 20_000;

/** Head, map and some of the data, at the start and at the end of the disk; the same of the disks that lie in it. @returns what was thrown; null: nothing */
export async function readWhole(format: FuzzedReader, bytes: Uint8Array): Promise<unknown> {
  const source = new CountedBytes(bytes, `changed.${format.extension}`);
  const before = process.memoryUsage().arrayBuffers;
  try {
    const head = await format.readHead(source, NO_FILES);
    const image = await format.open(source, NO_FILES);
    if (head.virtualSizeBytes !== image.virtualSizeBytes)
      throw new Error(`a disk of ${head.virtualSizeBytes} and of ${image.virtualSizeBytes} bytes`);
    await readParts(image, source);
    for (const name of (await format.heldDisks?.list(source)) ?? [])
      await readParts(await format.heldDisks!.open(source, name), null);
    const grownBytes = process.memoryUsage().arrayBuffers - before;
    if (grownBytes > MEMORY_LIMIT_BYTES) throw new Error(`it took ${grownBytes} bytes of memory`);
    return null;
  } catch (error) {
    return error;
  }
}

/** @param file in which the map says that blocks lie; null: in a part of it */
async function readParts(image: DiskImage, file: ByteSource | null): Promise<void> {
  const blocks = Math.ceil(image.virtualSizeBytes / BLOCK_BYTES);
  if (!Number.isSafeInteger(image.virtualSizeBytes) || image.virtualSizeBytes < 0)
    throw new Error(`a disk of ${image.virtualSizeBytes} bytes`);
  const below = (target: Uint8Array): Promise<void> => {
    target.fill(BELOW);
    return Promise.resolve();
  };
  for (const first of new Set([0, Math.max(0, blocks - MAPPED_BLOCKS)])) {
    const { states, hostOffsets } = await image.mapBlocks(first, MAPPED_BLOCKS);
    const next = image.nextHeldBlock(first);
    if (!(next >= first)) throw new Error(`block ${next} is to be the next one from ${first} on`);
    for (let at = 0; at < COMPARED_BLOCKS; at++) {
      const offset = (first + at) * BLOCK_BYTES;
      const length = Math.min(BLOCK_BYTES, image.virtualSizeBytes - offset);
      if (length <= 0) break;
      const read = new Uint8Array(length);
      await image.read(read, offset, below);
      const mapped = new Uint8Array(length);
      const state = states[at]!;
      if (state === BLOCK_DIRECT && file !== null) await file.read(mapped, hostOffsets[at]!);
      else if (state !== BLOCK_ZERO) continue;
      if (!Buffer.from(read).equals(mapped))
        throw new Error(`block ${first + at} is another by the map (${state}) than read`);
    }
  }
}

const BELOW = 0xb5;

class CountedBytes implements ByteSource {
  #reads = 0;

  constructor(
    private readonly bytes: Uint8Array,
    readonly label: string,
  ) {}

  get sizeBytes(): number {
    return this.bytes.length;
  }

  read(target: Uint8Array, offset: number): Promise<void> {
    if (++this.#reads > MOST_READS) return Promise.reject(new Error('it reads without an end'));
    if (!Number.isSafeInteger(offset) || offset < 0)
      return Promise.reject(new RangeError(`${target.length} bytes at ${offset}`));
    if (offset + target.length > this.bytes.length)
      return Promise.reject(
        new BackupError('IMAGE_TRUNCATED', `${this.label}: no ${target.length} bytes at ${offset}`),
      );
    target.set(this.bytes.subarray(offset, offset + target.length));
    return Promise.resolve();
  }
}
