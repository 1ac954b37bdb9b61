import { HOLE } from '../../chain/digests/digest-table.js';
import { DIGEST_BYTES, WINDOW_BLOCKS } from '../../domain/targets/digest.js';
import type { WindowJournal } from '../task/window-journal.js';

/** What a finished copy has noted of each slot of its file. */
export class CopiedSlots {
  constructor(
    private readonly journal: WindowJournal,
    private readonly slotCount: number,
  ) {}

  /** Digests of `count` slots from `firstSlot`: 32 zero bytes for a block of zeros.
   *  @throws STAGING_INVALID when one of them is not copied */
  async digests(firstSlot: number, count: number): Promise<Buffer> {
    if (count === 0) return Buffer.alloc(0);
    const firstWindow = Math.floor(firstSlot / WINDOW_BLOCKS);
    const endSlot = Math.min(firstSlot + count, this.slotCount);
    const endWindow = Math.ceil(endSlot / WINDOW_BLOCKS);
    const digests = await this.journal.read(firstWindow, endWindow - firstWindow);
    const from = (firstSlot - firstWindow * WINDOW_BLOCKS) * DIGEST_BYTES;
    return digests.subarray(from, from + count * DIGEST_BYTES);
  }

  /** 1 for a slot that holds data; 0 for one whose block was found to be zeros. */
  async inUse(firstSlot: number, count: number): Promise<Uint8Array> {
    const digests = await this.digests(firstSlot, count);
    const used = new Uint8Array(count);
    for (let i = 0; i < count; i++)
      used[i] = digests.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES).equals(HOLE) ? 0 : 1;
    return used;
  }
}
