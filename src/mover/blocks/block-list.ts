import { createHash } from 'node:crypto';
import { BackupError } from '../../domain/errors.js';
import { giveRunBuffer, RUN_BYTES, takeRunBuffer } from '../../image/run-buffer.js';
import type { ReadableFile, WritableFile } from '../../repository/backup-repository.js';

/** Lists of blocks in the staging folder, streamed both ways, never held whole in memory.
 *
 *  A list file is a header of 64 bytes (magic, token, count, digest of the entries) and entries of 16 bytes: two float64 in the machine's order (staging never
 *  leaves the machine's kind). Integers up to 2^53 are exact in it, and typed arrays read it without a loop.
 *  - planned block: guest block + layer × 2^37, file offset of its 64 KiB, or one of the offsets below;
 *  - zero run: first guest block, count. */

const LIST_HEADER_BYTES = 64;
const LIST_ENTRY_BYTES = 16;
/** Only an image reader can get the block. */
export const ENCODED_OFFSET = -1;
/** The slot of a block that is not wanted, between those of its granule: a hole. */
export const ABSENT_OFFSET = -2;
/** The slot of a block of zeros: a hole. */
export const ZERO_OFFSET = -3;
/** 2^37 blocks are 8 PiB; of the 53 bits, 16 are left for the layer, as many as `StackMap.layers` has. */
const LAYER_FACTOR = 2 ** 37;
const MAGIC = 'LHLIST4\0';
/** Of builds before 29 November 2026: the same list. They take up none of this one, because its plan may say what a copy of theirs does not do (`copiesPrefixes`). */
const FORMER_MAGIC = 'LHLIST3\0';
/** As builds before 28 November 2026 wrote it: layer × 2^40, which is right for fewer than 8,192 layers. */
const EARLIER_MAGIC = 'LHLIST2\0';
const EARLIER_LAYER_FACTOR = 2 ** 40;
const TOKEN_BYTES = 32;
const COUNT_OFFSET = 40;
const DIGEST_OFFSET = 48;
/** The first half of a SHA-256: it tells damage, nobody forges a list. */
const LIST_DIGEST_BYTES = 16;
const BUFFERED_ENTRIES = RUN_BYTES / LIST_ENTRY_BYTES;

export function packBlock(guestBlock: number, layer: number): number {
  return guestBlock + layer * LAYER_FACTOR;
}

export function guestBlockOf(packed: number): number {
  return packed % LAYER_FACTOR;
}

/** Whether such an entry is a slot that nothing is copied into. */
export function isHoleOffset(offset: number): boolean {
  return offset === ABSENT_OFFSET || offset === ZERO_OFFSET;
}

export function layerOf(packed: number): number {
  return Math.floor(packed / LAYER_FACTOR);
}

export class BlockListWriter {
  private readonly bytes = takeRunBuffer();
  private readonly buffer = pairsIn(this.bytes, BUFFERED_ENTRIES);
  private readonly hash = createHash('sha256');
  private used = 0;
  count = 0;
  /** Slots that nothing is copied into. */
  holeCount = 0;

  constructor(
    private readonly file: WritableFile,
    private readonly token: string,
  ) {}

  /** Makes room for `entries` calls of `push`, at most 65,536. */
  async reserve(entries: number): Promise<void> {
    if (this.used + entries > BUFFERED_ENTRIES) await this.flush();
  }

  push(first: number, second: number): void {
    this.buffer[this.used * 2] = first;
    this.buffer[this.used * 2 + 1] = second;
    this.used++;
    if (isHoleOffset(second)) this.holeCount++;
  }

  private async flush(): Promise<void> {
    const bytes = this.bytes.subarray(0, this.used * LIST_ENTRY_BYTES);
    this.hash.update(bytes);
    await this.file.write(bytes, LIST_HEADER_BYTES + this.count * LIST_ENTRY_BYTES);
    this.count += this.used;
    this.used = 0;
  }

  /** Writes the rest and the header, and makes the list durable. */
  async finish(): Promise<number> {
    if (this.used > 0) await this.flush();
    const header = Buffer.alloc(LIST_HEADER_BYTES);
    header.write(MAGIC, 0, 'latin1');
    header.write(this.token, 8, TOKEN_BYTES, 'latin1');
    header.writeDoubleLE(this.count, COUNT_OFFSET);
    this.hash.digest().copy(header, DIGEST_OFFSET, 0, LIST_DIGEST_BYTES);
    await this.file.write(header, 0);
    await this.file.sync();
    return this.count;
  }

  /** Its memory is free again. */
  close(): Promise<void> {
    return Promise.resolve(giveRunBuffer(this.bytes));
  }
}

