import { describe, expect, it } from 'vitest';
import { PointerCollector } from '../../../src/image/pointer-table.js';

const LENGTH = 1_000;

describe.each([
  ['few', 7],
  ['most', 900],
])('a table of which %s entries are there', (_, count) => {
  // Different places, in their order.
  const indexes = Array.from({ length: count }, (_entry, i) =>
    Math.floor((i * (LENGTH - 1)) / (count - 1)),
  );
  const collected = new PointerCollector();
  for (const index of indexes) collected.add(index, (index + 1) * 65_536);
  const table = collected.table(LENGTH);

  it('has them all, and nothing between', () => {
    for (let index = 0; index < LENGTH; index++)
      expect(table.offset(index)).toBe(indexes.includes(index) ? (index + 1) * 65_536 : 0);
    expect([...table.entries()]).toEqual(indexes.map((index) => [index, (index + 1) * 65_536]));
  });

  it('tells the next one that is there, in whatever order it is asked', () => {
    for (const from of [500, 0, LENGTH - 1, 3, LENGTH, 499])
      expect(table.next(from)).toBe(indexes.find((index) => index >= from) ?? LENGTH);
  });

  it('takes no more memory than a list of all, and little for few', () => {
    expect(table.memoryBytes).toBe(Math.min(LENGTH * 8, count * 12));
    const sectors = new PointerCollector('sectors');
    for (const index of indexes) sectors.add(index, 0xffff_0000 + index);
    expect(sectors.table(LENGTH).memoryBytes).toBe(Math.min(LENGTH * 4, count * 8));
    expect(sectors.table(LENGTH).offset(indexes[3]!)).toBe(0xffff_0000 + indexes[3]!);
  });

  it('gives the offsets in their order, whatever the order of the table', () => {
    const turned = new PointerCollector();
    for (const index of indexes) turned.add(index, (LENGTH - index) * 65_536);
    expect([...turned.table(LENGTH).sortedOffsets()]).toEqual(
      indexes.map((index) => (LENGTH - index) * 65_536).reverse(),
    );
  });
});
