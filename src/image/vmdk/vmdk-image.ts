import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import type { ByteSource } from '../byte-source.js';
import {
  BLOCK_DIRECT,
  BLOCK_ENCODED,
  BLOCK_UNALLOCATED,
  emptyBlockMap,
  type BlockMap,
  type Dialect,
  type DiskImage,
  type ParentLink,
  type ReadBelow,
} from '../disk-image.js';
import type { ImageExtents } from '../image-format.js';
import type { ExtentRun, VmdkExtent } from './vmdk-extent.js';
import { headOf, openVmdkDisk, type VmdkDisk } from './vmdk-disk.js';

/** Opens one VMDK disk, without its parents. Memory: 20 bytes for each grain table in it, or 8 for each of the disk and for each in it where those are fewer, 8 MiB of tables for each part, a grain.
 *  @throws as `openVmdkDisk`; `mapBlocks` and `read` IMAGE_CORRUPT, IMAGE_LIMIT_EXCEEDED and IMAGE_TRUNCATED, too */
export async function openVmdkImage(source: ByteSource, files?: ImageExtents): Promise<DiskImage> {
  return new VmdkImage(source, await openVmdkDisk(source, files));
}

class VmdkImage implements DiskImage {
  readonly format = 'vmdk';
  readonly label: string;
  readonly virtualSizeBytes: number;
  readonly parent: ParentLink | null;
  readonly linkId: string | null;
  readonly dialect: Dialect;
  readonly #source: ByteSource;
  readonly #extents: readonly VmdkExtent[];
  /** Guest offset of each extent. */
  readonly #starts: readonly number[];

  constructor(source: ByteSource, disk: VmdkDisk) {
    const head = headOf(source, disk);
    this.#source = source;
    this.label = source.label;
    this.virtualSizeBytes = head.virtualSizeBytes;
    this.parent = head.parent;
    this.linkId = head.linkId;
    this.dialect = head.dialect;
    this.#extents = disk.extents;
    let start = 0;
    this.#starts = disk.extents.map(({ sizeBytes }) => (start += sizeBytes) - sizeBytes);
  }

  async mapBlocks(firstBlock: number, count: number, reuse?: BlockMap): Promise<BlockMap> {
    const map = emptyBlockMap(count, reuse);
    const start = firstBlock * BLOCK_BYTES;
    const end = Math.min(start + count * BLOCK_BYTES, this.virtualSizeBytes);
    for (let from = start; from < end;) {
      const { run, extent } = await this.#runAt(from, end);
      const isElsewhere = run.state === BLOCK_DIRECT && extent.source !== this.#source;
      addRun(map, from - start, isElsewhere ? { ...run, state: BLOCK_ENCODED } : run);
      from += run.bytes;
    }
    return map;
  }

  nextHeldBlock(block: number): number {
    const from = block * BLOCK_BYTES;
    for (let index = this.#indexAt(from); index < this.#extents.length; index++) {
      const { extent, start } = this.#extentAt(index);
      const held = extent.nextHeld(Math.max(0, from - start));
      if (held < extent.sizeBytes) return Math.max(block, Math.floor((start + held) / BLOCK_BYTES));
    }
    return Math.max(block, Math.ceil(this.virtualSizeBytes / BLOCK_BYTES));
  }

  async read(target: Uint8Array, offset: number, below: ReadBelow | null): Promise<void> {
    const end = Math.min(offset + target.length, Math.max(offset, this.virtualSizeBytes));
    target.fill(0, end - offset);
    for (let from = offset; from < end;) {
      const { run, extent, start } = await this.#runAt(from, end);
      const part = target.subarray(from - offset, from - offset + run.bytes);
      if (run.state === BLOCK_DIRECT) await extent.source.read(part, run.host);
      else if (run.state === BLOCK_ENCODED) await extent.readEncoded(part, from - start, run.host);
      else if (run.state === BLOCK_UNALLOCATED && below !== null) await below(part, from);
      else part.fill(0);
      from += run.bytes;
    }
  }

  get tableBytes(): number {
    return this.#extents.reduce((sum, { tableBytes = 0 }) => sum + tableBytes, 0);
  }

  keepTables(maxBytes: number): void {
    for (const extent of this.#extents) extent.keepTables?.(maxBytes / this.#extents.length);
  }

  async #runAt(
    from: number,
    to: number,
  ): Promise<{ run: ExtentRun; extent: VmdkExtent; start: number }> {
    const { extent, start } = this.#extentAt(this.#indexAt(from));
    const run = await extent.runAt(from - start, Math.min(to - start, extent.sizeBytes));
    return { run, extent, start };
  }

  /** Index of the extent that holds a guest offset; behind the last one for an offset behind the disk. */
  #indexAt(offset: number): number {
    if (offset >= this.virtualSizeBytes) return this.#extents.length;
    let from = 0;
    let to = this.#starts.length - 1;
    while (from < to) {
      const middle = (from + to + 1) >>> 1;
      if ((this.#starts[middle] ?? 0) <= offset) from = middle;
      else to = middle - 1;
    }
    return from;
  }

  #extentAt(index: number): { extent: VmdkExtent; start: number } {
    const extent = this.#extents[index];
    if (extent === undefined) throw new Error(`extent ${index} of ${this.#extents.length}`);
    return { extent, start: this.#starts[index] ?? 0 };
  }
}

/** Enters a run into the map: `at` counts from the map's first block. A block that is made of several runs is ENCODED unless they are alike. */
function addRun({ states, hostOffsets }: BlockMap, at: number, run: ExtentRun): void {
  const isDirect = run.state === BLOCK_DIRECT;
  for (let done = 0; done < run.bytes;) {
    const block = Math.floor((at + done) / BLOCK_BYTES);
    const inBlock = (at + done) % BLOCK_BYTES;
    const host = isDirect ? run.host + done : 0;
    if (inBlock === 0) {
      states[block] = run.state;
      hostOffsets[block] = host;
    } else if (
      states[block] !== run.state ||
      (isDirect && host !== (hostOffsets[block] ?? 0) + inBlock)
    ) {
      states[block] = BLOCK_ENCODED;
      hostOffsets[block] = 0;
    }
    done += BLOCK_BYTES - inBlock;
  }
}
