import { describe, expect, it } from 'vitest';
import { orderByLineage } from '../../../../src/domain/sources/source-order.js';

/** `id day`, or `id day < parent`. */
function ordered(...points: string[]): string {
  const parsed = points.map((text) => {
    const [own, parentId = null] = text.split(' < ');
    const [id = '', day = ''] = own!.split(' ');
    return { id, createdAtMs: Date.parse(`${day}T02:00:00Z`), parentId };
  });
  return orderByLineage(parsed)
    .map(({ id }) => id)
    .join(' ');
}

describe('order of source points', () => {
  it('is that of the dates where they fit the lineage', () => {
    expect(ordered('c 2026-11-03 < b', 'a 2026-11-01', 'd 2026-11-04', 'b 2026-11-02 < a')).toBe(
      'a b c d',
    );
  });

  it('puts a point ten years ahead between its parent and its child, not behind what came after', () => {
    expect(
      ordered(
        'a 2026-11-01',
        'b 2026-11-02 < a',
        'future 2036-11-03 < b',
        'd 2026-11-04 < future',
        'e 2026-11-05 < d',
        'full 2026-11-06',
        'g 2026-11-07 < full',
      ),
    ).toBe('a b future d e full g');
  });

  it('puts a full ten years ahead before the increments that build on it', () => {
    expect(
      ordered(
        'a 2026-11-01',
        'future 2036-11-02',
        'c 2026-11-03 < future',
        'd 2026-11-04 < c',
        'e 2026-11-05',
      ),
    ).toBe('a future c d e');
  });

  it('puts a point of 1970 behind its parent', () => {
    expect(
      ordered('a 2026-11-01', 'b 2026-11-02', 'epoch 1970-01-01 < b', 'd 2026-11-04 < epoch'),
    ).toBe('a b epoch d');
  });

  it('keeps the order of a lineage whose dates are all the same', () => {
    expect(ordered('z 2026-11-01', 'y 2026-11-01 < z', 'x 2026-11-01 < y')).toBe('z y x');
  });

  it('keeps a branch behind the point that it leaves its line at', () => {
    expect(
      ordered('a 2026-11-01', 'b 2026-11-02 < a', 'c 2026-11-03 < b', 'branch 2026-10-01 < b'),
    ).toBe('a b branch c');
  });

  it('orders a circle and points without their parent by date', () => {
    expect(ordered('b 2026-11-02 < a', 'a 2026-11-01 < b', 'c 2026-10-01 < gone')).toBe('c a b');
  });
});
