import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import type { ByteSource } from '../byte-source.js';
import { HeaderReader } from '../header-reader.js';
import { imageFault } from '../image-fault.js';
import { KeptIndexes } from '../kept-indexes.js';
import { LZ4_HEADER_BYTES, lz4ContentBytes, MAX_PART_BYTES, partLimit } from './lz4-part.js';
import { MAX_RUNS, readRunList, type BlockRun } from './run-list.js';
import { HEADER_BYTES, LINE_END, parseFrame, type Frame } from './stream-frames.js';
import type { StreamMeta } from './stream-meta.js';
import { readStreamEnd, readTrailer, type FramePieces, type StreamEnd } from './stream-trailer.js';

/** Where a stream holds which part of the guest disk. */
export interface DataRun {
  /** Guest bytes. */
  readonly start: number;
  readonly length: number;
  /** Of the first payload in the file. */
  readonly offset: number;
  /** Plain: payload of each frame, which are alike and follow each other in the file, too (`FRAME_GAP` bytes between two payloads).
   *  Compressed: bytes of the one piece in the file. */
  readonly payloadBytes: number;
}

/** Between the payloads of two frames: line end and header. */
export const FRAME_GAP = LINE_END.length + HEADER_BYTES;

const FIELDS = 4;

const KEPT = new KeptIndexes<FrameIndex>(64 * 1024 * 1024);

/** Data runs by guest offset, none over another: 32 bytes each. */
export class FrameIndex {
  private constructor(
    private readonly runs: Float64Array,
    readonly count: number,
  ) {}

  get memoryBytes(): number {
    return this.runs.byteLength;
  }

  /** Takes the list of runs that a stream of Longhaul's own has at its end; goes once over all headers of any other, and keeps what it found where
   *  something vouches for the bytes. Frames that say zeros are passed over: in a full what no frame holds is zeros anyway, and where
   *  one stands in an increment `virtnbdrestore` writes nothing.
   *  @throws IMAGE_TRUNCATED, IMAGE_CORRUPT, IMAGE_LIMIT_EXCEEDED */
  static async read(source: ByteSource, meta: StreamMeta): Promise<FrameIndex> {
    const { sameness } = source;
    const kept = sameness === undefined ? null : KEPT.get(sameness);
    if (kept !== null) return kept;
    const runs = new RunCollector(source);
    const end = await readStreamEnd(source, meta.isCompressed);
    if (end.runListBytes === null) await new StreamWalk(source, meta, end, runs).walk();
    else {
      const listed = await readRunList(source, end.offset, end.runListBytes);
      addListedRuns(source, meta, listed, { end, runs });
    }
    const index = new FrameIndex(runs.sorted(), runs.count);
    if (sameness !== undefined) KEPT.keep(sameness, index);
    return index;
  }

  run(index: number): DataRun {
    const at = index * FIELDS;
    const { runs } = this;
    return {
      start: runs[at]!,
      length: runs[at + 1]!,
      offset: runs[at + 2]!,
      payloadBytes: runs[at + 3]!,
    };
  }

