import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import type { SlotPlacement } from '../../domain/targets/slot-placement.js';
import type { ByteSink } from '../../image/byte-source.js';
import { guestBlockOf, type BlockListReader } from '../blocks/block-list.js';
import type { CopiedSlots } from '../staging/copied-slots.js';

/** Slots that are asked for at once. */
const SLOTS_AT_ONCE = 8_192;

/** What stands before the slots of a stream. Of a slot that holds data the copy has written it with the block, read it back and compared it, and made both durable
 *  before it sealed their window: it need not be read again, as the block need not. */
export class CopiedPrefixes {
  private part: { readonly first: number; readonly slots: Promise<PartOfSlots> } | null = null;

  constructor(
    private readonly list: BlockListReader,
    private readonly slots: CopiedSlots,
    private readonly placement: SlotPlacement,
    private readonly prefixOf: (block: number) => Buffer,
  ) {}

  /** Meant to be asked with growing slots; several may ask at once. null: the slot holds no data, and whoever composes the file writes it.
   *  @throws STAGING_INVALID when the slot is not copied */
  async before(slot: number): Promise<Buffer | null> {
    const first = slot - (slot % SLOTS_AT_ONCE);
    if (this.part?.first !== first) this.part = { first, slots: this.load(first) };
    const { pairs, inUse } = await this.part.slots;
    const at = slot - first;
    return inUse[at] === 1 ? this.prefixOf(guestBlockOf(pairs[at * 2]!)) : null;
  }

  private async load(first: number): Promise<PartOfSlots> {
    const pairs = await this.list.read(first, SLOTS_AT_ONCE);
    return { pairs, inUse: await this.slots.inUse(first, pairs.length / 2) };
  }

  /** The file for its composer: these are not written again, each would make a page dirty anew, far from the next. */
  unlessCopied(file: ByteSink): ByteSink {
    return {
      ...file,
      write: async (bytes, offset) => {
        const slot = this.slotBehind(bytes, offset);
        const there = slot === null ? null : await this.before(slot);
        if (there === null) return file.write(bytes, offset);
        if (!there.equals(bytes)) throw new Error(`plan: slot ${slot} belongs to another block`);
      },
    };
  }

  private slotBehind(bytes: Uint8Array, offset: number): number | null {
    const { headBytes, prefixBytes } = this.placement;
    if (bytes.length !== prefixBytes || offset < headBytes) return null;
    const slot = (offset - headBytes) / (prefixBytes + BLOCK_BYTES);
    return Number.isInteger(slot) && slot < this.list.count ? slot : null;
  }
}

interface PartOfSlots {
  /** Of the block list. */
  readonly pairs: Float64Array;
  readonly inUse: Uint8Array;
}
