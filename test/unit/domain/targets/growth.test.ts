import { describe, expect, it } from 'vitest';
import { growthOf, withSample, type FillSample } from '../../../../src/domain/targets/growth.js';

const GIB = 1024 ** 3;
const TOTAL = 1_000 * GIB;
const NOW_MS = Date.parse('2026-11-26T12:00:00Z');

function dayBefore(days: number): string {
  return new Date(NOW_MS - days * 86_400_000).toISOString().slice(0, 10);
}

/** One look a day until today, oldest first. */
function looks(usedGib: readonly number[], total = TOTAL): FillSample[] {
  return usedGib.map((used, index) => ({
    day: dayBefore(usedGib.length - 1 - index),
    totalBytes: total,
    freeBytes: total - used * GIB,
  }));
}

const STEADY = [800, 810, 820, 830, 840, 850, 860, 870, 880, 890, 900];

describe('growth of a repository', () => {
  it('that takes the same every day ends when the room is divided by it', () => {
    expect(growthOf(looks(STEADY), NOW_MS)).toEqual({
      since: '2026-11-16',
      samples: 11,
      bytesPerDay: 10 * GIB,
      leastBytesPerDay: 10 * GIB,
      mostBytesPerDay: 10 * GIB,
      fullAt: '2026-12-06T12:00:00.000Z',
      earliestFullAt: '2026-12-06T12:00:00.000Z',
      latestFullAt: '2026-12-06T12:00:00.000Z',
    });
  });

  it('is not moved by one night that removes much, or by one large copy', () => {
    const removed = STEADY.map((used, index) => (index === 5 ? used - 500 : used));
    expect(growthOf(looks(removed), NOW_MS)).toMatchObject({ bytesPerDay: 10 * GIB });
  });

  // The 28 slopes by hand; ranks (28 - 13.3) / 2 and (28 + 13.3) / 2 + 1: the 7th and the 22nd, with 13.3 = 1.645 * sqrt(8 * 7 * 21 / 18).
  it('has an interval that is as wide as its days differ', () => {
    const growth = growthOf(looks([100, 130, 120, 150, 140, 170, 160, 190]), NOW_MS)!;
    const inGib = [growth.leastBytesPerDay, growth.bytesPerDay, growth.mostBytesPerDay].map(
      (bytes) => Math.round((bytes / GIB) * 1_000) / 1_000,
    );
    expect(inGib).toEqual([10, 10, 16.667]);
  });

  it('of a disk that was made larger meanwhile is that of what lies on it', () => {
    const before = looks(STEADY.slice(0, 6)).map((look, index) => ({
      ...look,
      day: dayBefore(10 - index),
    }));
    const after = looks(STEADY.slice(6), 2 * TOTAL);
    expect(growthOf([...before, ...after], NOW_MS)).toMatchObject({
      bytesPerDay: 10 * GIB,
      fullAt: '2027-03-16T12:00:00.000Z',
    });
  });

  it.each([
    ['stands still', [5, 5, 5, 5, 5, 5, 5, 5]],
    ['shrinks', [80, 70, 60, 50, 40, 30, 20, 10]],
  ])('that %s has no end', (_title, used) => {
    const growth = growthOf(looks(used), NOW_MS)!;
    expect([growth.fullAt, growth.earliestFullAt]).toEqual([null, null]);
  });

  it('has no end that is more than ten years away', () => {
    const slow = looks([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]);
    expect(growthOf(slow, NOW_MS)).toMatchObject({ fullAt: null });
  });

  it.each([
    ['no look', []],
    ['six looks', STEADY.slice(0, 6)],
    ['seven looks of six days', STEADY.slice(0, 7)],
  ])('is not known from %s', (_title, used) => {
    expect(growthOf(looks(used), NOW_MS)).toBeNull();
  });

  it('counts looks of the last ninety days alone, and none of a day to come', () => {
    const old = looks(Array.from({ length: 200 }, (_, day) => (day < 110 ? 500 - day : day)));
    const ahead = { day: dayBefore(-1), totalBytes: TOTAL, freeBytes: 0 };
    expect(growthOf([...old, ahead], NOW_MS)).toMatchObject({
      samples: 90,
      since: dayBefore(89),
      bytesPerDay: GIB,
    });
  });
});

describe('looks at the room', () => {
  it('are one a day, oldest first, the last of the day', () => {
    const [first, ...rest] = looks([1, 2, 3]);
    const room = { totalBytes: TOTAL, freeBytes: 7 };
    expect(withSample([...rest, first!], room, NOW_MS)).toEqual([
      first,
      rest[0],
      { day: '2026-11-26', ...room },
    ]);
  });

  it('are kept for four hundred days', () => {
    const many = looks(Array.from({ length: 400 }, () => 1)).map((sample) => ({
      ...sample,
      day: new Date(Date.parse(sample.day) - 86_400_000).toISOString().slice(0, 10),
    }));
    const kept = withSample(many, { totalBytes: TOTAL, freeBytes: 7 }, NOW_MS);
    expect([kept.length, kept[0]]).toEqual([400, many[1]]);
  });
});