  /** Index of the first run that ends behind guest byte `offset`; `count` when there is none. */
  firstFrom(offset: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = middle * FIELDS;
      if (this.runs[at]! + this.runs[at + 1]! > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

class RunCollector {
  count = 0;
  private runs = new Float64Array(1024 * FIELDS);
  private isSorted = true;

  constructor(private readonly source: ByteSource) {}

  /** @param mayJoin whether runs of frames that are alike may become one */
  add(run: DataRun, mayJoin: boolean): void {
    const { start, length, offset, payloadBytes } = run;
    const at = (this.count - 1) * FIELDS;
    const { runs } = this;
    if (this.count > 0) {
      const frames = runs[at + 1]! / runs[at + 3]!;
      const end = runs[at]! + runs[at + 1]!;
      const next = runs[at + 2]! + frames * (runs[at + 3]! + FRAME_GAP);
      if (mayJoin && start === end && length === runs[at + 3]! && offset === next) {
        runs[at + 1]! += length;
        return;
      }
      if (start < end) this.isSorted = false;
    }
    this.reserve(offset);
    this.runs.set([start, length, offset, payloadBytes], this.count * FIELDS);
    this.count++;
  }

  private reserve(offset: number): void {
    if ((this.count + 1) * FIELDS <= this.runs.length) return;
    if (this.count >= MAX_RUNS)
      throw imageFault(
        this.source,
        'IMAGE_LIMIT_EXCEEDED',
        `it holds its disk in more than ${MAX_RUNS} pieces; so many are not read`,
        { offset, max: MAX_RUNS },
      );
    const grown = new Float64Array(this.runs.length * 2);
    grown.set(this.runs);
    this.runs = grown;
  }

  /** @throws IMAGE_CORRUPT when one part of the disk is there twice */
  sorted(): Float64Array {
    const runs = this.isSorted ? this.runs : this.inOrder();
    for (let at = FIELDS; at < this.count * FIELDS; at += FIELDS)
      if (runs[at - FIELDS]! + runs[at - FIELDS + 1]! > runs[at]!)
        throw imageFault(
          this.source,
          'IMAGE_CORRUPT',
          `two frames hold byte ${runs[at]} of the disk`,
          { offset: runs[at + 2]! },
        );
    return runs.slice(0, this.count * FIELDS);
  }

  private inOrder(): Float64Array {
    const { runs, count } = this;
    const order = Uint32Array.from({ length: count }, (_, i) => i * FIELDS);
    order.sort((a, b) => runs[a]! - runs[b]!);
    const sorted = new Float64Array(count * FIELDS);
    for (const [i, at] of order.entries()) sorted.set(runs.subarray(at, at + FIELDS), i * FIELDS);
    return sorted;
  }
}

/** @throws IMAGE_CORRUPT unless all of them lie on the disk and in the slots, and are as much as the meta frame says */
function addListedRuns(
  source: ByteSource,
  meta: StreamMeta,
  listed: Iterable<BlockRun>,
  { end, runs }: { readonly end: StreamEnd; readonly runs: RunCollector },
): void {
  const stride = BLOCK_BYTES + FRAME_GAP;
  const slots = meta.dataBytes / BLOCK_BYTES;
  let blocks = 0;
  for (const run of listed) {
    blocks += run.blocks;
    const isOfDisk = (run.block + run.blocks) * BLOCK_BYTES <= meta.virtualSizeBytes;
    const isOfSlots = run.blocks > 0 && run.slot + run.blocks <= slots;
    if (!isOfDisk || !isOfSlots) throw listFault(source, end, 'leads out of the disk or the file');
    const offset = meta.end + FRAME_GAP + run.slot * stride;
    const start = run.block * BLOCK_BYTES;
    const length = run.blocks * BLOCK_BYTES;
    runs.add({ start, length, offset, payloadBytes: BLOCK_BYTES }, false);
  }
  if (blocks !== slots || meta.end + slots * stride > end.offset - HEADER_BYTES)
    throw listFault(source, end, `is of ${blocks} blocks, its meta frame of ${slots}`);
}

function listFault(source: ByteSource, { offset }: StreamEnd, words: string) {
  return imageFault(source, 'IMAGE_CORRUPT', `its list of runs ${words}`, { offset });
}

class StreamWalk {
  private readonly headers: HeaderReader;
  private dataBytes = 0;
  private dataFrames = 0;

  constructor(
    private readonly source: ByteSource,
    private readonly meta: StreamMeta,
    private readonly end: StreamEnd,
    private readonly runs: RunCollector,
  ) {
    this.headers = new HeaderReader(source);
  }

  async walk(): Promise<void> {
    const { source, meta, end } = this;
    const pieces = meta.isCompressed ? await readTrailer(source, end) : null;
    let offset = await this.lineEnd(meta.end);
    for (let isNear = false; ;) {
      const header = await this.headers.read(offset, HEADER_BYTES, isNear);
      const frame = parseFrame(source, header, offset);
      const payload = offset + HEADER_BYTES;
      if (frame.kind === 'stop') {
        this.checkEnd(payload, end.offset, pieces?.length ?? null);
        return;
      }
      this.checkRange(frame, offset);
      isNear = frame.kind === 'zero';
      if (isNear) offset = payload;
      else offset = await this.lineEnd(await this.data(frame, payload, pieces));
    }
  }

  /** @returns end of the payload */
  private async data(
    frame: Frame,
    payload: number,
    pieces: readonly FramePieces[] | null,
  ): Promise<number> {
    this.dataBytes += frame.length;
    const { start, length } = frame;
    const index = this.dataFrames++;
    if (pieces !== null) return this.pieces(frame, payload, [pieces[index] ?? []].flat());
    if (length > 0) this.runs.add({ start, length, offset: payload, payloadBytes: length }, true);
    return payload + length;
  }

  private async pieces(frame: Frame, payload: number, sizes: readonly number[]): Promise<number> {
    const { source } = this;
    let { start } = frame;
    let offset = payload;
    const end = start + frame.length;
    for (const payloadBytes of sizes) {
      const bytes = Math.min(LZ4_HEADER_BYTES, payloadBytes);
      const header = await this.headers.read(offset, bytes, false);
      const length = lz4ContentBytes(source, header, offset) ?? frame.length;
      if (length > MAX_PART_BYTES) throw partLimit(source, offset, length);
      if (start + length > end || payloadBytes > storedLimit(length)) break;
      if (length > 0) this.runs.add({ start, length, offset, payloadBytes }, false);
      start += length;
      offset += payloadBytes;
    }
    if (start === end) return offset;
    throw imageFault(
      source,
      'IMAGE_CORRUPT',
      `the pieces of the frame before byte ${payload} are not the ${frame.length} bytes that it holds`,
      { offset: payload },
    );
  }

  /** @throws IMAGE_CORRUPT unless the frame holds a part of the disk */
  private checkRange({ kind, start, length }: Frame, offset: number): void {
    const isOfDisk = kind === 'data' || kind === 'zero';
    if (isOfDisk && start + length <= this.meta.virtualSizeBytes) return;
    throw imageFault(
      this.source,
      'IMAGE_CORRUPT',
      `the ${kind} frame at byte ${offset} is of bytes ${start}..${start + length} of a disk of ${this.meta.virtualSizeBytes}`,
      { offset },
    );
  }

  /** Read together with the header behind it: each read of a header costs, and there may be millions. */
  private async lineEnd(offset: number): Promise<number> {
    const left = Math.max(this.source.sizeBytes - offset, LINE_END.length);
    const bytes = await this.headers.read(offset, Math.min(FRAME_GAP, left), false);
    if (bytes.subarray(0, LINE_END.length).equals(LINE_END)) return offset + LINE_END.length;
    throw imageFault(
      this.source,
      'IMAGE_CORRUPT',
      `a frame does not end at byte ${offset}, as its header says`,
      { offset },
    );
  }

  private checkEnd(end: number, expectedEnd: number, pieceCount: number | null): void {
    const { source, dataBytes, dataFrames, meta } = this;
    const fault =
      end !== expectedEnd
        ? `its stop frame ends at byte ${end} instead of ${expectedEnd}`
        : dataBytes !== meta.dataBytes
          ? `its frames hold ${dataBytes} bytes, its meta frame says ${meta.dataBytes}`
          : (pieceCount ?? dataFrames) !== dataFrames
            ? `its trailer is of ${pieceCount} frames, there are ${dataFrames}`
            : null;
    if (fault !== null) throw imageFault(source, 'IMAGE_CORRUPT', fault, { offset: end });
  }
}

/** LZ4 keeps what it cannot make smaller as it is, in blocks of 64 KiB or more. */
function storedLimit(bytes: number): number {
  return bytes + Math.ceil(bytes / 65_536) * 8 + 64;
}
