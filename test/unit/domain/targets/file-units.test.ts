import { describe, expect, it } from 'vitest';
import {
  FileUnits,
  isPlain,
  NO_SLOTS,
  type PlacedSlots,
} from '../../../../src/domain/targets/file-units.js';
import { slotOffset, slotRun } from '../../../../src/domain/targets/slot-placement.js';

const KIB_64 = 65_536;

/** A VMA: a header of 12,800 bytes, then extents of 512 bytes of header and 59 clusters (Proxmox, vma_spec.txt). */
const VMA: PlacedSlots = { headBytes: 12_800, groupSlots: 59, prefixBytes: 512, slotCount: 130 };
/** A dynamic VHD: blocks of 2 MiB, each behind 512 bytes of bitmap that end on a multiple of 64 KiB. */
const VHD: PlacedSlots = { headBytes: KIB_64, groupSlots: 32, prefixBytes: KIB_64, slotCount: 64 };
/** Slots that begin at no multiple of 64 KiB, in no groups. */
const SHIFTED: PlacedSlots = { headBytes: 70_000, groupSlots: 0, prefixBytes: 0, slotCount: 3 };

const QCOW2: PlacedSlots = { headBytes: KIB_64, groupSlots: 0, prefixBytes: 0, slotCount: 4 };

const PLACEMENTS: [string, PlacedSlots, number][] = [
  ['a plain file', NO_SLOTS, 5 * KIB_64 + 7],
  ['qcow2', QCOW2, 9 * KIB_64],
  ['a VMA', VMA, 12_800 + 3 * 512 + 130 * KIB_64],
  ['a VMA with something behind its end', VMA, 12_800 + 3 * 512 + 130 * KIB_64 + 70_000],
  ['a VHD', VHD, KIB_64 + 2 * KIB_64 + 64 * KIB_64 + 1_536],
  ['shifted slots', SHIFTED, 70_000 + 3 * KIB_64 + 100_000],
];

describe('where slots lie', () => {
  it('is behind the head and the prefixes of all groups up to their own', () => {
    expect(slotOffset(VMA, 0)).toBe(12_800 + 512);
    expect(slotOffset(VMA, 58)).toBe(12_800 + 512 + 58 * KIB_64);
    expect(slotOffset(VMA, 59)).toBe(12_800 + 512 + 59 * KIB_64 + 512);
    expect(slotOffset(VMA, 118)).toBe(12_800 + 3 * 512 + 118 * KIB_64);
    expect(slotOffset(SHIFTED, 2)).toBe(70_000 + 2 * KIB_64);
  });

  it('is side by side within a group', () => {
    expect(slotRun(VMA, 0, 100)).toBe(59);
    expect(slotRun(VMA, 57, 100)).toBe(2);
    expect(slotRun(VMA, 57, 1)).toBe(1);
    expect(slotRun(SHIFTED, 1, 2)).toBe(2);
  });

  it('is plain when all lie on multiples of 64 KiB', () => {
    expect([NO_SLOTS, QCOW2].map(isPlain)).toEqual([true, true]);
    expect([VHD, VMA, SHIFTED].map(isPlain)).toEqual([false, false, false]);
  });
});

describe('units that are read together', () => {
  // Numbers of units by hand: the head of a VMA is one, then prefix and 59 slots twice, then prefix and 12 slots.
  it.each([
    ['a plain file', NO_SLOTS, [[3, 1_000]]],
    [
      'qcow2',
      QCOW2,
      [
        [0, 1],
        [1, 4],
        [4, 1],
        [5, 1_000],
      ],
    ],
    [
      'a VMA',
      VMA,
      [
        [0, 1],
        [1, 1],
        [2, 59],
        [60, 1],
        [61, 1],
        [62, 59],
        [121, 1],
        [122, 12],
        [134, 1_000],
      ],
    ],
    [
      'shifted slots',
      SHIFTED,
      [
        [0, 1],
        [1, 1],
        [2, 3],
        [4, 1],
        [5, 1_000],
      ],
    ],
  ] as const)('are, in %s, those up to the next that is shorter', (_, slots, runs) => {
    const units = new FileUnits(slots, 100 * 2 ** 20);
    for (const [unit, run] of runs) {
      expect(units.runFrom(unit, 1_000), `from ${unit}`).toBe(run);
      expect(units.runFrom(unit, 1)).toBe(1);
    }
  });
});

describe.each(PLACEMENTS)('the units of %s', (_, slots, sizeBytes) => {
  const units = new FileUnits(slots, sizeBytes);
  const all = Array.from({ length: units.count }, (_each, unit) => units.rangeOf(unit));

  it('cover every byte of the file once, in order, 64 KiB at most each', () => {
    let end = 0;
    for (const { offset, length } of all) {
      expect(offset).toBe(end);
      expect(length).toBeGreaterThan(0);
      expect(length).toBeLessThanOrEqual(KIB_64);
      end = offset + length;
    }
    expect(end).toBe(sizeBytes);
  });

  it('are digested as 64 KiB, filled up with zeros, but for prefixes', () => {
    for (const [unit, { offset, length }] of all.entries()) {
      const isBeforeSlot = units.slotOf(unit) === null && units.slotOf(unit + 1) !== null;
      const isPrefix = slots.groupSlots > 0 && isBeforeSlot && offset >= slots.headBytes;
      expect(units.digestedBytes(unit)).toBe(isPrefix ? length : KIB_64);
    }
  });

  it('are found by their first and by their last byte', () => {
    for (const [unit, { offset, length }] of all.entries()) {
      expect(units.unitAt(offset)).toBe(unit);
      expect(units.unitAt(offset + length - 1)).toBe(unit);
    }
  });

  it('have one for each slot, where the slot lies', () => {
    const found = all.flatMap(({ offset }, unit) => {
      const slot = units.slotOf(unit);
      return slot === null ? [] : [[slot, offset]];
    });
    expect(found).toEqual(
      Array.from({ length: slots.slotCount }, (_each, slot) => [slot, slotOffset(slots, slot)]),
    );
  });

  it('are read together only where they lie side by side, whole', () => {
    for (let unit = 0; unit < units.count; unit++) {
      const run = units.runFrom(unit, 1_000);
      const last = Math.min(unit + run, units.count) - 1;
      for (let other = unit; other < last; other++) expect(all[other]!.length).toBe(KIB_64);
      expect(all[last]!.offset - all[unit]!.offset).toBe((last - unit) * KIB_64);
      const isShort = all[last]!.length < KIB_64;
      if (isShort && last > unit) expect(last).toBe(units.count - 1);
    }
  });
});
