import { hash } from 'node:crypto';
import { WINDOW_BLOCKS } from '../../domain/digest.js';
import { BackupError } from '../../domain/errors.js';
import type { WritableFile, ReadableFile } from '../../repository/backup-repository.js';

/** One bit a guest block, 1 = differs from what the target holds. Each window of blocks has its bits and half of the SHA-256 of its number
 *  and its bits, so windows can be written in any order, and one that is not as it was written shows: a block that were taken for unchanged
 *  would be missing in the copy. */
const BITS_BYTES = WINDOW_BLOCKS / 8;
const CHECK_BYTES = 16;
const RECORD_BYTES = BITS_BYTES + CHECK_BYTES;

/** The windows that were gone through; the others hold no bit. */
export interface WrittenWindows {
  /** First block from `block` on that lies in one of them. */
  nextBlock(block: number): number;
}

const ALL_WINDOWS: WrittenWindows = { nextBlock: (block) => block };

export class ChangeMap {
  constructor(
    private readonly file: ReadableFile,
    private readonly written: WrittenWindows = ALL_WINDOWS,
  ) {}

  /** Bits of `count` blocks from `firstBlock`, the first of a window, as one byte a block.
   *  @throws STAGING_INVALID when they are not as they were written */
  async read(firstBlock: number, count: number): Promise<Uint8Array> {
    const changed = new Uint8Array(count);
    const firstWindow = firstBlock / WINDOW_BLOCKS;
    const records = Buffer.alloc(Math.ceil(count / WINDOW_BLOCKS) * RECORD_BYTES);
    await this.file.read(records, firstWindow * RECORD_BYTES);
    for (let at = 0; at * WINDOW_BLOCKS < count; at++) {
      const block = firstBlock + at * WINDOW_BLOCKS;
      if (this.written.nextBlock(block) !== block) continue;
      const record = records.subarray(at * RECORD_BYTES, (at + 1) * RECORD_BYTES);
      const bits = record.subarray(0, BITS_BYTES);
      if (!checkOf(firstWindow + at, bits).equals(record.subarray(BITS_BYTES)))
        throw this.damaged();
      const first = at * WINDOW_BLOCKS;
      for (let i = 0; i < Math.min(WINDOW_BLOCKS, count - first); i++)
        changed[first + i] = (bits[i >> 3]! >> (i & 7)) & 1;
    }
    return changed;
  }

  private damaged(): BackupError {
    return new BackupError('STAGING_INVALID', `${this.file.path} is not as it was written`, {
      details: { path: this.file.path },
    });
  }
}

/** @param changed of one whole window, or of the last one of the disk */
export async function writeChangeBits(
  file: WritableFile,
  firstBlock: number,
  changed: Uint8Array,
): Promise<void> {
  const window = firstBlock / WINDOW_BLOCKS;
  const bits = Buffer.alloc(BITS_BYTES);
  for (let i = 0; i < changed.length; i++) bits[i >> 3]! |= changed[i]! << (i & 7);
  await file.write(Buffer.concat([bits, checkOf(window, bits)]), window * RECORD_BYTES);
}

function checkOf(window: number, bits: Buffer): Buffer {
  const number = Buffer.alloc(8);
  number.writeDoubleLE(window);
  return hash('sha256', Buffer.concat([number, bits]), 'buffer').subarray(0, CHECK_BYTES);
}
