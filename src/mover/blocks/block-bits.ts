import { WINDOW_BLOCKS } from '../../domain/targets/digest.js';
import type { WindowJournal } from '../task/window-journal.js';

/** One bit for each block of a window: what a comparison found to differ, or a health check found bad. */
export const WINDOW_BITS_BYTES = WINDOW_BLOCKS / 8;

/** @param values 0 or 1 for each block of a window, or of the last one of the disk */
export function packBits(values: Uint8Array): Uint8Array {
  const bits = new Uint8Array(WINDOW_BITS_BYTES);
  for (let i = 0; i < values.length; i++) bits[i >> 3]! |= values[i]! << (i & 7);
  return bits;
}

/** Which of the windows that a journal numbers are windows of the disk: `HeldWindows`. */
interface NumberedWindows {
  /** null: this window of the disk is not among them. */
  numberOf(window: number): number | null;
}

const ALL_WINDOWS: NumberedWindows = { numberOf: (window) => window };

/** The bits of a disk's blocks, out of the journal of the work that found them. */
export class BlockBits {
  constructor(
    private readonly journal: WindowJournal,
    private readonly windows: NumberedWindows = ALL_WINDOWS,
  ) {}

  /** 0 or 1 for each of `count` blocks from `firstBlock`, the first of a window; 0 in windows that were not gone through.
   *  @throws STAGING_INVALID when the journal does not vouch for one of them */
  async read(firstBlock: number, count: number): Promise<Uint8Array> {
    const values = new Uint8Array(count);
    const firstWindow = firstBlock / WINDOW_BLOCKS;
    const numbers = Array.from({ length: Math.ceil(count / WINDOW_BLOCKS) }, (_, i) =>
      this.windows.numberOf(firstWindow + i),
    );
    // The numbers of windows that follow one another do so, too.
    const held = numbers.filter((number) => number !== null);
    if (held.length === 0) return values;
    const payloads = await this.journal.read(held[0]!, held.length);
    for (const [i, number] of numbers.entries()) {
      if (number === null) continue;
      const at = (number - held[0]!) * WINDOW_BITS_BYTES;
      const first = i * WINDOW_BLOCKS;
      for (let k = 0; k < Math.min(WINDOW_BLOCKS, count - first); k++)
        values[first + k] = (payloads[at + (k >> 3)]! >> (k & 7)) & 1;
    }
    return values;
  }
}