function pairsIn({ buffer, byteOffset }: Buffer, entries: number): Float64Array {
  return new Float64Array(buffer, byteOffset, entries * 2);
}

export class BlockListReader {
  private constructor(
    private readonly file: ReadableFile,
    readonly count: number,
    private readonly digest: Buffer,
    private readonly isEarlier: boolean,
  ) {}

  /** @throws STAGING_INVALID when the list is not whole or belongs to another plan */
  static async open(file: ReadableFile, token: string): Promise<BlockListReader> {
    const header = Buffer.alloc(LIST_HEADER_BYTES);
    const bytes = await file.read(header, 0);
    const count = header.readDoubleLE(COUNT_OFFSET);
    const magic = header.toString('latin1', 0, 8);
    if (
      bytes < LIST_HEADER_BYTES ||
      ![MAGIC, FORMER_MAGIC, EARLIER_MAGIC].includes(magic) ||
      header.toString('latin1', 8, 8 + TOKEN_BYTES) !== token ||
      !Number.isSafeInteger(count) ||
      count < 0
    )
      throw new BackupError('STAGING_INVALID', `${file.path} does not belong to this plan`, {
        details: { path: file.path },
      });
    return new BlockListReader(
      file,
      count,
      header.subarray(DIGEST_OFFSET),
      magic === EARLIER_MAGIC,
    );
  }

  /** Entries `first … first + count - 1` as pairs; fewer at the end. */
  async read(first: number, count: number): Promise<Float64Array> {
    const present = Math.max(0, Math.min(count, this.count - first));
    const pairs = new Float64Array(present * 2);
    await this.fill(Buffer.from(pairs.buffer), first);
    return this.asPackedNow(pairs);
  }

  /** How many of these entries something is copied for. */
  async countCopied(first: number, count: number): Promise<number> {
    let copied = 0;
    for (let done = 0; done < count; done += BUFFERED_ENTRIES) {
      const pairs = await this.read(first + done, Math.min(BUFFERED_ENTRIES, count - done));
      for (let i = 1; i < pairs.length; i += 2) if (!isHoleOffset(pairs[i]!)) copied++;
    }
    return copied;
  }

  private async fill(bytes: Buffer, first: number): Promise<void> {
    const got = await this.file.read(bytes, LIST_HEADER_BYTES + first * LIST_ENTRY_BYTES);
    if (got < bytes.length)
      throw new BackupError('STAGING_INVALID', `${this.file.path} is cut off`, {
        details: { path: this.file.path },
      });
  }

  /** Reads the whole list.
   *  @throws STAGING_INVALID when it is not as it was written */
  async assertSound(): Promise<void> {
    const digest = createHash('sha256');
    for await (const { pairs } of this.stored())
      digest.update(Buffer.from(pairs.buffer, pairs.byteOffset, pairs.byteLength));
    if (digest.digest().subarray(0, LIST_DIGEST_BYTES).equals(this.digest)) return;
    throw new BackupError('STAGING_INVALID', `${this.file.path} is not as it was written`, {
      details: { path: this.file.path },
    });
  }

  /** All entries in parts of at most 1 MiB, each until the next one is asked for.
   *  @param isWanted of a part, by the number of its first entry, which is the same each time; absent: all are read */
  async *parts(
    isWanted?: (first: number) => boolean,
  ): AsyncGenerator<{ first: number; pairs: Float64Array }> {
    for await (const { first, pairs } of this.stored(isWanted))
      yield { first, pairs: this.asPackedNow(pairs) };
  }

  private asPackedNow(pairs: Float64Array): Float64Array {
    if (this.isEarlier)
      for (let i = 0; i < pairs.length; i += 2) {
        const guestBlock = pairs[i]! % EARLIER_LAYER_FACTOR;
        pairs[i] = packBlock(guestBlock, Math.floor(pairs[i]! / EARLIER_LAYER_FACTOR));
      }
    return pairs;
  }

  private async *stored(
    isWanted: (first: number) => boolean = () => true,
  ): AsyncGenerator<{ first: number; pairs: Float64Array }> {
    const bytes = takeRunBuffer();
    try {
      for (let first = 0; first < this.count; first += BUFFERED_ENTRIES) {
        if (!isWanted(first)) continue;
        const present = Math.min(BUFFERED_ENTRIES, this.count - first);
        await this.fill(bytes.subarray(0, present * LIST_ENTRY_BYTES), first);
        yield { first, pairs: pairsIn(bytes, present) };
      }
    } finally {
      giveRunBuffer(bytes);
    }
  }
}
