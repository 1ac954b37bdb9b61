import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import type { ByteSource } from '../byte-source.js';
import {
  BLOCK_DIRECT,
  BLOCK_ENCODED,
  emptyBlockMap,
  type BlockMap,
  type DiskImage,
  type ReadBelow,
} from '../disk-image.js';
import { FRAME_GAP, FrameIndex, type DataRun } from './frame-index.js';
import { readLz4Part } from './lz4-part.js';
import { KeptParts } from './kept-parts.js';
import { readStreamMeta, type StreamMeta } from './stream-meta.js';

/** Opens a stream of virtnbdbackup, plain or compressed, from the list of its runs, or by going over the headers of all its frames. Memory: 32 bytes for each piece of the
 *  disk, 64 MiB at most, and 64 MiB of what was unpacked for all streams of the thread.
 *  @throws IMAGE_MAGIC_MISSING, IMAGE_VERSION_UNKNOWN, IMAGE_CORRUPT, IMAGE_LIMIT_EXCEEDED, IMAGE_TRUNCATED; `read` throws IMAGE_CORRUPT, too */
export async function openVirtnbdImage(source: ByteSource): Promise<DiskImage> {
  const meta = await readStreamMeta(source);
  return new OpenStream(source, meta, await FrameIndex.read(source, meta));
}

class OpenStream implements DiskImage {
  readonly format = 'virtnbd';
  readonly label: string;
  readonly virtualSizeBytes: number;
  readonly parent: DiskImage['parent'];
  readonly linkId: string | null;
  readonly dialect: DiskImage['dialect'];

  constructor(
    private readonly source: ByteSource,
    private readonly meta: StreamMeta,
    private readonly index: FrameIndex,
  ) {
    this.label = source.label;
    this.virtualSizeBytes = meta.virtualSizeBytes;
    this.parent = meta.parent;
    this.linkId = meta.linkId;
    this.dialect = meta.dialect;
  }

  /** The list of its pieces, which other openings of the same stream may share. */
  get tableBytes(): number {
    return this.index.memoryBytes;
  }

  mapBlocks(firstBlock: number, count: number, reuse?: BlockMap): Promise<BlockMap> {
    const map = emptyBlockMap(count, reuse);
    const from = firstBlock * BLOCK_BYTES;
    const end = Math.min(from + count * BLOCK_BYTES, this.virtualSizeBytes);
    for (let i = this.index.firstFrom(from); i < this.index.count; i++) {
      const run = this.index.run(i);
      if (run.start >= end) break;
      this.mapRun(run, map, firstBlock, end);
    }
    return Promise.resolve(map);
  }

  private mapRun(run: DataRun, { states, hostOffsets }: BlockMap, first: number, end: number) {
    const runEnd = Math.min(run.start + run.length, end);
    const from = Math.max(first, Math.floor(run.start / BLOCK_BYTES));
    for (let block = from; block * BLOCK_BYTES < runEnd; block++) {
      const start = block * BLOCK_BYTES;
      const inRun = start - run.start;
      const isInOneFrame =
        inRun >= 0 && (inRun % run.payloadBytes) + BLOCK_BYTES <= run.payloadBytes;
      const isDirect = isInOneFrame && !this.meta.isCompressed;
      states[block - first] = isDirect ? BLOCK_DIRECT : BLOCK_ENCODED;
      hostOffsets[block - first] = isDirect ? placeInFile(run, inRun).offset : 0;
    }
  }

  nextHeldBlock(block: number): number {
    const index = this.index.firstFrom(block * BLOCK_BYTES);
    const held =
      index === this.index.count
        ? Math.ceil(this.virtualSizeBytes / BLOCK_BYTES)
        : Math.floor(this.index.run(index).start / BLOCK_BYTES);
    return Math.max(block, held);
  }

  async read(target: Uint8Array, offset: number, below: ReadBelow | null): Promise<void> {
    const end = Math.min(offset + target.length, Math.max(offset, this.virtualSizeBytes));
    target.fill(0, end - offset);
    let at = offset;
    for (let i = this.index.firstFrom(offset); at < end; i++) {
      const run = i < this.index.count ? this.index.run(i) : null;
      const start = Math.min(run?.start ?? end, end);
      if (start > at) {
        await readUnheld(target.subarray(at - offset, start - offset), at, below);
        at = start;
      }
      if (run === null || at >= end) continue;
      const to = Math.min(run.start + run.length, end);
      await this.readRun(run, target.subarray(at - offset, to - offset), at - run.start);
      at = to;
    }
  }

  private async readRun(run: DataRun, target: Uint8Array, inRun: number): Promise<void> {
    if (this.meta.isCompressed) {
      const { offset, payloadBytes: storedBytes, length: bytes } = run;
      const part = await KeptParts.ofThread.get(this.index, offset, bytes, () =>
        readLz4Part(this.source, { offset, storedBytes, bytes }),
      );
      target.set(part.subarray(inRun, inRun + target.length));
      return;
    }
    for (let done = 0; done < target.length;) {
      const { offset, bytes } = placeInFile(run, inRun + done);
      const part = target.subarray(done, done + bytes);
      await this.source.read(part, offset);
      done += part.length;
    }
  }
}

/** Where byte `inRun` of a plain run lies, and how many lie there side by side. */
function placeInFile({ offset, payloadBytes }: DataRun, inRun: number) {
  const frame = Math.floor(inRun / payloadBytes);
  const inFrame = inRun % payloadBytes;
  return {
    offset: offset + frame * (payloadBytes + FRAME_GAP) + inFrame,
    bytes: payloadBytes - inFrame,
  };
}

async function readUnheld(target: Uint8Array, offset: number, below: ReadBelow | null) {
  if (below === null) target.fill(0);
  else await below(target, offset);
}
