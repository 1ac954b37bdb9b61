import type { ComposerTraits } from '../../image/image-format.js';
import { giveRunBuffer, RUN_BYTES, takeRunBuffer } from '../../image/run-buffer.js';
import {
  ABSENT_OFFSET,
  guestBlockOf,
  layerOf,
  type BlockListWriter,
} from '../blocks/block-list.js';

/** Planned blocks of one part of the disk, in memory until they are sorted: by layer and file offset, where the slots may have any order.
 *  Granules are whole: they are added block by block, in the order of the disk, and are sorted by their first blocks. */
export class PlannedPart {
  private readonly lent = [takeRunBuffer(), takeRunBuffer()] as const;
  private packed = numbersIn(this.lent[0]);
  private offsets = numbersIn(this.lent[1]);
  length = 0;

  constructor(private readonly traits: Pick<ComposerTraits, 'slotOrder' | 'granuleBlocks'>) {}

  add(packed: number, offset: number): void {
    if (this.length === this.packed.length) this.grow();
    this.packed[this.length] = packed;
    this.offsets[this.length] = offset;
    this.length++;
  }

  /** Few disks have so much to copy: memory of their own is for those. */
  private grow(): void {
    const { packed, offsets } = this;
    this.packed = new Float64Array(2 * this.length);
    this.offsets = new Float64Array(2 * this.length);
    this.packed.set(packed);
    this.offsets.set(offsets);
  }

  /** Its memory is free again. */
  close(): Promise<void> {
    this.lent.forEach(giveRunBuffer);
    return Promise.resolve();
  }

  async flush(writer: BlockListWriter): Promise<void> {
    const { granuleBlocks } = this.traits;
    const granules = this.sorted(this.granules());
    const atOnce = Math.ceil(RESERVED_ENTRIES / granuleBlocks);
    for (let i = 0; i < granules.length; i++) {
      const first = granules[i]!;
      if (i % atOnce === 0) await writer.reserve(atOnce * granuleBlocks);
      if (granuleBlocks === 1) writer.push(this.packed[first]!, this.offsets[first]!);
      else this.push(writer, first);
    }
    this.length = 0;
  }

  /** Of each granule its first entry. */
  private granules(): Uint32Array {
    const { granuleBlocks } = this.traits;
    const firsts = Uint32Array.from({ length: this.length }, (_, i) => i);
    if (granuleBlocks === 1) return firsts;
    return firsts.filter((i) => i === 0 || this.granuleOf(i) !== this.granuleOf(i - 1));
  }

  private granuleOf(i: number): number {
    return Math.floor(guestBlockOf(this.packed[i]!) / this.traits.granuleBlocks);
  }

  private sorted(granules: Uint32Array): Uint32Array {
    if (this.traits.slotOrder !== 'any') return granules;
    const { packed, offsets } = this;
    const compare = (a: number, b: number) =>
      layerOf(packed[a]!) - layerOf(packed[b]!) ||
      offsets[a]! - offsets[b]! ||
      packed[a]! - packed[b]!;
    let isSorted = true;
    for (let i = 1; i < granules.length && isSorted; i++)
      isSorted = compare(granules[i - 1]!, granules[i]!) <= 0;
    return isSorted ? granules : granules.sort(compare);
  }

  /** One entry for each block of the granule, whether it is wanted or not. */
  private push(writer: BlockListWriter, first: number): void {
    const { granuleBlocks } = this.traits;
    const start = this.granuleOf(first) * granuleBlocks;
    let i = first;
    for (let block = start; block < start + granuleBlocks; block++)
      if (i < this.length && guestBlockOf(this.packed[i]!) === block) {
        writer.push(this.packed[i]!, this.offsets[i]!);
        i++;
      } else writer.push(block, ABSENT_OFFSET);
  }
}

function numbersIn({ buffer, byteOffset }: Buffer): Float64Array {
  return new Float64Array(buffer, byteOffset, RUN_BYTES / Float64Array.BYTES_PER_ELEMENT);
}

/** Awaiting each entry would cost more than writing it. */
const RESERVED_ENTRIES = 4096;
