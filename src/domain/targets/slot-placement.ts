import { BLOCK_BYTES } from './digest.js';

/** Where the slots of a backup file lie, each with one copied block of 64 KiB: behind a head, in groups with a prefix before each.
 *  Slot k lies at `headBytes + k × 64 KiB + (⌊k / groupSlots⌋ + 1) × prefixBytes`; without groups (`groupSlots` 0) at
 *  `headBytes + k × 64 KiB` (docs/FORMAT.md, Backup file). */
export interface SlotPlacement {
  readonly headBytes: number;
  /** 0: there are no groups, and no prefixes. */
  readonly groupSlots: number;
  readonly prefixBytes: number;
}

/** Byte of the file at which a slot begins. */
export function slotOffset(placement: SlotPlacement, slot: number): number {
  const { headBytes, groupSlots, prefixBytes } = placement;
  const prefixes = groupSlots === 0 ? 0 : Math.floor(slot / groupSlots) + 1;
  return headBytes + slot * BLOCK_BYTES + prefixes * prefixBytes;
}

/** How many of `count` slots from `slot` on lie side by side in the file. */
export function slotRun({ groupSlots }: SlotPlacement, slot: number, count: number): number {
  return groupSlots === 0 ? count : Math.min(count, groupSlots - (slot % groupSlots));
}
