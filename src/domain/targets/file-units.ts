import { BLOCK_BYTES } from './digest.js';
import { slotOffset, type SlotPlacement } from './slot-placement.js';

/** A part of a file, in bytes. */
export interface FileRange {
  readonly offset: number;
  readonly length: number;
}

/** Slots in a file, and how many. */
export interface PlacedSlots extends SlotPlacement {
  readonly slotCount: number;
}

/** Of a file that is taken as one run of units of 64 KiB, from its start to its end. */
export const NO_SLOTS: PlacedSlots = { headBytes: 0, groupSlots: 0, prefixBytes: 0, slotCount: 0 };

/** Whether the slots lie on multiples of 64 KiB: then all units of the file do, wherever the slots begin and end. */
export function isPlain({ headBytes, groupSlots }: SlotPlacement): boolean {
  return groupSlots === 0 && headBytes % BLOCK_BYTES === 0;
}

/** The units of a backup file: the stretches that one digest each covers. The head in units of 64 KiB, of each group its prefix and then its
 *  slots, what lies behind the slots in units of 64 KiB. The last unit of the head, a prefix and the last of all may be shorter
 *  (docs/FORMAT.md, Digest table). */
export class FileUnits {
  readonly count: number;
  private readonly headUnits: number;
  private readonly bodyUnits: number;
  private readonly bodyEnd: number;

  constructor(
    readonly slots: PlacedSlots,
    readonly fileSizeBytes: number,
  ) {
    const { headBytes, groupSlots, prefixBytes, slotCount } = slots;
    const groups = groupSlots === 0 ? 0 : Math.ceil(slotCount / groupSlots);
    this.headUnits = Math.ceil(headBytes / BLOCK_BYTES);
    this.bodyUnits = slotCount + groups;
    this.bodyEnd = headBytes + slotCount * BLOCK_BYTES + groups * prefixBytes;
    const tailUnits = Math.max(0, Math.ceil((fileSizeBytes - this.bodyEnd) / BLOCK_BYTES));
    this.count = this.headUnits + this.bodyUnits + tailUnits;
  }

  rangeOf(unit: number): FileRange {
    const { headBytes } = this.slots;
    const inBody = unit - this.headUnits;
    if (inBody < 0) return upTo(unit * BLOCK_BYTES, headBytes);
    const inTail = inBody - this.bodyUnits;
    if (inTail >= 0) return upTo(this.bodyEnd + inTail * BLOCK_BYTES, this.fileSizeBytes);
    const slot = this.slotOf(unit);
    if (slot !== null) return { offset: slotOffset(this.slots, slot), length: BLOCK_BYTES };
    const { groupSlots, prefixBytes } = this.slots;
    const firstSlot = Math.floor(inBody / (groupSlots + 1)) * groupSlots;
    return { offset: slotOffset(this.slots, firstSlot) - prefixBytes, length: prefixBytes };
  }

  /** Of how many bytes its digest is: a prefix as it is, of which a stream has one for each slot; any other unit as 64 KiB, filled up with zeros. */
  digestedBytes(unit: number): number {
    const { groupSlots, prefixBytes } = this.slots;
    const inBody = unit - this.headUnits;
    const isPrefix =
      groupSlots > 0 && inBody >= 0 && inBody < this.bodyUnits && inBody % (groupSlots + 1) === 0;
    return isPrefix ? prefixBytes : BLOCK_BYTES;
  }

  /** null: the unit is no slot. */
  slotOf(unit: number): number | null {
    const { groupSlots } = this.slots;
    const inBody = unit - this.headUnits;
    if (inBody < 0 || inBody >= this.bodyUnits) return null;
    if (groupSlots === 0) return inBody;
    const inGroup = inBody % (groupSlots + 1);
    return inGroup === 0 ? null : Math.floor(inBody / (groupSlots + 1)) * groupSlots + inGroup - 1;
  }

  /** The first slot behind a prefix; null: the unit is none. */
  slotBehind(unit: number): number | null {
    const isPrefix = this.slots.groupSlots > 0 && this.slotOf(unit) === null;
    return isPrefix ? this.slotOf(unit + 1) : null;
  }

  /** The unit that holds this byte. */
  unitAt(offset: number): number {
    const { headBytes, groupSlots, prefixBytes } = this.slots;
    if (offset < headBytes) return Math.floor(offset / BLOCK_BYTES);
    if (offset >= this.bodyEnd)
      return this.headUnits + this.bodyUnits + Math.floor((offset - this.bodyEnd) / BLOCK_BYTES);
    const inBody = offset - headBytes;
    if (groupSlots === 0) return this.headUnits + Math.floor(inBody / BLOCK_BYTES);
    const groupBytes = prefixBytes + groupSlots * BLOCK_BYTES;
    const group = Math.floor(inBody / groupBytes);
    const inGroup = inBody - group * groupBytes - prefixBytes;
    // The prefix, of 64 KiB at most, comes to -1.
    return this.headUnits + group * (groupSlots + 1) + 1 + Math.floor(inGroup / BLOCK_BYTES);
  }

  /** How many of `count` units from `unit` on lie side by side, 64 KiB each but for the last of the file; at least 1. */
  runFrom(unit: number, count: number): number {
    const { headBytes, groupSlots } = this.slots;
    const inBody = unit - this.headUnits;
    if (inBody < 0) return atMost(count, Math.floor(headBytes / BLOCK_BYTES) - unit);
    if (inBody >= this.bodyUnits) return count;
    if (groupSlots === 0) return atMost(count, this.bodyUnits - inBody);
    const inGroup = inBody % (groupSlots + 1);
    return inGroup === 0 ? 1 : atMost(count, groupSlots + 1 - inGroup, this.bodyUnits - inBody);
  }
}

function upTo(offset: number, end: number): FileRange {
  return { offset, length: Math.min(BLOCK_BYTES, end - offset) };
}

function atMost(...counts: number[]): number {
  return Math.max(1, Math.min(...counts));
}
