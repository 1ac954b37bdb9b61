import { inflateSync } from 'node:zlib';
import type { ByteSource } from '../byte-source.js';
import { BLOCK_DIRECT, BLOCK_ENCODED, BLOCK_UNALLOCATED, BLOCK_ZERO } from '../disk-image.js';
import { checkInside, imageFault } from '../image-fault.js';
import { GrainTables, type GrainDirectory } from './grain-tables.js';
import { getU64, GRAIN_ABSENT, GRAIN_ZERO, SECTOR_BYTES, viewOf } from './vmdk-bytes.js';
import type { ExtentRun, VmdkExtent } from './vmdk-extent.js';

/** Place (u64) and length (u32) in front of each compressed grain. */
const GRAIN_MARKER_BYTES = 12;
/** Random data become longer when they are compressed: 65,562 bytes for 65,536 were seen. */
const MAX_GROWTH_BYTES = 1_024;
/** Grain tables that are looked at before anything is read: all of a disk of 64 GiB with the usual grain, 4 MiB. */
const TABLES_CHECKED = 2_048;

/** A part of a disk of which only some grains are stored. */
export class SparseExtent implements VmdkExtent {
  readonly source: ByteSource;
  readonly sizeBytes: number;
  readonly #directory: GrainDirectory;
  readonly #tables: GrainTables;
  /** Small reads of one compressed grain come one after the other. */
  #inflated: { readonly host: number; readonly bytes: Uint8Array } | null = null;

  /** @throws IMAGE_CORRUPT, IMAGE_TRUNCATED */
  constructor(directory: GrainDirectory) {
    this.source = directory.source;
    this.sizeBytes = directory.sizeBytes;
    this.#directory = directory;
    this.#tables = new GrainTables(directory);
  }

  get tableBytes(): number {
    return this.#tables.memoryBytes + (this.#inflated?.bytes.length ?? 0);
  }

  keepTables(maxBytes: number): void {
    this.#tables.keep(maxBytes);
  }

  nextHeld(from: number): number {
    const { spanBytes } = this.#tables;
    const index = Math.floor(from / spanBytes);
    const held = this.#tables.nextTable(index);
    return held === index ? from : Math.min(held * spanBytes, this.sizeBytes);
  }

  async runAt(from: number, to: number): Promise<ExtentRun> {
    const { spanBytes } = this.#tables;
    const index = Math.floor(from / spanBytes);
    const table = await this.#tables.table(index);
    if (table === null)
      return {
        state: BLOCK_UNALLOCATED,
        bytes: Math.min(to, this.nextHeld(from)) - from,
        host: 0,
      };
    return this.#runIn(table, index * spanBytes, from, Math.min(to, (index + 1) * spanBytes));
  }

  #runIn(table: Float64Array, start: number, from: number, to: number): ExtentRun {
    const { grainBytes, isCompressed } = this.#directory;
    const first = Math.floor((from - start) / grainBytes);
    const grain = table[first] ?? GRAIN_ABSENT;
    const state = stateOf(grain, isCompressed);
    const end = Math.ceil((to - start) / grainBytes);
    let next = first + 1;
    if (state === BLOCK_DIRECT)
      while (next < end && table[next] === grain + (next - first) * grainBytes) next++;
    else if (state !== BLOCK_ENCODED) while (next < end && table[next] === grain) next++;
    const bytes = Math.min(to, start + next * grainBytes) - from;
    if (state === BLOCK_DIRECT)
      return { state, bytes, host: grain + ((from - start) % grainBytes) };
    return { state, bytes, host: state === BLOCK_ENCODED ? grain : 0 };
  }

  async readEncoded(target: Uint8Array, offset: number, host: number): Promise<void> {
    const { grainBytes } = this.#directory;
    const inGrain = offset % grainBytes;
    let inflated = this.#inflated;
    if (inflated?.host !== host) {
      inflated = { host, bytes: await this.#inflate(offset - inGrain, host) };
      this.#inflated = inflated;
    }
    target.set(inflated.bytes.subarray(inGrain, inGrain + target.length));
  }

  async checkEnd(): Promise<void> {
    const last = await this.#tables.readLast(TABLES_CHECKED);
    if (last !== null && this.#directory.isCompressed)
      await readCompressedGrain(
        this.source,
        last.guestOffset,
        last.host,
        this.#directory.grainBytes,
      );
  }

  /** Memory: twice a grain, whatever the data claim. */
  async #inflate(guestOffset: number, host: number): Promise<Uint8Array> {
    const { grainBytes } = this.#directory;
    const stored = await readCompressedGrain(this.source, guestOffset, host, grainBytes);
    const usedBytes = Math.min(grainBytes, this.sizeBytes - guestOffset);
    const refuse = (reason: string, cause?: unknown): Error =>
      imageFault(
        this.source,
        'IMAGE_CORRUPT',
        `the grain at offset ${host} cannot be decompressed: ${reason}`,
        { offset: host },
        cause,
      );
    let bytes: Uint8Array;
    try {
      bytes = inflateSync(stored, { maxOutputLength: grainBytes });
    } catch (error) {
      throw refuse(error instanceof Error ? error.message : String(error), error);
    }
    if (bytes.length < usedBytes) throw refuse(`${bytes.length} bytes instead of ${usedBytes}`);
    return bytes;
  }
}

function stateOf(grain: number, isCompressed: boolean): number {
  if (grain === GRAIN_ABSENT) return BLOCK_UNALLOCATED;
  if (grain === GRAIN_ZERO) return BLOCK_ZERO;
  return isCompressed ? BLOCK_ENCODED : BLOCK_DIRECT;
}

/** The zlib stream of one grain.
 *  @param guestOffset of the grain, as its marker must repeat it
 *  @throws IMAGE_CORRUPT, IMAGE_LIMIT_EXCEEDED, IMAGE_TRUNCATED */
async function readCompressedGrain(
  source: ByteSource,
  guestOffset: number,
  host: number,
  grainBytes: number,
): Promise<Uint8Array> {
  const marker = new Uint8Array(GRAIN_MARKER_BYTES);
  await source.read(marker, host);
  const view = viewOf(marker);
  const sector = getU64(view, 0);
  if (sector * SECTOR_BYTES !== guestOffset)
    throw imageFault(
      source,
      'IMAGE_CORRUPT',
      `the grain at offset ${host} is one of sector ${sector}, not of ${guestOffset / SECTOR_BYTES}`,
      { offset: host },
    );
  const bytes = view.getUint32(8, true);
  if (bytes === 0 || bytes > grainBytes + MAX_GROWTH_BYTES)
    throw imageFault(
      source,
      'IMAGE_LIMIT_EXCEEDED',
      `the grain at offset ${host} has ${bytes} compressed bytes; 1..${grainBytes + MAX_GROWTH_BYTES} are allowed`,
      { offset: host + 8, seen: bytes },
    );
  checkInside(source, 'a compressed grain', host + GRAIN_MARKER_BYTES, bytes);
  const stored = new Uint8Array(bytes);
  await source.read(stored, host + GRAIN_MARKER_BYTES);
  return stored;
}
